"""What an experiment measured for one person (seed 001, 1)."""

from alembic import op

revision = "behavior_0003"
down_revision = "behavior_0002"

LOST_ON_DOWNGRADE = {"experiment_assignments": "metrics IS NOT NULL"}


def upgrade() -> None:
    """Add the column, empty."""
    op.execute("ALTER TABLE experiment_assignments ADD COLUMN metrics jsonb")


def downgrade() -> None:
    """Drop it."""
    op.execute("ALTER TABLE experiment_assignments DROP COLUMN metrics")
