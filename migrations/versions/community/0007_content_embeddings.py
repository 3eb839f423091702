"""A vector for each piece of content, to find what was copied (seed 000, 8).

The seed stores a JSON array "or pgvector": a vector, so that a neighbour search can have an index.
"""

from alembic import op

revision = "community_0007"
down_revision = "community_0006"

LOST_ON_DOWNGRADE = {"content_embeddings": "true"}


def upgrade() -> None:
    """Create the table."""
    op.execute(
        """
        CREATE TABLE content_embeddings (
            "id" text NOT NULL,
            "contentType" text NOT NULL,
            "contentId" text NOT NULL,
            "userId" text NOT NULL,
            "embedding" vector(384) NOT NULL,
            "text" text NOT NULL,
            "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
            CONSTRAINT "content_embeddings_pkey" PRIMARY KEY ("id"),
            CONSTRAINT "content_embeddings_userId_fkey" FOREIGN KEY ("userId")
                REFERENCES users ("id") ON DELETE CASCADE ON UPDATE CASCADE
        )
        """
    )
    op.execute(
        'CREATE UNIQUE INDEX "content_embeddings_contentType_contentId_key" '
        'ON content_embeddings ("contentType", "contentId")'
    )
    op.execute('CREATE INDEX "content_embeddings_userId_idx" ON content_embeddings ("userId")')


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("content_embeddings")
