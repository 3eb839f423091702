"""Messages belong to the sessions of the organization."""

from migrations.isolation import isolate, lift

revision = "lms_tenants_0008"
down_revision = "lms_tenants_0007"


def upgrade() -> None:
    """Put the policies on the table and enforce them."""
    isolate("messages", _OWN)


def downgrade() -> None:
    """Take them away."""
    lift("messages")


_OWN = (
    "EXISTS (SELECT FROM sessions AS s WHERE s.id = messages.session_id"
    " AND s.organization_id = (SELECT espalier.current_organization()))"
)
