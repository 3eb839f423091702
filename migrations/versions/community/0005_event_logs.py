"""The audit trail of what happened to whom (seed 000, 5)."""

from alembic import op

revision = "community_0005"
down_revision = "community_0004"

LOST_ON_DOWNGRADE = {"event_logs": "true"}


def upgrade() -> None:
    """Create the table."""
    op.execute(
        """
        CREATE TABLE event_logs (
            "id" text NOT NULL,
            "eventType" text NOT NULL,
            "userId" text,
            "targetId" text,
            "metadata" jsonb NOT NULL,
            "emittedAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
            "processedAt" timestamp(3),
            CONSTRAINT "event_logs_pkey" PRIMARY KEY ("id"),
            CONSTRAINT "event_logs_userId_fkey" FOREIGN KEY ("userId")
                REFERENCES users ("id") ON DELETE SET NULL ON UPDATE CASCADE
        )
        """
    )
    op.execute('CREATE INDEX "event_logs_eventType_emittedAt_idx" ON event_logs ("eventType", "emittedAt")')
    op.execute('CREATE INDEX "event_logs_userId_emittedAt_idx" ON event_logs ("userId", "emittedAt")')
    op.execute('CREATE INDEX "event_logs_processedAt_idx" ON event_logs ("processedAt")')


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("event_logs")
