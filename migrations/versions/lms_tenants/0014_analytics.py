"""Events are those of the organization, and so are the learners that they name when they are written.

An event outlives its learner. Who changes one whose learner is gone must leave the learner out, or be a job.
"""

from migrations.isolation import ORGANIZATION, isolate, lift

revision = "lms_tenants_0014"
down_revision = "lms_tenants_0013"


def upgrade() -> None:
    """Put the policies on the table and enforce them."""
    isolate("analytics", ORGANIZATION, refers=_REFERS)


def downgrade() -> None:
    """Take them away."""
    lift("analytics")


_REFERS = (
    "(analytics.learner_id IS NULL OR EXISTS (SELECT FROM learners AS l WHERE l.id = analytics.learner_id"
    " AND l.organization_id = (SELECT espalier.current_organization())))"
)
