"""An organization sees itself and no other."""

from migrations.isolation import isolate, lift

revision = "lms_tenants_0001"
down_revision = "lms_tenants_0000"


def upgrade() -> None:
    """Put the policies on the table and enforce them."""
    isolate("organizations", _OWN)


def downgrade() -> None:
    """Take them away."""
    lift("organizations")


_OWN = "id = (SELECT espalier.current_organization())"
