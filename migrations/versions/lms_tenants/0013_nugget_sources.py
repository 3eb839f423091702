"""Sources belong to the nuggets of the organization, and name its ingestion jobs."""

from migrations.isolation import isolate, lift

revision = "lms_tenants_0013"
down_revision = "lms_tenants_0012"


def upgrade() -> None:
    """Put the policies on the table and enforce them."""
    isolate("nugget_sources", _OWN, refers=_REFERS)


def downgrade() -> None:
    """Take them away."""
    lift("nugget_sources")


_OWN = (
    "EXISTS (SELECT FROM nuggets AS n WHERE n.id = nugget_sources.nugget_id"
    " AND n.organization_id = (SELECT espalier.current_organization()))"
)

_REFERS = (
    "(nugget_sources.ingestion_job_id IS NULL OR EXISTS ("
    "SELECT FROM ingestion_jobs AS j WHERE j.id = nugget_sources.ingestion_job_id"
    " AND j.organization_id = (SELECT espalier.current_organization())))"
)
