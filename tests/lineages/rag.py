"""RAG databases by three ways: the application alone, with hand-written SQL on top, with what its ORM generates.

Each builds in the schema that the connection looks into, with rows, a table and a column that are the site's own.
"""

from collections.abc import Callable
from typing import LiteralString

from tests.conftest import Connection

Builder = Callable[[Connection], None]

_APPLICATION: tuple[LiteralString, ...] = (
    """
    CREATE TABLE users (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        clerk_id text NOT NULL CONSTRAINT users_clerk_id_unique UNIQUE,
        email text NOT NULL,
        name text,
        role text NOT NULL DEFAULT 'student',
        profile_image_url text,
        bio text,
        skills jsonb,
        created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
        updated_at timestamp NOT NULL DEFAULT now(),
        stripe_customer_id text,
        "favouriteScale" text DEFAULT 'C major'
    )
    """,
    "CREATE INDEX users_by_address ON users (email)",
    """
    CREATE TABLE materials (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        creator_id uuid NOT NULL REFERENCES users (id),
        title text NOT NULL,
        is_public boolean NOT NULL DEFAULT false
    )
    """,
    'CREATE TABLE "practiceRooms" (id serial PRIMARY KEY, "bookedBy" uuid REFERENCES users (id))',
    """
    INSERT INTO users (id, clerk_id, email, "favouriteScale")
    SELECT md5(n::text)::uuid, 'clerk ' || n, n || '@example.org', 'D minor' FROM generate_series(1, 30) AS n
    """,
    "INSERT INTO materials (creator_id, title) SELECT id, 'Étude' FROM users",
    'INSERT INTO "practiceRooms" ("bookedBy") SELECT id FROM users LIMIT 3',
)

_TYPES: tuple[LiteralString, ...] = (
    "CREATE TYPE content_type AS ENUM ('material', 'creation_log', 'generated', 'note_article', 'ai_response')",
    "CREATE TYPE acquisition_method AS ENUM"
    " ('api_fetch', 'manual_upload', 'ai_generated', 'user_created', 'system_import')",
    "CREATE TYPE license_type AS ENUM ('cc_by', 'cc_by_sa', 'cc_by_nc', 'cc_by_nc_sa', 'proprietary', 'mit',"
    " 'apache_2_0', 'all_rights_reserved', 'public_domain')",
)

_TABLES: tuple[LiteralString, ...] = (
    """
    CREATE TABLE ai_dialogue_log (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid NOT NULL, session_id uuid NOT NULL,
        query text NOT NULL, response text NOT NULL, model_used varchar(100) NOT NULL, citations jsonb,
        latency_ms integer, token_cost_jpy numeric(8, 2), citation_rate numeric(5, 2), prompt_tokens integer,
        completion_tokens integer, total_tokens integer, relevance_score numeric(3, 2), user_feedback integer,
        context_window_size integer, temperature numeric(3, 2),
        created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE provenance (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(), content_id uuid NOT NULL, content_type content_type NOT NULL,
        source_uri text, license_type license_type, acquisition_method acquisition_method, rights_holder text,
        permission_flag boolean DEFAULT false, hash_c2pa text, hash_sha256 text, retention_years integer,
        access_policy jsonb, external_share_consent boolean DEFAULT false, acquired_by uuid, acquired_at timestamp,
        last_verified_at timestamp, verification_status varchar(50),
        created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE rag_metrics_history (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(), date timestamp NOT NULL, citation_rate numeric(5, 2),
        citation_count integer, unique_sources_count integer, latency_p50_ms integer, latency_p95_ms integer,
        latency_p99_ms integer, cost_per_answer numeric(6, 2), total_cost numeric(10, 2), total_queries integer,
        unique_users integer, average_tokens_per_query integer, average_relevance_score numeric(3, 2),
        positive_votes_rate numeric(5, 2), slo_compliance jsonb, created_at timestamp NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE plugin_registry (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name varchar(100) NOT NULL UNIQUE,
        source varchar(50) NOT NULL UNIQUE, capabilities jsonb NOT NULL, config jsonb, api_endpoint text,
        api_key_env_var varchar(100), enabled boolean DEFAULT true, version varchar(20) NOT NULL,
        last_health_check timestamp, health_status varchar(50),
        created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX idx_ai_dialogue_user ON ai_dialogue_log (user_id)",
    "CREATE INDEX idx_ai_dialogue_session ON ai_dialogue_log (session_id)",
    "CREATE INDEX idx_ai_dialogue_created_at ON ai_dialogue_log (created_at)",
    "CREATE INDEX idx_ai_dialogue_citation_rate ON ai_dialogue_log (citation_rate)",
    "CREATE INDEX idx_provenance_content ON provenance (content_id, content_type)",
    "CREATE INDEX idx_provenance_source ON provenance (source_uri)",
    "CREATE INDEX idx_provenance_license ON provenance (license_type)",
    "CREATE INDEX idx_provenance_retention ON provenance (retention_years)",
    "CREATE INDEX idx_rag_metrics_date ON rag_metrics_history (date)",
    "CREATE INDEX idx_plugin_name ON plugin_registry (name)",
    "CREATE INDEX idx_plugin_enabled ON plugin_registry (enabled)",
)

_FUNCTION: LiteralString = """
    CREATE OR REPLACE FUNCTION update_updated_at_column()
    RETURNS TRIGGER AS $$
    BEGIN
        NEW.updated_at = NOW(); -- kept true by the server
        RETURN NEW;
    END;
    $$ LANGUAGE plpgsql
    """

_BY_HAND: tuple[LiteralString, ...] = (
    "ALTER TABLE ai_dialogue_log ADD CHECK (user_feedback IN (-1, 0, 1))",
    "CREATE INDEX idx_rag_metrics_compliance ON rag_metrics_history USING gin (slo_compliance)",
    _FUNCTION,
    "CREATE TRIGGER update_ai_dialogue_log_updated_at BEFORE UPDATE ON ai_dialogue_log"
    " FOR EACH ROW EXECUTE FUNCTION update_updated_at_column()",
    "CREATE TRIGGER update_provenance_updated_at BEFORE UPDATE ON provenance"
    " FOR EACH ROW EXECUTE FUNCTION update_updated_at_column()",
    "CREATE TRIGGER update_plugin_registry_updated_at BEFORE UPDATE ON plugin_registry"
    " FOR EACH ROW EXECUTE FUNCTION update_updated_at_column()",
    "CREATE INDEX idx_ai_dialogue_user_created ON ai_dialogue_log (user_id, created_at DESC)",
    "CREATE INDEX provenance_that_expires ON provenance (retention_years, acquired_at)"
    " WHERE retention_years IS NOT NULL",
    "CREATE UNIQUE INDEX idx_rag_metrics_date_unique ON rag_metrics_history (DATE(date))",
    "CREATE INDEX idx_plugin_enabled_healthy ON plugin_registry (name, last_health_check)"
    " WHERE enabled = true AND health_status = 'healthy'",
    "COMMENT ON TABLE provenance IS 'the site''s own words'",
    "ALTER TABLE ai_dialogue_log ADD CONSTRAINT fk_ai_dialogue_user"
    " FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE",
    "ALTER TABLE provenance ADD CONSTRAINT fk_provenance_acquired_by"
    " FOREIGN KEY (acquired_by) REFERENCES users (id) ON DELETE SET NULL",
)

_ROWS: tuple[LiteralString, ...] = (
    """
    INSERT INTO ai_dialogue_log (user_id, session_id, query, response, model_used, user_feedback, latency_ms)
    SELECT id, id, 'How?', 'So.', 'model', 1, 900 FROM users
    """,
    "INSERT INTO provenance (content_id, content_type, acquired_by) SELECT id, 'material', creator_id FROM materials",
    "INSERT INTO rag_metrics_history (date, total_queries) VALUES ('2026-01-01 14:59:59.999', 30)",
    "INSERT INTO plugin_registry (name, source, capabilities, version) VALUES ('Ours', 'ours', '{}', '0.1')",
)


def application_only(connection: Connection) -> None:
    """Build what was there before the RAG tables: of materials only a part, and the site's own index on users."""
    _run(connection, _APPLICATION)


def with_its_own_trigger(connection: Connection) -> None:
    """Build the same, with a function under the name that 0006 gives to its own, doing the same for users."""
    trigger: LiteralString = (
        "CREATE TRIGGER touched BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION update_updated_at_column()"
    )
    _run(connection, (*_APPLICATION, _FUNCTION, trigger))


def hand_written(connection: Connection) -> None:
    """Build it with the SQL of 0006 to 0008, one index under a name of the site's own."""
    _run(connection, (*_APPLICATION, *_TYPES, *_TABLES, *_BY_HAND, *_ROWS))


def generated_by_orm(connection: Connection) -> None:
    """Build it as the ORM does: no check, no day index, no foreign key, no trigger, btree instead of GIN."""
    btree = "CREATE INDEX idx_rag_metrics_compliance ON rag_metrics_history USING btree (slo_compliance)"
    _run(connection, (*_APPLICATION, *_TYPES, *_TABLES, btree, *_ROWS))


def _run(connection: Connection, statements: tuple[LiteralString, ...]) -> None:
    for statement in statements:
        connection.execute(statement)
