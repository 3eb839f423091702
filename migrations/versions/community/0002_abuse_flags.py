"""Flags raised by detectors or people against a user, with evidence and review (seed 000, 3)."""

from alembic import op

revision = "community_0002"
down_revision = "community_0001"

LOST_ON_DOWNGRADE = {"abuse_flags": "true"}


def upgrade() -> None:
    """Create the table."""
    op.execute(
        """
        CREATE TYPE "AbuseFlagType" AS ENUM (
            'SIMILARITY_HIGH', 'VOTE_TRADING', 'LOW_ENTROPY', 'IP_CLUSTERING', 'STREAK_FRAUD', 'XP_FARMING',
            'SPAM_POSTING', 'SOCKPUPPET'
        )
        """
    )
    op.execute(
        """
        CREATE TABLE abuse_flags (
            "id" text NOT NULL,
            "userId" text NOT NULL,
            "flagType" "AbuseFlagType" NOT NULL,
            "severity" integer NOT NULL,
            "details" jsonb NOT NULL,
            "autoDetected" boolean NOT NULL DEFAULT true,
            "reviewedBy" text,
            "reviewedAt" timestamp(3),
            "status" text NOT NULL DEFAULT 'PENDING',
            "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
            CONSTRAINT "abuse_flags_pkey" PRIMARY KEY ("id"),
            CONSTRAINT "abuse_flags_userId_fkey" FOREIGN KEY ("userId")
                REFERENCES users ("id") ON DELETE CASCADE ON UPDATE CASCADE,
            CONSTRAINT "abuse_flags_reviewedBy_fkey" FOREIGN KEY ("reviewedBy")
                REFERENCES users ("id") ON DELETE SET NULL ON UPDATE CASCADE
        )
        """
    )
    op.execute('CREATE INDEX "abuse_flags_userId_status_idx" ON abuse_flags ("userId", "status")')
    op.execute('CREATE INDEX "abuse_flags_flagType_createdAt_idx" ON abuse_flags ("flagType", "createdAt")')
    op.execute('CREATE INDEX "abuse_flags_status_severity_idx" ON abuse_flags ("status", "severity")')


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("abuse_flags")
    op.execute('DROP TYPE "AbuseFlagType"')
