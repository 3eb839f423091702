"""Users are those of the organization."""

from migrations.isolation import ORGANIZATION, isolate, lift

revision = "lms_tenants_0002"
down_revision = "lms_tenants_0001"


def upgrade() -> None:
    """Put the policies on the table and enforce them."""
    isolate("users", ORGANIZATION)


def downgrade() -> None:
    """Take them away."""
    lift("users")
