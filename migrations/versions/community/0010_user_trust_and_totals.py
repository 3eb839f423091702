"""Trust, bans, the leaderboard's opt-out and totals on the user (seed 000, 10).

Totals and the cached score are derived; a ban, a suspension or an opt-out is somebody's decision.
"""

from alembic import op

revision = "community_0010"
down_revision = "community_0009"

LOST_ON_DOWNGRADE = {
    "users": """ "isShadowBanned" OR "isSuspended" OR "suspendedUntil" IS NOT NULL OR "leaderboardOptOut" """
}


def upgrade() -> None:
    """Add the columns; constant defaults, so no row is rewritten."""
    op.execute(
        """
        ALTER TABLE users
            ADD COLUMN "trustScoreCache" double precision NOT NULL DEFAULT 0.5,
            ADD COLUMN "isShadowBanned" boolean NOT NULL DEFAULT false,
            ADD COLUMN "isSuspended" boolean NOT NULL DEFAULT false,
            ADD COLUMN "suspendedUntil" timestamp(3),
            ADD COLUMN "leaderboardOptOut" boolean NOT NULL DEFAULT false,
            ADD COLUMN "totalXP" integer NOT NULL DEFAULT 0,
            ADD COLUMN "totalReputation" integer NOT NULL DEFAULT 0
        """
    )


def downgrade() -> None:
    """Drop the columns."""
    op.execute(
        """
        ALTER TABLE users
            DROP COLUMN "trustScoreCache",
            DROP COLUMN "isShadowBanned",
            DROP COLUMN "isSuspended",
            DROP COLUMN "suspendedUntil",
            DROP COLUMN "leaderboardOptOut",
            DROP COLUMN "totalXP",
            DROP COLUMN "totalReputation"
        """
    )
