"""Synonyms, keywords, a vector and an on/off switch for each concept (seed 000, 11).

The vector is derived from the concept's text; the words and the switch are an editor's work.
"""

from alembic import op

revision = "community_0011"
down_revision = "community_0010"

# Both lists may be NULL, which does not come back by itself.
LOST_ON_DOWNGRADE = {
    "concepts": """
        "synonyms" IS DISTINCT FROM '{}' OR "keywords" IS DISTINCT FROM '{}' OR NOT "isActive"
    """
}


def upgrade() -> None:
    """Add the columns; constant defaults, so no row is rewritten."""
    op.execute(
        """
        ALTER TABLE concepts
            ADD COLUMN "embedding" vector(384),
            ADD COLUMN "synonyms" text[] DEFAULT '{}'::text[],
            ADD COLUMN "keywords" text[] DEFAULT '{}'::text[],
            ADD COLUMN "isActive" boolean NOT NULL DEFAULT true
        """
    )


def downgrade() -> None:
    """Drop the columns."""
    op.execute(
        """
        ALTER TABLE concepts
            DROP COLUMN "embedding",
            DROP COLUMN "synonyms",
            DROP COLUMN "keywords",
            DROP COLUMN "isActive"
        """
    )
