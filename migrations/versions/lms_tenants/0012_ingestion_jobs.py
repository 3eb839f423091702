"""Ingestion jobs are those of the organization."""

from migrations.isolation import ORGANIZATION, isolate, lift

revision = "lms_tenants_0012"
down_revision = "lms_tenants_0011"


def upgrade() -> None:
    """Put the policies on the table and enforce them."""
    isolate("ingestion_jobs", ORGANIZATION)


def downgrade() -> None:
    """Take them away."""
    lift("ingestion_jobs")
