"""Who votes for whom, how often, and how mutually (seed 000, 9).

Derived from the votes by a job, so nothing is lost when it goes.
"""

from alembic import op

revision = "community_0008"
down_revision = "community_0007"


def upgrade() -> None:
    """Create the table."""
    op.execute(
        """
        CREATE TABLE vote_graph (
            "id" text NOT NULL,
            "voterId" text NOT NULL,
            "targetUserId" text NOT NULL,
            "voteCount" integer NOT NULL DEFAULT 0,
            "upvoteCount" integer NOT NULL DEFAULT 0,
            "downvoteCount" integer NOT NULL DEFAULT 0,
            "reciprocity" double precision NOT NULL DEFAULT 0.0,
            "lastVoteAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
            CONSTRAINT "vote_graph_pkey" PRIMARY KEY ("id"),
            CONSTRAINT "vote_graph_voterId_fkey" FOREIGN KEY ("voterId")
                REFERENCES users ("id") ON DELETE CASCADE ON UPDATE CASCADE,
            CONSTRAINT "vote_graph_targetUserId_fkey" FOREIGN KEY ("targetUserId")
                REFERENCES users ("id") ON DELETE CASCADE ON UPDATE CASCADE
        )
        """
    )
    op.execute('CREATE UNIQUE INDEX "vote_graph_voterId_targetUserId_key" ON vote_graph ("voterId", "targetUserId")')
    op.execute('CREATE INDEX "vote_graph_reciprocity_idx" ON vote_graph ("reciprocity")')


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("vote_graph")
