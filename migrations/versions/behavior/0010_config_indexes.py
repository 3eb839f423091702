"""Configurations of a person by context, and by what they have earned (seed 001, 4)."""

from migrations.operations import create_index_concurrently, drop_index_concurrently

revision = "behavior_0010"
down_revision = "behavior_0009"


def upgrade() -> None:
    """Build the indexes while the table is read and written."""
    create_index_concurrently(
        "personalization_configs_userId_context_isActive_idx",
        "personalization_configs",
        ["userId", "context", "isActive"],
    )
    create_index_concurrently(
        "personalization_configs_userId_avgReward_idx", "personalization_configs", ["userId", "avgReward"]
    )


def downgrade() -> None:
    """Drop the indexes while the table is read and written."""
    drop_index_concurrently("personalization_configs_userId_avgReward_idx")
    drop_index_concurrently("personalization_configs_userId_context_isActive_idx")
