"""What the graph needs in Postgres: the outbox of dirty keys, its order, the drain's lease, the drift that was found.

The outbox holds keys, never payloads: the drain reads the row as it is when it gets there, and a key without a row is a
delete. A writer only inserts (several marks of one key are normal), so the application never waits for the drain. The
one index is the primary key: a second one over the keys could refuse a long key, and with it the application's write.

The outbox is marked by triggers on the community domain's tables (community_0021 and on). They wake the drain by a
NOTIFY, but not more than once a second: every commit that notifies waits for every other one, disk included, so that
eight writers take ten times as long and more (`benchmarks/graph_outbox.py`). When it was last done stands in a
sequence, as that is seen at once and locks nothing. Whom nobody wakes looks every second. Nor is anybody woken where
PREPARE TRANSACTION is enabled: a NOTIFY would make it fail.

Whatever stands here can be had again: the graph is rebuilt under a new epoch.
"""

from alembic import op

revision = "espalier_0001"
down_revision = "espalier_0000"


def upgrade() -> None:
    """Create the sequences, the tables and the function, and give this database its epoch."""
    for statement in (*_TABLES, *_WAKING, "INSERT INTO graph_state (epoch) VALUES (gen_random_uuid()::text)"):
        op.execute(statement)


def downgrade() -> None:
    """Drop the function, the tables and the sequences."""
    op.execute("DROP FUNCTION wake_graph()")
    for table in ("mastery_dirty", "graph_drift", "graph_state", "graph_outbox"):
        op.drop_table(table)
    op.execute("DROP SEQUENCE graph_version, graph_woken")


_TABLES = (
    "CREATE SEQUENCE graph_version AS bigint CACHE 1",
    """
    CREATE TABLE graph_outbox (
        version bigint NOT NULL DEFAULT nextval('graph_version'),
        kind text NOT NULL,
        key1 text NOT NULL,
        key2 text NOT NULL DEFAULT '',
        marked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        attempts integer NOT NULL DEFAULT 0,
        retry_at timestamptz,
        reason text,
        CONSTRAINT graph_outbox_pkey PRIMARY KEY (version),
        CONSTRAINT graph_outbox_kind_check CHECK (kind IN ('concept', 'prerequisite', 'mastery', 'kind'))
    )
    """,
    "COMMENT ON TABLE graph_outbox IS 'Keys whose rows have changed and are still to be written to the graph'",
    """
    CREATE TABLE graph_state (
        id integer NOT NULL DEFAULT 1,
        epoch text NOT NULL,
        token bigint NOT NULL DEFAULT 0,
        holder text,
        expires_at timestamptz,
        intended_version bigint NOT NULL DEFAULT 0,
        swept_until timestamptz,
        CONSTRAINT graph_state_pkey PRIMARY KEY (id),
        CONSTRAINT graph_state_id_check CHECK (id = 1)
    )
    """,
    "COMMENT ON TABLE graph_state IS "
    "'Which graph is ours (epoch), who may write it (lease with a rising token), how far that writer meant to get'",
    """
    CREATE TABLE graph_drift (
        id bigint GENERATED ALWAYS AS IDENTITY,
        run_id text NOT NULL,
        found_at timestamptz NOT NULL,
        element text NOT NULL,
        key1 text NOT NULL,
        key2 text NOT NULL DEFAULT '',
        difference text NOT NULL,
        detail text NOT NULL DEFAULT '',
        element_id text,
        expected jsonb,
        found jsonb,
        state text NOT NULL,
        CONSTRAINT graph_drift_pkey PRIMARY KEY (id),
        CONSTRAINT graph_drift_element_check CHECK (
            element IN ('concept', 'user', 'domain', 'prerequisite_of', 'part_of', 'mastered_by', 'other')
        ),
        CONSTRAINT graph_drift_difference_check CHECK (difference IN ('missing', 'extra', 'stale', 'duplicate')),
        CONSTRAINT graph_drift_state_check CHECK (state IN ('planned', 'in_flight', 'repaired', 'left'))
    )
    """,
    "COMMENT ON TABLE graph_drift IS 'What a reconciliation found to differ between Postgres and the graph'",
    "CREATE INDEX graph_drift_run_id_idx ON graph_drift (run_id)",
    """
    CREATE TABLE mastery_dirty (
        version bigint NOT NULL DEFAULT nextval('graph_version'),
        user_id text,
        concept_id text,
        CONSTRAINT mastery_dirty_pkey PRIMARY KEY (version)
    )
    """,
    "COMMENT ON TABLE mastery_dirty IS "
    "'Pairs whose attempts have changed since their mastery was derived; without a user: every pair'",
)

# For the functions of the triggers: they call it with their owner's rights and their path.
_WAKING = (
    "CREATE SEQUENCE graph_woken AS bigint CACHE 1",
    """
    CREATE FUNCTION wake_graph() RETURNS void
    LANGUAGE plpgsql
    AS $wake$
    DECLARE
        now_ms bigint := date_part('epoch', clock_timestamp()) * 1000;
    BEGIN
        IF abs(now_ms - (SELECT last_value FROM espalier.graph_woken)) >= 1000
           AND current_setting('max_prepared_transactions') = '0' THEN
            PERFORM setval('espalier.graph_woken', now_ms);
            PERFORM pg_notify('espalier_graph', '');
        END IF;
    END
    $wake$
    """,
    "REVOKE ALL ON FUNCTION wake_graph() FROM PUBLIC",
)
