"""What moderators did to whom, and why (seed 000, 3).

A user who moderated or was moderated cannot be deleted: the log is evidence, as the model's missing onDelete means.
"""

from alembic import op

revision = "community_0003"
down_revision = "community_0002"

LOST_ON_DOWNGRADE = {"moderation_logs": "true"}


def upgrade() -> None:
    """Create the table."""
    op.execute(
        """
        CREATE TABLE moderation_logs (
            "id" text NOT NULL,
            "adminId" text NOT NULL,
            "targetUserId" text NOT NULL,
            "action" text NOT NULL,
            "reason" text NOT NULL,
            "details" jsonb,
            "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
            CONSTRAINT "moderation_logs_pkey" PRIMARY KEY ("id"),
            CONSTRAINT "moderation_logs_adminId_fkey" FOREIGN KEY ("adminId")
                REFERENCES users ("id") ON DELETE RESTRICT ON UPDATE CASCADE,
            CONSTRAINT "moderation_logs_targetUserId_fkey" FOREIGN KEY ("targetUserId")
                REFERENCES users ("id") ON DELETE RESTRICT ON UPDATE CASCADE
        )
        """
    )
    op.execute(
        'CREATE INDEX "moderation_logs_targetUserId_createdAt_idx" ON moderation_logs ("targetUserId", "createdAt")'
    )
    op.execute('CREATE INDEX "moderation_logs_adminId_idx" ON moderation_logs ("adminId")')


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("moderation_logs")
