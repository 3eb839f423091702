"""Prompts, answers and recommendations searched inside their JSON documents (seed 002)."""

from migrations.operations import create_index_concurrently, drop_index_concurrently

revision = "community_0019"
down_revision = "community_0018"


def upgrade() -> None:
    """Build the indexes while the tables are read and written."""
    create_index_concurrently("conversations_context_idx", "conversations", ["context"], using="gin")
    create_index_concurrently("messages_metadata_idx", "messages", ["metadata"], using="gin")
    create_index_concurrently("ai_recommendations_metadata_idx", "ai_recommendations", ["metadata"], using="gin")


def downgrade() -> None:
    """Drop the indexes while the tables are read and written."""
    drop_index_concurrently("ai_recommendations_metadata_idx")
    drop_index_concurrently("messages_metadata_idx")
    drop_index_concurrently("conversations_context_idx")
