"""Nodes of the narrative are those of the organization, and so are their nuggets."""

from migrations.isolation import ORGANIZATION, isolate, lift

revision = "lms_tenants_0005"
down_revision = "lms_tenants_0004"


def upgrade() -> None:
    """Put the policies on the table and enforce them."""
    isolate("narrative_nodes", ORGANIZATION, refers=_REFERS)


def downgrade() -> None:
    """Take them away."""
    lift("narrative_nodes")


_REFERS = (
    "EXISTS (SELECT FROM nuggets AS n WHERE n.id = narrative_nodes.nugget_id"
    " AND n.organization_id = (SELECT espalier.current_organization()))"
)
