"""Patterns of a person by type and confidence, and the newest ones (seed 001, 4)."""

from migrations.operations import create_index_concurrently, drop_index_concurrently

revision = "behavior_0007"
down_revision = "behavior_0006"


def upgrade() -> None:
    """Build the indexes while the table is read and written."""
    create_index_concurrently(
        "behavioral_patterns_userId_patternType_confidence_idx",
        "behavioral_patterns",
        ["userId", "patternType", "confidence"],
    )
    create_index_concurrently(
        "behavioral_patterns_userId_lastSeenAt_idx", "behavioral_patterns", ["userId", "lastSeenAt"]
    )


def downgrade() -> None:
    """Drop the indexes while the table is read and written."""
    drop_index_concurrently("behavioral_patterns_userId_lastSeenAt_idx")
    drop_index_concurrently("behavioral_patterns_userId_patternType_confidence_idx")
