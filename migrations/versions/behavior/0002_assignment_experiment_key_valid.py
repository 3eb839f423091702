"""Every assignment's experiment exists: the key of 0001 is proved for the rows that were there before.

Reads and writes go on meanwhile.
"""

from alembic import op

from migrations.operations import validate_constraint

revision = "behavior_0002"
down_revision = "behavior_0001"


def upgrade() -> None:
    """Validate the key."""
    validate_constraint("experiment_assignments", "experiment_assignments_experimentId_fkey")


def downgrade() -> None:
    """Make the key anew, not validated: a constraint cannot be told to forget its proof."""
    op.execute(
        """
        ALTER TABLE experiment_assignments
            DROP CONSTRAINT "experiment_assignments_experimentId_fkey",
            ADD CONSTRAINT "experiment_assignments_experimentId_fkey"
                FOREIGN KEY ("experimentId") REFERENCES personalization_experiments (id)
                ON DELETE CASCADE ON UPDATE CASCADE NOT VALID
        """
    )
