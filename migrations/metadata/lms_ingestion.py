"""Application tables of the lms domain about ingestion: what is watched, what was read, which nuggets came of it."""

from typing import Any

from sqlalchemy import Boolean, Column, Table, text

from migrations.metadata.lms_types import baseline, json
from migrations.metadata.prisma import index, key, moment, owner, whole, word_list, words


def _on(name: str) -> Column[Any]:
    return Column(name, Boolean, nullable=False, server_default=text("true"))


watched_folders = Table(
    "watched_folders",
    baseline,
    words("id"),
    words("organization_id"),
    words("path"),
    _on("enabled"),
    word_list("file_types", default="ARRAY['pdf'::text, 'docx'::text, 'txt'::text]"),
    _on("recursive"),
    _on("auto_process"),
    moment("created_at", now=True),
    moment("updated_at"),
    key("watched_folders"),
    owner("watched_folders", "organization_id", "organizations"),
    index("watched_folders", "organization_id"),
    index("watched_folders", "enabled"),
)

monitored_urls = Table(
    "monitored_urls",
    baseline,
    words("id"),
    words("organization_id"),
    words("url"),
    _on("enabled"),
    whole("check_interval", default=5),
    moment("last_checked", null=True),
    moment("last_modified", null=True),
    words("etag", null=True),
    moment("created_at", now=True),
    moment("updated_at"),
    key("monitored_urls"),
    owner("monitored_urls", "organization_id", "organizations"),
    index("monitored_urls", "organization_id"),
    index("monitored_urls", "enabled"),
    index("monitored_urls", "last_checked"),
)

ingestion_jobs = Table(
    "ingestion_jobs",
    baseline,
    words("id"),
    words("type"),
    words("source"),
    words("organization_id"),
    words("status", default="pending"),
    json("metadata", "{}", null=True),
    whole("nugget_count", null=True),
    words("error_message", null=True),
    moment("started_at", null=True),
    moment("completed_at", null=True),
    moment("created_at", now=True),
    key("ingestion_jobs"),
    index("ingestion_jobs", "organization_id"),
    index("ingestion_jobs", "status"),
    index("ingestion_jobs", "created_at"),
    index("ingestion_jobs", "type"),
)

nugget_sources = Table(
    "nugget_sources",
    baseline,
    words("id"),
    words("nugget_id"),
    words("source_type"),
    words("source_path"),
    words("ingestion_job_id", null=True),
    moment("created_at", now=True),
    key("nugget_sources"),
    owner("nugget_sources", "nugget_id", "nuggets"),
    owner("nugget_sources", "ingestion_job_id", "ingestion_jobs", gone="SET NULL"),
    index("nugget_sources", "nugget_id"),
    index("nugget_sources", "ingestion_job_id"),
    index("nugget_sources", "source_type"),
)
