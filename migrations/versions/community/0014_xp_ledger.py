"""The expanded ledger of XP, beside the application's `points_ledger` (seed 000, 1 and phase 3).

The seed renames the table under the running application, and builds the wrong columns. Here it is expanded: a new
table, a trigger that mirrors every write (community_0017), a batched backfill (an asset). No constraint is tighter than
on `points_ledger`, so that the mirror can never make a write fail. The key to concepts comes in a step of its own, so
that one table of the application is locked at a time.
"""

from alembic import op

revision = "community_0014"
down_revision = "community_0013"

# What mirrors points_ledger and the opening balances from user_stats are derived again.
LOST_ON_DOWNGRADE = {
    "xp_ledger": """
        "flagged" OR "conceptId" IS NOT NULL
        OR coalesce("metadata" ->> 'source', '') NOT IN ('points_ledger', 'user_stats')
    """
}


def upgrade() -> None:
    """Create the table."""
    op.execute(
        """
        CREATE TABLE xp_ledger (
            "id" text NOT NULL,
            "userId" text NOT NULL,
            "eventType" text NOT NULL,
            "conceptId" text,
            "baseXP" integer NOT NULL,
            "masteryMult" double precision NOT NULL DEFAULT 1.0,
            "trustMult" double precision NOT NULL DEFAULT 1.0,
            "factCheckMult" double precision NOT NULL DEFAULT 1.0,
            "timeDecay" double precision NOT NULL DEFAULT 1.0,
            "finalXP" integer NOT NULL,
            "reason" text NOT NULL,
            "metadata" jsonb,
            "flagged" boolean NOT NULL DEFAULT false,
            "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
            CONSTRAINT "xp_ledger_pkey" PRIMARY KEY ("id"),
            CONSTRAINT "xp_ledger_userId_fkey" FOREIGN KEY ("userId")
                REFERENCES users ("id") ON DELETE CASCADE ON UPDATE CASCADE
        )
        """
    )
    op.execute('CREATE INDEX "xp_ledger_userId_createdAt_idx" ON xp_ledger ("userId", "createdAt")')
    op.execute('CREATE INDEX "xp_ledger_eventType_idx" ON xp_ledger ("eventType")')
    op.execute('CREATE INDEX "xp_ledger_conceptId_idx" ON xp_ledger ("conceptId")')
    op.execute('CREATE INDEX "xp_ledger_flagged_idx" ON xp_ledger ("flagged")')


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("xp_ledger")
    op.execute("DELETE FROM espalier.checkpoints WHERE job = 'community/xp_ledger'")
