"""Predictions of a person by risk, and by topic (seed 001, 4).

The first name is as Prisma shortens it to 63 bytes: it keeps the end. Postgres would cut the end off instead.
"""

from migrations.operations import create_index_concurrently, drop_index_concurrently

revision = "behavior_0008"
down_revision = "behavior_0007"


def upgrade() -> None:
    """Build the indexes while the table is read and written."""
    create_index_concurrently(
        "struggle_predictions_userId_predictionStatus_predictedStrug_idx",
        "struggle_predictions",
        ["userId", "predictionStatus", "predictedStruggleProbability"],
    )
    create_index_concurrently(
        "struggle_predictions_userId_topicId_predictionDate_idx",
        "struggle_predictions",
        ["userId", "topicId", "predictionDate"],
    )


def downgrade() -> None:
    """Drop the indexes while the table is read and written."""
    drop_index_concurrently("struggle_predictions_userId_topicId_predictionDate_idx")
    drop_index_concurrently("struggle_predictions_userId_predictionStatus_predictedStrug_idx")
