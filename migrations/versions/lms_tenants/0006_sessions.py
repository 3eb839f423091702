"""Sessions are those of the organization, and so are their learners and the nodes that they are at."""

from migrations.isolation import ORGANIZATION, isolate, lift

revision = "lms_tenants_0006"
down_revision = "lms_tenants_0005"


def upgrade() -> None:
    """Put the policies on the table and enforce them."""
    isolate("sessions", ORGANIZATION, refers=_REFERS)


def downgrade() -> None:
    """Take them away."""
    lift("sessions")


_REFERS = (
    "EXISTS (SELECT FROM learners AS l WHERE l.id = sessions.learner_id"
    " AND l.organization_id = (SELECT espalier.current_organization()))"
    " AND (sessions.current_node_id IS NULL OR EXISTS ("
    "SELECT FROM narrative_nodes AS n WHERE n.id = sessions.current_node_id"
    " AND n.organization_id = (SELECT espalier.current_organization())))"
)
