"""What the fact checker found in generated answers (seed 000, 4); evidence for trust."""

from alembic import op

revision = "community_0004"
down_revision = "community_0003"

LOST_ON_DOWNGRADE = {"fact_check_logs": "true"}


def upgrade() -> None:
    """Create the table."""
    op.execute(
        """
        CREATE TABLE fact_check_logs (
            "id" text NOT NULL,
            "userId" text,
            "generatedText" text NOT NULL,
            "contextUsed" text NOT NULL,
            "claimsChecked" integer NOT NULL,
            "entailmentCount" integer NOT NULL,
            "contradictionCount" integer NOT NULL,
            "neutralCount" integer NOT NULL,
            "overallConfidence" double precision NOT NULL,
            "safeToDisplay" boolean NOT NULL,
            "checks" jsonb NOT NULL,
            "actionTaken" text,
            "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
            CONSTRAINT "fact_check_logs_pkey" PRIMARY KEY ("id"),
            CONSTRAINT "fact_check_logs_userId_fkey" FOREIGN KEY ("userId")
                REFERENCES users ("id") ON DELETE SET NULL ON UPDATE CASCADE
        )
        """
    )
    op.execute('CREATE INDEX "fact_check_logs_userId_createdAt_idx" ON fact_check_logs ("userId", "createdAt")')
    op.execute('CREATE INDEX "fact_check_logs_safeToDisplay_idx" ON fact_check_logs ("safeToDisplay")')
    op.execute('CREATE INDEX "fact_check_logs_contradictionCount_idx" ON fact_check_logs ("contradictionCount")')


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("fact_check_logs")
