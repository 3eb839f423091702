"""A trust score for every user, with its components and penalties (seed 000, 2).

Rows begin at the defaults and are then computed from evidence; only the history of lows and highs of a computed row
cannot be had again.
"""

from alembic import op

revision = "community_0001"
down_revision = "community_0000"

# A row still at its defaults says nothing that could be lost.
LOST_ON_DOWNGRADE = {
    "trust_scores": """
        ("score", "masteryReliability", "nliTrackRecord", "communityValidation", "accountAgeTrust",
         "interactionEntropy", "votePatternScore", "similarityFlags", "abuseFlags", "ipClusteringRisk",
         "historicalLow", "historicalHigh") <> (0.5, 0.5, 0.7, 0.5, 0.5, 1.0, 1.0, 0, 0, 0.0, 0.5, 0.5)
    """
}


def upgrade() -> None:
    """Create the table."""
    op.execute(
        """
        CREATE TABLE trust_scores (
            "id" text NOT NULL,
            "userId" text NOT NULL,
            "score" double precision NOT NULL DEFAULT 0.5,
            "masteryReliability" double precision NOT NULL DEFAULT 0.5,
            "nliTrackRecord" double precision NOT NULL DEFAULT 0.7,
            "communityValidation" double precision NOT NULL DEFAULT 0.5,
            "accountAgeTrust" double precision NOT NULL DEFAULT 0.5,
            "interactionEntropy" double precision NOT NULL DEFAULT 1.0,
            "votePatternScore" double precision NOT NULL DEFAULT 1.0,
            "similarityFlags" integer NOT NULL DEFAULT 0,
            "abuseFlags" integer NOT NULL DEFAULT 0,
            "ipClusteringRisk" double precision NOT NULL DEFAULT 0.0,
            "lastUpdated" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
            "historicalLow" double precision NOT NULL DEFAULT 0.5,
            "historicalHigh" double precision NOT NULL DEFAULT 0.5,
            CONSTRAINT "trust_scores_pkey" PRIMARY KEY ("id"),
            CONSTRAINT "trust_scores_userId_fkey" FOREIGN KEY ("userId")
                REFERENCES users ("id") ON DELETE CASCADE ON UPDATE CASCADE
        )
        """
    )
    op.execute('CREATE UNIQUE INDEX "trust_scores_userId_key" ON trust_scores ("userId")')
    op.execute('CREATE INDEX "trust_scores_score_idx" ON trust_scores ("score")')


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("trust_scores")
