"""Concepts found by domain and by difficulty (seed 000, 11)."""

from migrations.operations import create_index_concurrently, drop_index_concurrently

revision = "community_0012"
down_revision = "community_0011"


def upgrade() -> None:
    """Build the indexes while the tables are read and written."""
    create_index_concurrently("concepts_domain_idx", "concepts", ["domain"])
    create_index_concurrently("concepts_difficulty_idx", "concepts", ["difficulty"])


def downgrade() -> None:
    """Drop the indexes while the tables are read and written."""
    drop_index_concurrently("concepts_difficulty_idx")
    drop_index_concurrently("concepts_domain_idx")
