"""Fact checks and events searched inside their JSON documents (seed 002)."""

from migrations.operations import create_index_concurrently, drop_index_concurrently

revision = "community_0020"
down_revision = "community_0019"


def upgrade() -> None:
    """Build the indexes while the tables are read and written."""
    create_index_concurrently("fact_check_logs_checks_idx", "fact_check_logs", ["checks"], using="gin")
    create_index_concurrently("event_logs_metadata_idx", "event_logs", ["metadata"], using="gin")


def downgrade() -> None:
    """Drop the indexes while the tables are read and written."""
    drop_index_concurrently("event_logs_metadata_idx")
    drop_index_concurrently("fact_check_logs_checks_idx")
