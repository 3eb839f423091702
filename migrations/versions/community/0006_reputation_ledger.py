"""Every change of a user's reputation, with its cause (seed 000, 7).

Its first entries are opening balances, derived from `users.reputation`.
"""

from alembic import op

revision = "community_0006"
down_revision = "community_0005"

# Opening balances are derived again.
LOST_ON_DOWNGRADE = {"reputation_ledger": "\"eventType\" <> 'OPENING_BALANCE'"}


def upgrade() -> None:
    """Create the table."""
    op.execute(
        """
        CREATE TABLE reputation_ledger (
            "id" text NOT NULL,
            "userId" text NOT NULL,
            "eventType" text NOT NULL,
            "change" integer NOT NULL,
            "reason" text NOT NULL,
            "sourceId" text,
            "voterTrust" double precision,
            "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
            CONSTRAINT "reputation_ledger_pkey" PRIMARY KEY ("id"),
            CONSTRAINT "reputation_ledger_userId_fkey" FOREIGN KEY ("userId")
                REFERENCES users ("id") ON DELETE CASCADE ON UPDATE CASCADE
        )
        """
    )
    op.execute('CREATE INDEX "reputation_ledger_userId_createdAt_idx" ON reputation_ledger ("userId", "createdAt")')
    op.execute('CREATE INDEX "reputation_ledger_eventType_idx" ON reputation_ledger ("eventType")')


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("reputation_ledger")
    op.execute("DELETE FROM espalier.checkpoints WHERE job = 'community/reputation_ledger'")
