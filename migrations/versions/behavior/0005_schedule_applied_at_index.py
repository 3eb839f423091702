"""Schedules found by the time at which they were applied (seed 001, 2)."""

from migrations.operations import create_index_concurrently, drop_index_concurrently

revision = "behavior_0005"
down_revision = "behavior_0004"


def upgrade() -> None:
    """Build the index while the table is read and written."""
    create_index_concurrently(
        "study_schedule_recommendations_appliedAt_idx", "study_schedule_recommendations", ["appliedAt"]
    )


def downgrade() -> None:
    """Drop the index while the table is read and written."""
    drop_index_concurrently("study_schedule_recommendations_appliedAt_idx")
