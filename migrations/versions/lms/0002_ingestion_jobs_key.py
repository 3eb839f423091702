"""An ingestion job belongs to an organization and goes with it, for new rows from now on.

The seed says that all data of an organization is deleted with it; five of its tables have no key that would do it: this
one, `analytics` (0004), and three whose rows belong to an organization, a learner or nobody (0006).

NOT VALID: existing rows are not read while the tables are locked; 0003 proves them. 0001 has looked for orphans.
"""

from alembic import op

revision = "lms_0002"
down_revision = "lms_0001"


def upgrade() -> None:
    """Add the key without looking at existing rows."""
    op.execute(
        """
        ALTER TABLE ingestion_jobs ADD CONSTRAINT ingestion_jobs_organization_id_fkey FOREIGN KEY (organization_id)
            REFERENCES organizations (id) ON DELETE CASCADE ON UPDATE CASCADE NOT VALID
        """
    )


def downgrade() -> None:
    """Drop the key."""
    op.execute("ALTER TABLE ingestion_jobs DROP CONSTRAINT ingestion_jobs_organization_id_fkey")
