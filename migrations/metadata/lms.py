"""The lms domain's schema at the head of its revisions: the application's tables, and what the plan adds.

A revision says how a site gets here, this module where "here" is; `alembic check` proves that they agree. Who may
do what with its tables stands in `migrations/grants.toml`.
"""

from sqlalchemy import Index, func, text

from migrations.metadata.lms_application import baseline
from migrations.metadata.lms_types import metadata
from migrations.metadata.prisma import owner

__all__ = ["baseline", "metadata"]

for table in baseline.tables.values():
    table.to_metadata(metadata)

for name in ("ingestion_jobs", "analytics"):
    metadata.tables[name].append_constraint(owner(name, "organization_id", "organizations"))

for name in ("voice_configs", "ai_model_configs"):
    columns = metadata.tables[name].c
    Index(
        f"{name}_scope_scope_id_nulls_key",
        columns.scope,
        columns.scope_id,
        unique=True,
        postgresql_nulls_not_distinct=True,
    )

sessions = metadata.tables["sessions"]
messages = metadata.tables["messages"]
nuggets = metadata.tables["nuggets"]
ingestion_jobs = metadata.tables["ingestion_jobs"]
Index("sessions_learner_activity_idx", sessions.c.learner_id, sessions.c.last_activity.desc())
Index("messages_session_created_idx", messages.c.session_id, messages.c.created_at)
Index(
    "nuggets_content_fts_idx",
    func.to_tsvector(text("'english'::regconfig"), nuggets.c.content),
    postgresql_using="gin",
)
Index(
    "nuggets_ready_idx",
    nuggets.c.organization_id,
    nuggets.c.created_at,
    postgresql_where=text("status = 'ready'::text"),
)
Index(
    "ingestion_jobs_pending_idx",
    ingestion_jobs.c.organization_id,
    ingestion_jobs.c.created_at,
    postgresql_where=text("status = 'pending'::text"),
)
