"""What is remembered of the hand-over from the application's ledger to ours: who switched when, and who wrote since.

A switch is a row with what was counted then; it is closed by being taken back, never deleted. Every write to the old
ledger that did not come through the mirror is one row of `ledger_late_writes`: rows without a lock in common, so
that writers never wait for each other.
"""

from alembic import op

revision = "espalier_0003"
down_revision = "espalier_0002"


def upgrade() -> None:
    """Create the two tables."""
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    op.drop_table("ledger_late_writes")
    op.drop_table("ledger_switches")


_TABLES = (
    """
    CREATE TABLE ledger_switches (
        id bigint GENERATED ALWAYS AS IDENTITY,
        switched_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        switched_by text NOT NULL,
        points_rows bigint NOT NULL,
        points_sum bigint NOT NULL,
        rows_copied bigint NOT NULL,
        quiet_days integer NOT NULL DEFAULT 7,
        retired_at timestamptz,
        retired_by text,
        taken_back_at timestamptz,
        taken_back_by text,
        CONSTRAINT ledger_switches_pkey PRIMARY KEY (id),
        CONSTRAINT ledger_switches_quiet_days_check CHECK (quiet_days > 0)
    )
    """,
    "CREATE UNIQUE INDEX ledger_switches_open_key ON ledger_switches (taken_back_at) NULLS NOT DISTINCT",
    "COMMENT ON TABLE ledger_switches IS "
    "'When the writing side went from points_ledger to xp_ledger and back, by whom, and what was counted then'",
    """
    CREATE TABLE ledger_late_writes (
        id bigint GENERATED ALWAYS AS IDENTITY,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        operation text NOT NULL,
        role text NOT NULL,
        application text NOT NULL,
        CONSTRAINT ledger_late_writes_pkey PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX ledger_late_writes_at_idx ON ledger_late_writes (at)",
    "COMMENT ON TABLE ledger_late_writes IS "
    "'Writes to points_ledger after the switch that did not come from xp_ledger, a row each'",
)
