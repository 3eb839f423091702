"""Our own schema `espalier`: what the platform must remember about a site. It holds no row of the application.

Tables are schema-free here as everywhere in `migrations/`; queries name them `espalier.<table>`.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()


def _version() -> Column[int]:
    """The next of the versions that the outbox and the marks of attempts share.

    It is named as counting up by itself, or Alembic compares two calls of nextval() by their results.
    """
    default = text("nextval('graph_version'::regclass)")
    return Column("version", BigInteger, nullable=False, autoincrement=True, server_default=default)


domains = Table(
    "domains",
    metadata,
    Column("domain", Text, nullable=False),
    Column("schema", Text, nullable=False),
    Column("adopted_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("domain", name="domains_pkey"),
    UniqueConstraint("schema", name="domains_schema_key"),
    comment="The truth about which domains this database holds, and in which schema",
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("job", Text, nullable=False),
    Column("partition_key", Text, nullable=False, server_default=""),
    Column("last_key", Text),
    Column("rows_done", BigInteger, nullable=False, server_default=text("0")),
    Column("batches_done", Integer, nullable=False, server_default=text("0")),
    Column("state", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("completed_as_of", DateTime(timezone=True)),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("job", "partition_key", name="checkpoints_pkey"),
    comment="How far a batched job has come; written in the transaction of the batch",
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("domain", Text, nullable=False),
    Column("source_table", Text, nullable=False),
    Column("source_key", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("first_seen", DateTime(timezone=True), nullable=False),
    Column("last_seen", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("id", name="quarantine_pkey"),
    UniqueConstraint("domain", "source_table", "source_key", "reason", name="quarantine_source_reason_key"),
    comment="Rows that a job could not use, with the reason",
)

partition_zones = Table(
    "partition_zones",
    metadata,
    Column("asset_key", Text, nullable=False),
    Column("zone", Text, nullable=False),
    PrimaryKeyConstraint("asset_key", name="partition_zones_pkey"),
    comment="The zone that an asset's days were first made in; it is fixed from then on",
)

created_objects = Table(
    "created_objects",
    metadata,
    Column("domain", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("definition", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("domain", "revision", "kind", "name", name="created_objects_pkey"),
    comment="What each revision created, with its definition: nothing else is ever dropped",
)

migration_runs = Table(
    "migration_runs",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("domain", Text, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True), nullable=False),
    Column("report", JSONB, nullable=False),
    PrimaryKeyConstraint("id", name="migration_runs_pkey"),
    comment="The report of every migration run",
)

user_totals_pending = Table(
    "user_totals_pending",
    metadata,
    Column("user_id", Text, nullable=False),
    Column("total_xp", BigInteger, nullable=False),
    Column("total_reputation", BigInteger, nullable=False),
    Column("trust_score", Double, nullable=False),
    PrimaryKeyConstraint("user_id", name="user_totals_pending_pkey"),
    prefixes=["UNLOGGED"],
    comment="Totals computed and not yet written to the users; scratch, lost in a crash without harm",
)

graph_outbox = Table(
    "graph_outbox",
    metadata,
    _version(),
    Column("kind", Text, nullable=False),
    Column("key1", Text, nullable=False),
    Column("key2", Text, nullable=False, server_default=""),
    Column("marked_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("retry_at", DateTime(timezone=True)),
    Column("reason", Text),
    PrimaryKeyConstraint("version", name="graph_outbox_pkey"),
    CheckConstraint("kind IN ('concept', 'prerequisite', 'mastery', 'kind')", name="graph_outbox_kind_check"),
    comment="Keys whose rows have changed and are still to be written to the graph",
)

graph_state = Table(
    "graph_state",
    metadata,
    Column("id", Integer, nullable=False, server_default=text("1")),
    Column("epoch", Text, nullable=False),
    Column("token", BigInteger, nullable=False, server_default=text("0")),
    Column("holder", Text),
    Column("expires_at", DateTime(timezone=True)),
    Column("intended_version", BigInteger, nullable=False, server_default=text("0")),
    Column("swept_until", DateTime(timezone=True)),
    PrimaryKeyConstraint("id", name="graph_state_pkey"),
    CheckConstraint("id = 1", name="graph_state_id_check"),
    comment="Which graph is ours (epoch), who may write it (lease with a rising token), how far that writer meant to "
    "get",
)

graph_drift = Table(
    "graph_drift",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("run_id", Text, nullable=False),
    Column("found_at", DateTime(timezone=True), nullable=False),
    Column("element", Text, nullable=False),
    Column("key1", Text, nullable=False),
    Column("key2", Text, nullable=False, server_default=""),
    Column("difference", Text, nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    Column("element_id", Text),
    Column("expected", JSONB),
    Column("found", JSONB),
    Column("state", Text, nullable=False),
    PrimaryKeyConstraint("id", name="graph_drift_pkey"),
    CheckConstraint(
        "element IN ('concept', 'user', 'domain', 'prerequisite_of', 'part_of', 'mastered_by', 'other')",
        name="graph_drift_element_check",
    ),
    CheckConstraint("difference IN ('missing', 'extra', 'stale', 'duplicate')", name="graph_drift_difference_check"),
    CheckConstraint("state IN ('planned', 'in_flight', 'repaired', 'left')", name="graph_drift_state_check"),
    Index("graph_drift_run_id_idx", "run_id"),
    comment="What a reconciliation found to differ between Postgres and the graph",
)

mastery_dirty = Table(
    "mastery_dirty",
    metadata,
    _version(),
    Column("user_id", Text),
    Column("concept_id", Text),
    PrimaryKeyConstraint("version", name="mastery_dirty_pkey"),
    comment="Pairs whose attempts have changed since their mastery was derived; without a user: every pair",
)

ledger_switches = Table(
    "ledger_switches",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("switched_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("switched_by", Text, nullable=False),
    Column("points_rows", BigInteger, nullable=False),
    Column("points_sum", BigInteger, nullable=False),
    Column("rows_copied", BigInteger, nullable=False),
    Column("quiet_days", Integer, nullable=False, server_default=text("7")),
    Column("retired_at", DateTime(timezone=True)),
    Column("retired_by", Text),
    Column("taken_back_at", DateTime(timezone=True)),
    Column("taken_back_by", Text),
    PrimaryKeyConstraint("id", name="ledger_switches_pkey"),
    CheckConstraint("quiet_days > 0", name="ledger_switches_quiet_days_check"),
    Index("ledger_switches_open_key", "taken_back_at", unique=True, postgresql_nulls_not_distinct=True),
    comment="When the writing side went from points_ledger to xp_ledger and back, by whom, and what was counted then",
)

ledger_late_writes = Table(
    "ledger_late_writes",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("operation", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("application", Text, nullable=False),
    PrimaryKeyConstraint("id", name="ledger_late_writes_pkey"),
    Index("ledger_late_writes_at_idx", "at"),
    comment="Writes to points_ledger after the switch that did not come from xp_ledger, a row each",
)

tenant_keys = Table(
    "tenant_keys",
    metadata,
    Column("id", Integer, Identity(always=True), nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("inner_pad", LargeBinary, nullable=False),
    Column("outer_pad", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("valid_until", DateTime(timezone=True)),
    PrimaryKeyConstraint("id", name="tenant_keys_pkey"),
    comment="Keys that sign which organization a transaction works for; the newest signs, those before it are still "
    "taken until valid_until",
)
