"""Events of a person by type, by day of the week and by time of day (seed 001, 4)."""

from migrations.operations import create_index_concurrently, drop_index_concurrently

revision = "behavior_0006"
down_revision = "behavior_0005"


def upgrade() -> None:
    """Build the indexes while the table is read and written."""
    create_index_concurrently(
        "behavioral_events_userId_eventType_timestamp_idx", "behavioral_events", ["userId", "eventType", "timestamp"]
    )
    create_index_concurrently("behavioral_events_userId_dayOfWeek_idx", "behavioral_events", ["userId", "dayOfWeek"])
    create_index_concurrently("behavioral_events_userId_timeOfDay_idx", "behavioral_events", ["userId", "timeOfDay"])


def downgrade() -> None:
    """Drop the indexes while the table is read and written."""
    drop_index_concurrently("behavioral_events_userId_timeOfDay_idx")
    drop_index_concurrently("behavioral_events_userId_dayOfWeek_idx")
    drop_index_concurrently("behavioral_events_userId_eventType_timestamp_idx")
