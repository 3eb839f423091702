"""Rubric evaluations searched inside their JSON documents (seed 002)."""

from migrations.operations import create_index_concurrently, drop_index_concurrently

revision = "community_0018"
down_revision = "community_0017"


def upgrade() -> None:
    """Build the indexes while the tables are read and written."""
    create_index_concurrently("rubric_evaluations_rubricJson_idx", "rubric_evaluations", ["rubricJson"], using="gin")
    create_index_concurrently(
        "rubric_evaluations_criterionScores_idx", "rubric_evaluations", ["criterionScores"], using="gin"
    )
    create_index_concurrently(
        "rubric_evaluations_improvementPlan_idx", "rubric_evaluations", ["improvementPlan"], using="gin"
    )


def downgrade() -> None:
    """Drop the indexes while the tables are read and written."""
    drop_index_concurrently("rubric_evaluations_improvementPlan_idx")
    drop_index_concurrently("rubric_evaluations_criterionScores_idx")
    drop_index_concurrently("rubric_evaluations_rubricJson_idx")
