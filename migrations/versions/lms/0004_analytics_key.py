"""An event belongs to an organization and goes with it, for new rows from now on.

NOT VALID: existing rows are not read while the tables are locked; 0005 proves them. 0001 has looked for orphans. The
learner of an event gets no key: an event outlives its learner, as one of the organization's.
"""

from alembic import op

revision = "lms_0004"
down_revision = "lms_0003"


def upgrade() -> None:
    """Add the key without looking at existing rows."""
    op.execute(
        """
        ALTER TABLE analytics ADD CONSTRAINT analytics_organization_id_fkey FOREIGN KEY (organization_id)
            REFERENCES organizations (id) ON DELETE CASCADE ON UPDATE CASCADE NOT VALID
        """
    )


def downgrade() -> None:
    """Drop the key."""
    op.execute("ALTER TABLE analytics DROP CONSTRAINT analytics_organization_id_fkey")
