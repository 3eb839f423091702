"""Tables that the plan adds to the community domain for ledgers and leaderboards.

`xp_ledger` and `reputation_ledger` are seed 000's; `leaderboard_entries` is ours (snake_case), as the application's
`leaderboard_snapshots` knows no metric. No constraint of `xp_ledger` is tighter than `points_ledger`'s: the sync
trigger must never make a write of the application fail.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from migrations.metadata.community_types import metadata
from migrations.metadata.prisma import document, flag, moment, real, reference, whole, words

xp_ledger = Table(
    "xp_ledger",
    metadata,
    words("id"),
    words("userId"),
    words("eventType"),
    words("conceptId", null=True),
    whole("baseXP"),
    real("masteryMult", default=1.0),
    real("trustMult", default=1.0),
    real("factCheckMult", default=1.0),
    real("timeDecay", default=1.0),
    whole("finalXP"),
    words("reason"),
    document("metadata", null=True),
    flag("flagged", default=False),
    moment("createdAt", now=True),
    PrimaryKeyConstraint("id", name="xp_ledger_pkey"),
    reference("xp_ledger_userId_fkey", "userId", "users"),
    reference("xp_ledger_conceptId_fkey", "conceptId", "concepts", gone="SET NULL"),
    Index("xp_ledger_userId_createdAt_idx", "userId", "createdAt"),
    Index("xp_ledger_eventType_idx", "eventType"),
    Index("xp_ledger_conceptId_idx", "conceptId"),
    Index("xp_ledger_flagged_idx", "flagged"),
)

reputation_ledger = Table(
    "reputation_ledger",
    metadata,
    words("id"),
    words("userId"),
    words("eventType"),
    whole("change"),
    words("reason"),
    words("sourceId", null=True),
    real("voterTrust", null=True),
    moment("createdAt", now=True),
    PrimaryKeyConstraint("id", name="reputation_ledger_pkey"),
    reference("reputation_ledger_userId_fkey", "userId", "users"),
    Index("reputation_ledger_userId_createdAt_idx", "userId", "createdAt"),
    Index("reputation_ledger_eventType_idx", "eventType"),
)

leaderboard_entries = Table(
    "leaderboard_entries",
    metadata,
    Column("metric", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("period_start", Date, nullable=False),
    Column("as_of", Date, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("dense_rank", Integer, nullable=False),
    Column("previous_rank", Integer),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("as_of", "metric", "period", "scope", "user_id", name="leaderboard_entries_pkey"),
    CheckConstraint("metric IN ('xp', 'reputation')", name="leaderboard_entries_metric_check"),
    CheckConstraint("period IN ('DAILY', 'WEEKLY', 'MONTHLY', 'ALL_TIME')", name="leaderboard_entries_period_check"),
    ForeignKeyConstraint(
        ["user_id"], ["users.id"], name="leaderboard_entries_user_id_fkey", ondelete="CASCADE", onupdate="CASCADE"
    ),
    Index("leaderboard_entries_board_idx", "metric", "period", "scope", "as_of", "rank"),
    Index("leaderboard_entries_user_id_idx", "user_id"),
)
