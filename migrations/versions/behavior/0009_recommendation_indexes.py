"""Recommendations of a person by rank, and by age (seed 001, 4)."""

from migrations.operations import create_index_concurrently, drop_index_concurrently

revision = "behavior_0009"
down_revision = "behavior_0008"


def upgrade() -> None:
    """Build the indexes while the table is read and written."""
    create_index_concurrently(
        "recommendations_userId_status_priorityScore_idx", "recommendations", ["userId", "status", "priorityScore"]
    )
    create_index_concurrently("recommendations_userId_createdAt_idx", "recommendations", ["userId", "createdAt"])


def downgrade() -> None:
    """Drop the indexes while the table is read and written."""
    drop_index_concurrently("recommendations_userId_createdAt_idx")
    drop_index_concurrently("recommendations_userId_status_priorityScore_idx")
