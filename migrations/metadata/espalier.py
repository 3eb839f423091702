"""Our own schema `espalier`: what the platform must remember about a site. It holds no row of the application.

Tables are schema-free here as everywhere in `migrations/`; queries name them `espalier.<table>`.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Double,
    Identity,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

WRITTEN = {"jobs": "SELECT, INSERT, UPDATE, DELETE"}

metadata = MetaData()

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
    info=WRITTEN,
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
    info=WRITTEN,
)

partition_zones = Table(
    "partition_zones",
    metadata,
    Column("asset_key", Text, nullable=False),
    Column("zone", Text, nullable=False),
    PrimaryKeyConstraint("asset_key", name="partition_zones_pkey"),
    comment="The zone that an asset's days were first made in; it is fixed from then on",
    info=WRITTEN,
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
    info=WRITTEN,
)
