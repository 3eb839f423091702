"""Who and how long stands behind an achievement's progress, against gaming (seed 000, 6)."""

from alembic import op

revision = "community_0013"
down_revision = "community_0012"

# The list may be NULL, which does not come back by itself.
LOST_ON_DOWNGRADE = {
    "achievement_progress": """
        "uniqueUsers" IS DISTINCT FROM '{}' OR "firstDate" IS NOT NULL OR "lastDate" IS NOT NULL OR "daySpan" <> 0
        OR "validatedCount" <> 0
    """
}


def upgrade() -> None:
    """Add the columns; constant defaults, so no row is rewritten."""
    op.execute(
        """
        ALTER TABLE achievement_progress
            ADD COLUMN "uniqueUsers" text[] DEFAULT '{}'::text[],
            ADD COLUMN "firstDate" timestamp(3),
            ADD COLUMN "lastDate" timestamp(3),
            ADD COLUMN "daySpan" integer NOT NULL DEFAULT 0,
            ADD COLUMN "validatedCount" integer NOT NULL DEFAULT 0
        """
    )


def downgrade() -> None:
    """Drop the columns."""
    op.execute(
        """
        ALTER TABLE achievement_progress
            DROP COLUMN "uniqueUsers",
            DROP COLUMN "firstDate",
            DROP COLUMN "lastDate",
            DROP COLUMN "daySpan",
            DROP COLUMN "validatedCount"
        """
    )
