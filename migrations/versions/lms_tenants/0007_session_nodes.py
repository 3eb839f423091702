"""Visits belong to the sessions of the organization, and lead to its nodes."""

from migrations.isolation import isolate, lift

revision = "lms_tenants_0007"
down_revision = "lms_tenants_0006"


def upgrade() -> None:
    """Put the policies on the table and enforce them."""
    isolate("session_nodes", _OWN, refers=_REFERS)


def downgrade() -> None:
    """Take them away."""
    lift("session_nodes")


_OWN = (
    "EXISTS (SELECT FROM sessions AS s WHERE s.id = session_nodes.session_id"
    " AND s.organization_id = (SELECT espalier.current_organization()))"
)

_REFERS = (
    "EXISTS (SELECT FROM narrative_nodes AS n WHERE n.id = session_nodes.node_id"
    " AND n.organization_id = (SELECT espalier.current_organization()))"
)
