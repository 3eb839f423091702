"""What the platform remembers about a site.

Where each domain lives, how far a job has come, rows that could not be used, the zone of an asset's days, what each
revision created, the report of every run, and a scratch table for totals. It comes before every domain.
"""

from alembic import op

revision = "espalier_0000"
down_revision = None

# Reports and records describe what is going with them; the rows below cannot be had again.
LOST_ON_DOWNGRADE = {"domains": "true", "quarantine": "true"}


def upgrade() -> None:
    """Create our tables."""
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Drop our tables."""
    for table in (
        "user_totals_pending",
        "migration_runs",
        "created_objects",
        "partition_zones",
        "quarantine",
        "checkpoints",
        "domains",
    ):
        op.drop_table(table)


_TABLES = (
    """
    CREATE TABLE domains (
        domain text NOT NULL,
        schema text NOT NULL,
        adopted_at timestamptz,
        CONSTRAINT domains_pkey PRIMARY KEY (domain),
        CONSTRAINT domains_schema_key UNIQUE (schema)
    )
    """,
    "COMMENT ON TABLE domains IS 'The truth about which domains this database holds, and in which schema'",
    """
    CREATE TABLE checkpoints (
        job text NOT NULL,
        partition_key text NOT NULL DEFAULT '',
        last_key text,
        rows_done bigint NOT NULL DEFAULT 0,
        batches_done integer NOT NULL DEFAULT 0,
        state jsonb NOT NULL DEFAULT '{}'::jsonb,
        completed_as_of timestamptz,
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT checkpoints_pkey PRIMARY KEY (job, partition_key)
    )
    """,
    "COMMENT ON TABLE checkpoints IS 'How far a batched job has come; written in the transaction of the batch'",
    """
    CREATE TABLE quarantine (
        id bigint GENERATED ALWAYS AS IDENTITY,
        domain text NOT NULL,
        source_table text NOT NULL,
        source_key text NOT NULL,
        reason text NOT NULL,
        payload jsonb NOT NULL,
        first_seen timestamptz NOT NULL,
        last_seen timestamptz NOT NULL,
        CONSTRAINT quarantine_pkey PRIMARY KEY (id),
        CONSTRAINT quarantine_source_reason_key UNIQUE (domain, source_table, source_key, reason)
    )
    """,
    "COMMENT ON TABLE quarantine IS 'Rows that a job could not use, with the reason'",
    """
    CREATE TABLE partition_zones (
        asset_key text NOT NULL,
        zone text NOT NULL,
        CONSTRAINT partition_zones_pkey PRIMARY KEY (asset_key)
    )
    """,
    "COMMENT ON TABLE partition_zones IS 'The zone that an asset''s days were first made in; it is fixed from then on'",
    """
    CREATE TABLE created_objects (
        domain text NOT NULL,
        revision text NOT NULL,
        kind text NOT NULL,
        name text NOT NULL,
        definition text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT created_objects_pkey PRIMARY KEY (domain, revision, kind, name)
    )
    """,
    "COMMENT ON TABLE created_objects IS "
    "'What each revision created, with its definition: nothing else is ever dropped'",
    """
    CREATE TABLE migration_runs (
        id bigint GENERATED ALWAYS AS IDENTITY,
        domain text NOT NULL,
        started_at timestamptz NOT NULL,
        finished_at timestamptz NOT NULL,
        report jsonb NOT NULL,
        CONSTRAINT migration_runs_pkey PRIMARY KEY (id)
    )
    """,
    "COMMENT ON TABLE migration_runs IS 'The report of every migration run'",
    """
    CREATE UNLOGGED TABLE user_totals_pending (
        user_id text NOT NULL,
        total_xp bigint NOT NULL,
        total_reputation bigint NOT NULL,
        trust_score double precision NOT NULL,
        CONSTRAINT user_totals_pending_pkey PRIMARY KEY (user_id)
    )
    """,
    "COMMENT ON TABLE user_totals_pending IS "
    "'Totals computed and not yet written to the users; scratch, lost in a crash without harm'",
)
