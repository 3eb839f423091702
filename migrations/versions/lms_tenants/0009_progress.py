"""Progress belongs to the learners of the organization."""

from migrations.isolation import isolate, lift

revision = "lms_tenants_0009"
down_revision = "lms_tenants_0008"


def upgrade() -> None:
    """Put the policies on the table and enforce them."""
    isolate("progress", _OWN)


def downgrade() -> None:
    """Take them away."""
    lift("progress")


_OWN = (
    "EXISTS (SELECT FROM learners AS l WHERE l.id = progress.learner_id"
    " AND l.organization_id = (SELECT espalier.current_organization()))"
)
