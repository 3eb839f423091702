"""Every ingestion job's organization exists: the key of 0002 is proved for the rows that were there before.

Reads and writes go on meanwhile.
"""

from alembic import op

from migrations.operations import validate_constraint

revision = "lms_0003"
down_revision = "lms_0002"


def upgrade() -> None:
    """Validate the key."""
    validate_constraint("ingestion_jobs", "ingestion_jobs_organization_id_fkey")


def downgrade() -> None:
    """Make the key anew, not validated: a constraint cannot be told to forget its proof."""
    op.execute(
        """
        ALTER TABLE ingestion_jobs
            DROP CONSTRAINT ingestion_jobs_organization_id_fkey,
            ADD CONSTRAINT ingestion_jobs_organization_id_fkey FOREIGN KEY (organization_id)
                REFERENCES organizations (id) ON DELETE CASCADE ON UPDATE CASCADE NOT VALID
        """
    )
