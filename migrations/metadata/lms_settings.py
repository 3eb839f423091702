"""Application tables of the lms domain about settings, each for the system, an organization or a learner.

`scope` says which, `scope_id` names the row: of two tables, so that no foreign key can say it.
"""

from typing import Any

from sqlalchemy import Column, Double, Table, text

from migrations.metadata.lms_types import baseline
from migrations.metadata.prisma import document, index, key, moment, unique, words


def _temperature(name: str, default: str) -> Column[Any]:
    return Column(name, Double, server_default=text(default))


system_settings = Table(
    "system_settings",
    baseline,
    words("id"),
    words("key"),
    document("value"),
    words("scope", null=True),
    words("scope_id", null=True),
    moment("updated_at"),
    key("system_settings"),
    unique("system_settings", "key"),
    index("system_settings", "scope", "scope_id"),
    index("system_settings", "key"),
)

voice_configs = Table(
    "voice_configs",
    baseline,
    words("id"),
    words("scope"),
    words("scope_id", null=True),
    words("tts_provider"),
    words("tts_model", null=True),
    words("tts_voice", null=True),
    words("stt_provider"),
    words("stt_model", null=True),
    words("quality_tier"),
    moment("created_at", now=True),
    moment("updated_at"),
    key("voice_configs"),
    index("voice_configs", "scope", "scope_id"),
    unique("voice_configs", "scope", "scope_id"),
)

ai_model_configs = Table(
    "ai_model_configs",
    baseline,
    words("id"),
    words("scope"),
    words("scope_id", null=True),
    words("content_generation_model", default="gpt-5.1-mini"),
    words("narrative_planning_model", default="gpt-5.1-mini"),
    words("tutoring_model", default="gpt-5.1-mini"),
    words("metadata_model", default="gpt-5.1-nano"),
    words("embedding_model", default="text-embedding-3-small"),
    _temperature("content_generation_temp", "0.7"),
    _temperature("narrative_planning_temp", "0.8"),
    _temperature("tutoring_temp", "0.7"),
    moment("created_at", now=True),
    moment("updated_at"),
    key("ai_model_configs"),
    index("ai_model_configs", "scope", "scope_id"),
    unique("ai_model_configs", "scope", "scope_id"),
)
