"""The rag domain's schema at the head of its revisions: the application's tables, and what seed 004 adds.

Ids are uuids that the server makes; timestamps have no time zone and hold UTC by convention. Who may do what with the
tables stands in `migrations/grants.toml`.
"""

from typing import Any

from sqlalchemy import (
    UUID,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ENUM, JSONB, TIMESTAMP, VARCHAR

CONTENT_TYPE = ENUM(
    "material", "creation_log", "generated", "note_article", "ai_response", name="content_type", create_type=False
)
ACQUISITION_METHOD = ENUM(
    "api_fetch",
    "manual_upload",
    "ai_generated",
    "user_created",
    "system_import",
    name="acquisition_method",
    create_type=False,
)
LICENSE_TYPE = ENUM(
    "cc_by",
    "cc_by_sa",
    "cc_by_nc",
    "cc_by_nc_sa",
    "proprietary",
    "mit",
    "apache_2_0",
    "all_rights_reserved",
    "public_domain",
    name="license_type",
    create_type=False,
)

baseline = MetaData()
metadata = MetaData()


def _id() -> Column[Any]:
    return Column("id", UUID, nullable=False, server_default=text("gen_random_uuid()"))


def _key(name: str) -> Column[Any]:
    """A uuid that names a row of another table."""
    return Column(name, UUID, nullable=False)


def _words(name: str, *, null: bool = True, default: str | None = None) -> Column[Any]:
    return Column(name, Text, nullable=null, server_default=default)


def _short(name: str, length: int, *, null: bool = True) -> Column[Any]:
    return Column(name, VARCHAR(length), nullable=null)


def _flag(name: str, *, default: str, null: bool = True) -> Column[Any]:
    return Column(name, Boolean, nullable=null, server_default=text(default))


def _moment(name: str) -> Column[Any]:
    return Column(name, TIMESTAMP)


def _made(name: str) -> Column[Any]:
    """A time that the server fills in."""
    return Column(name, TIMESTAMP, nullable=False, server_default=text("now()"))


def _made_and_changed() -> tuple[Column[Any], Column[Any]]:
    return _made("created_at"), _made("updated_at")


Table(
    "users",
    baseline,
    _id(),
    _words("clerk_id", null=False),
    _words("email", null=False),
    _words("name"),
    _words("role", null=False, default="student"),
    _words("profile_image_url"),
    _words("bio"),
    Column("skills", JSONB),
    *_made_and_changed(),
    _words("stripe_customer_id"),
    PrimaryKeyConstraint("id", name="users_pkey"),
    UniqueConstraint("clerk_id", name="users_clerk_id_unique"),
    Index("idx_users_clerk_id", "clerk_id"),
    Index("idx_users_email", "email"),
    Index("idx_users_role", "role"),
)

Table(
    "materials",
    baseline,
    _id(),
    _key("creator_id"),
    _words("title", null=False),
    _words("description"),
    _words("content"),
    _words("type", null=False),
    _words("url"),
    Column("tags", JSONB),
    _words("difficulty"),
    _flag("is_public", default="false", null=False),
    Column("view_count", Integer, nullable=False, server_default=text("0")),
    Column("metadata", JSONB),
    *_made_and_changed(),
    Column("playability_score", Numeric(3, 1)),
    Column("learning_value_score", Numeric(3, 1)),
    _words("quality_status", default="pending"),
    Column("abc_analysis", JSONB),
    PrimaryKeyConstraint("id", name="materials_pkey"),
    ForeignKeyConstraint(["creator_id"], ["users.id"], name="materials_creator_id_users_id_fk"),
    Index("idx_materials_creator_id", "creator_id"),
    Index("idx_materials_creator_type", "creator_id", "type"),
    Index("idx_materials_difficulty", "difficulty"),
    Index("idx_materials_is_public", "is_public"),
    Index("idx_materials_quality_status", "quality_status"),
    Index("idx_materials_type", "type"),
)

for table in baseline.tables.values():
    table.to_metadata(metadata)

ai_dialogue_log = Table(
    "ai_dialogue_log",
    metadata,
    _id(),
    _key("user_id"),
    _key("session_id"),
    _words("query", null=False),
    _words("response", null=False),
    _short("model_used", 100, null=False),
    *_made_and_changed(),
    Column("citations", JSONB),
    Column("latency_ms", Integer),
    Column("token_cost_jpy", Numeric(8, 2)),
    Column("citation_rate", Numeric(5, 2)),
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("total_tokens", Integer),
    Column("relevance_score", Numeric(3, 2)),
    Column("user_feedback", Integer),
    Column("context_window_size", Integer),
    Column("temperature", Numeric(3, 2)),
    PrimaryKeyConstraint("id", name="ai_dialogue_log_pkey"),
    CheckConstraint("user_feedback IN (-1, 0, 1)", name="ai_dialogue_log_user_feedback_check"),
    ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_ai_dialogue_user", ondelete="CASCADE"),
    Index("idx_ai_dialogue_user", "user_id"),
    Index("idx_ai_dialogue_session", "session_id"),
    Index("idx_ai_dialogue_created_at", "created_at"),
    Index("idx_ai_dialogue_citation_rate", "citation_rate"),
    Index("idx_ai_dialogue_user_created", "user_id", text("created_at DESC")),
    comment="Dialogues with the assistant: citations, latency, cost and quality of each answer",
)

provenance = Table(
    "provenance",
    metadata,
    _id(),
    Column(
        "content_id",
        UUID,
        nullable=False,
        comment="Names a row of the table that content_type says; polymorphic, so without a foreign key",
    ),
    Column("content_type", CONTENT_TYPE, nullable=False),
    _words("source_uri"),
    Column("license_type", LICENSE_TYPE),
    Column("acquisition_method", ACQUISITION_METHOD),
    _words("rights_holder"),
    _flag("permission_flag", default="false"),
    _words("hash_c2pa"),
    _words("hash_sha256"),
    Column("retention_years", Integer),
    Column("access_policy", JSONB),
    _flag("external_share_consent", default="false"),
    Column("acquired_by", UUID),
    _moment("acquired_at"),
    _moment("last_verified_at"),
    _short("verification_status", 50),
    *_made_and_changed(),
    PrimaryKeyConstraint("id", name="provenance_pkey"),
    ForeignKeyConstraint(["acquired_by"], ["users.id"], name="fk_provenance_acquired_by", ondelete="SET NULL"),
    Index("idx_provenance_content", "content_id", "content_type"),
    Index("idx_provenance_source", "source_uri"),
    Index("idx_provenance_license", "license_type"),
    Index("idx_provenance_retention", "retention_years"),
    Index(
        "idx_provenance_expiring",
        "retention_years",
        "acquired_at",
        postgresql_where=text("retention_years IS NOT NULL"),
    ),
    comment="Where content came from, under which licence, and how long it may be kept",
)

rag_metrics_history = Table(
    "rag_metrics_history",
    metadata,
    _id(),
    Column("date", TIMESTAMP, nullable=False, comment="Last millisecond of the day that the row is about, in UTC"),
    Column("citation_rate", Numeric(5, 2)),
    Column("citation_count", Integer),
    Column("unique_sources_count", Integer),
    Column("latency_p50_ms", Integer),
    Column("latency_p95_ms", Integer),
    Column("latency_p99_ms", Integer),
    Column("cost_per_answer", Numeric(6, 2)),
    Column("total_cost", Numeric(10, 2)),
    Column("total_queries", Integer),
    Column("unique_users", Integer),
    Column("average_tokens_per_query", Integer),
    Column("average_relevance_score", Numeric(3, 2)),
    Column("positive_votes_rate", Numeric(5, 2)),
    Column(
        "slo_compliance", JSONB, comment="Which objectives the day met, its targets and its figures before rounding"
    ),
    _made("created_at"),
    PrimaryKeyConstraint("id", name="rag_metrics_history_pkey"),
    Index("idx_rag_metrics_date", "date"),
    Index("idx_rag_metrics_compliance", "slo_compliance", postgresql_using="gin"),
    Index("idx_rag_metrics_date_unique", text("date(date)"), unique=True),
    comment="Figures of each day's dialogues, and whether they met the service level objectives",
)

plugin_registry = Table(
    "plugin_registry",
    metadata,
    _id(),
    _short("name", 100, null=False),
    _short("source", 50, null=False),
    Column("capabilities", JSONB, nullable=False),
    Column("config", JSONB),
    _words("api_endpoint"),
    _short("api_key_env_var", 100),
    _flag("enabled", default="true"),
    _short("version", 20, null=False),
    _moment("last_health_check"),
    _short("health_status", 50),
    *_made_and_changed(),
    PrimaryKeyConstraint("id", name="plugin_registry_pkey"),
    UniqueConstraint("name", name="plugin_registry_name_key"),
    UniqueConstraint("source", name="plugin_registry_source_key"),
    Index("idx_plugin_name", "name"),
    Index("idx_plugin_enabled", "enabled"),
    Index(
        "idx_plugin_enabled_healthy",
        "name",
        "last_health_check",
        postgresql_where=text("enabled = true AND health_status::text = 'healthy'::text"),
    ),
    comment="Content sources that can be plugged in, what they can do, and whether they are well",
)
