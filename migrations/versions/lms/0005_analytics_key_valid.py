"""Every event's organization exists: the key of 0004 is proved for the rows that were there before.

Reads and writes go on meanwhile.
"""

from alembic import op

from migrations.operations import validate_constraint

revision = "lms_0005"
down_revision = "lms_0004"


def upgrade() -> None:
    """Validate the key."""
    validate_constraint("analytics", "analytics_organization_id_fkey")


def downgrade() -> None:
    """Make the key anew, not validated: a constraint cannot be told to forget its proof."""
    op.execute(
        """
        ALTER TABLE analytics
            DROP CONSTRAINT analytics_organization_id_fkey,
            ADD CONSTRAINT analytics_organization_id_fkey FOREIGN KEY (organization_id)
                REFERENCES organizations (id) ON DELETE CASCADE ON UPDATE CASCADE NOT VALID
        """
    )
