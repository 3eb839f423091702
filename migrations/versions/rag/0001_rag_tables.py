"""Dialogue log, provenance, daily metrics and plugin registry (seed 004, migration 0006).

The seed guards each statement with IF NOT EXISTS and so accepts whatever stands there already; here each object is
created once, or the step fails. Unlike the seed, foreign keys wait for 0003: the tables they need may hold orphans.
"""

from typing import LiteralString

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ENUM, JSONB, TIMESTAMP, VARCHAR

revision = "rag_0001"
down_revision = "rag_0000"

# The two plugins that this step adds come back with it, unless a site has changed them. A day's metrics can be derived
# again while all its dialogues are there; a day is taken for 24 hours, so a clock change asks once too often.
LOST_ON_DOWNGRADE: dict[str, LiteralString] = {
    "ai_dialogue_log": "true",
    "provenance": "true",
    "rag_metrics_history": """
        (total_queries <= (
            SELECT count(*) FROM ai_dialogue_log AS dialogue
            WHERE dialogue.created_at <= rag_metrics_history.date
              AND dialogue.created_at > rag_metrics_history.date - interval '1 day'
        )) IS NOT TRUE
    """,
    "plugin_registry": """
        enabled IS NULL OR (name, source, version, enabled, capabilities) NOT IN (
            ('Note.com Integration', 'note', '1.0.0', true,
             '{"list": true, "search": true, "filter": true, "fetch": true, "transform": false}'),
            ('Local Materials', 'local', '1.0.0', true,
             '{"list": true, "search": true, "filter": true, "fetch": true, "transform": true}')
        )
        OR num_nonnulls(config, api_endpoint, api_key_env_var, last_health_check, health_status) > 0
    """,
}

_ENUMS: dict[str, LiteralString] = {
    "content_type": """
        CREATE TYPE content_type AS ENUM ('material', 'creation_log', 'generated', 'note_article', 'ai_response')
    """,
    "acquisition_method": """
        CREATE TYPE acquisition_method AS ENUM (
            'api_fetch', 'manual_upload', 'ai_generated', 'user_created', 'system_import'
        )
    """,
    "license_type": """
        CREATE TYPE license_type AS ENUM (
            'cc_by', 'cc_by_sa', 'cc_by_nc', 'cc_by_nc_sa', 'proprietary', 'mit', 'apache_2_0', 'all_rights_reserved',
            'public_domain'
        )
    """,
}

_TRIGGERS: tuple[LiteralString, ...] = (
    """
    CREATE TRIGGER update_ai_dialogue_log_updated_at BEFORE UPDATE ON ai_dialogue_log
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column()
    """,
    """
    CREATE TRIGGER update_provenance_updated_at BEFORE UPDATE ON provenance
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column()
    """,
    """
    CREATE TRIGGER update_plugin_registry_updated_at BEFORE UPDATE ON plugin_registry
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column()
    """,
)


def upgrade() -> None:
    """Create the types and tables, keep `updated_at` true, register the first two plugins."""
    for create in _ENUMS.values():
        op.execute(create)
    _create_dialogue_log()
    _create_provenance()
    _create_metrics_history()
    _create_plugin_registry()
    _keep_updated_at()
    _register_plugins()


def downgrade() -> None:
    """Drop tables (their triggers go with them), function and types."""
    for table in ("plugin_registry", "rag_metrics_history", "provenance", "ai_dialogue_log"):
        op.drop_table(table)
    op.execute("DROP FUNCTION update_updated_at_column()")
    op.execute("DROP TYPE license_type")
    op.execute("DROP TYPE acquisition_method")
    op.execute("DROP TYPE content_type")


def _id() -> sa.Column[object]:
    return sa.Column("id", sa.UUID, nullable=False, server_default=sa.text("gen_random_uuid()"))


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, TIMESTAMP, nullable=False, server_default=sa.text("now()"))


def _enum(name: str) -> ENUM:
    return ENUM(name=name, create_type=False)


def _create_dialogue_log() -> None:
    op.create_table(
        "ai_dialogue_log",
        _id(),
        sa.Column("user_id", sa.UUID, nullable=False),
        sa.Column("session_id", sa.UUID, nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("response", sa.Text, nullable=False),
        sa.Column("model_used", VARCHAR(100), nullable=False),
        _now("created_at"),
        _now("updated_at"),
        sa.Column("citations", JSONB),
        sa.Column("latency_ms", sa.Integer),
        sa.Column("token_cost_jpy", sa.Numeric(8, 2)),
        sa.Column("citation_rate", sa.Numeric(5, 2)),
        sa.Column("prompt_tokens", sa.Integer),
        sa.Column("completion_tokens", sa.Integer),
        sa.Column("total_tokens", sa.Integer),
        sa.Column("relevance_score", sa.Numeric(3, 2)),
        sa.Column("user_feedback", sa.Integer),
        sa.Column("context_window_size", sa.Integer),
        sa.Column("temperature", sa.Numeric(3, 2)),
        sa.PrimaryKeyConstraint("id", name="ai_dialogue_log_pkey"),
        sa.CheckConstraint("user_feedback IN (-1, 0, 1)", name="ai_dialogue_log_user_feedback_check"),
    )
    op.create_index("idx_ai_dialogue_user", "ai_dialogue_log", ["user_id"])
    op.create_index("idx_ai_dialogue_session", "ai_dialogue_log", ["session_id"])
    op.create_index("idx_ai_dialogue_created_at", "ai_dialogue_log", ["created_at"])
    op.create_index("idx_ai_dialogue_citation_rate", "ai_dialogue_log", ["citation_rate"])


def _create_provenance() -> None:
    op.create_table(
        "provenance",
        _id(),
        sa.Column("content_id", sa.UUID, nullable=False),
        sa.Column("content_type", _enum("content_type"), nullable=False),
        sa.Column("source_uri", sa.Text),
        sa.Column("license_type", _enum("license_type")),
        sa.Column("acquisition_method", _enum("acquisition_method")),
        sa.Column("rights_holder", sa.Text),
        sa.Column("permission_flag", sa.Boolean, server_default=sa.text("false")),
        sa.Column("hash_c2pa", sa.Text),
        sa.Column("hash_sha256", sa.Text),
        sa.Column("retention_years", sa.Integer),
        sa.Column("access_policy", JSONB),
        sa.Column("external_share_consent", sa.Boolean, server_default=sa.text("false")),
        sa.Column("acquired_by", sa.UUID),
        sa.Column("acquired_at", TIMESTAMP),
        sa.Column("last_verified_at", TIMESTAMP),
        sa.Column("verification_status", VARCHAR(50)),
        _now("created_at"),
        _now("updated_at"),
        sa.PrimaryKeyConstraint("id", name="provenance_pkey"),
    )
    op.create_index("idx_provenance_content", "provenance", ["content_id", "content_type"])
    op.create_index("idx_provenance_source", "provenance", ["source_uri"])
    op.create_index("idx_provenance_license", "provenance", ["license_type"])
    op.create_index("idx_provenance_retention", "provenance", ["retention_years"])


def _create_metrics_history() -> None:
    op.create_table(
        "rag_metrics_history",
        _id(),
        sa.Column("date", TIMESTAMP, nullable=False),
        sa.Column("citation_rate", sa.Numeric(5, 2)),
        sa.Column("citation_count", sa.Integer),
        sa.Column("unique_sources_count", sa.Integer),
        sa.Column("latency_p50_ms", sa.Integer),
        sa.Column("latency_p95_ms", sa.Integer),
        sa.Column("latency_p99_ms", sa.Integer),
        sa.Column("cost_per_answer", sa.Numeric(6, 2)),
        sa.Column("total_cost", sa.Numeric(10, 2)),
        sa.Column("total_queries", sa.Integer),
        sa.Column("unique_users", sa.Integer),
        sa.Column("average_tokens_per_query", sa.Integer),
        sa.Column("average_relevance_score", sa.Numeric(3, 2)),
        sa.Column("positive_votes_rate", sa.Numeric(5, 2)),
        sa.Column("slo_compliance", JSONB),
        _now("created_at"),
        sa.PrimaryKeyConstraint("id", name="rag_metrics_history_pkey"),
    )
    op.create_index("idx_rag_metrics_date", "rag_metrics_history", ["date"])
    op.create_index("idx_rag_metrics_compliance", "rag_metrics_history", ["slo_compliance"], postgresql_using="gin")


def _create_plugin_registry() -> None:
    op.create_table(
        "plugin_registry",
        _id(),
        sa.Column("name", VARCHAR(100), nullable=False),
        sa.Column("source", VARCHAR(50), nullable=False),
        sa.Column("capabilities", JSONB, nullable=False),
        sa.Column("config", JSONB),
        sa.Column("api_endpoint", sa.Text),
        sa.Column("api_key_env_var", VARCHAR(100)),
        sa.Column("enabled", sa.Boolean, server_default=sa.text("true")),
        sa.Column("version", VARCHAR(20), nullable=False),
        sa.Column("last_health_check", TIMESTAMP),
        sa.Column("health_status", VARCHAR(50)),
        _now("created_at"),
        _now("updated_at"),
        sa.PrimaryKeyConstraint("id", name="plugin_registry_pkey"),
        sa.UniqueConstraint("name", name="plugin_registry_name_key"),
        sa.UniqueConstraint("source", name="plugin_registry_source_key"),
    )
    op.create_index("idx_plugin_name", "plugin_registry", ["name"])
    op.create_index("idx_plugin_enabled", "plugin_registry", ["enabled"])


def _keep_updated_at() -> None:
    op.execute("""
        CREATE FUNCTION update_updated_at_column() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.updated_at := now();
            RETURN NEW;
        END
        $$
    """)
    for trigger in _TRIGGERS:
        op.execute(trigger)


def _register_plugins() -> None:
    op.execute("""
        INSERT INTO plugin_registry (name, source, version, enabled, capabilities)
        VALUES ('Note.com Integration', 'note', '1.0.0', true, jsonb_build_object(
                    'list', true, 'search', true, 'filter', true, 'fetch', true, 'transform', false)),
               ('Local Materials', 'local', '1.0.0', true, jsonb_build_object(
                    'list', true, 'search', true, 'filter', true, 'fetch', true, 'transform', true))
    """)
