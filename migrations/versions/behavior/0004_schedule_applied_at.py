"""When a recommended schedule was applied (seed 001, 2)."""

from alembic import op

revision = "behavior_0004"
down_revision = "behavior_0003"

LOST_ON_DOWNGRADE = {"study_schedule_recommendations": '"appliedAt" IS NOT NULL'}


def upgrade() -> None:
    """Add the column, empty."""
    op.execute('ALTER TABLE study_schedule_recommendations ADD COLUMN "appliedAt" timestamp(3)')


def downgrade() -> None:
    """Drop it."""
    op.execute('ALTER TABLE study_schedule_recommendations DROP COLUMN "appliedAt"')
