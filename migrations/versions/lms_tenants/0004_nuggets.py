"""Nuggets are those of the organization: a search by vector or by words finds no other."""

from migrations.isolation import ORGANIZATION, isolate, lift

revision = "lms_tenants_0004"
down_revision = "lms_tenants_0003"


def upgrade() -> None:
    """Put the policies on the table and enforce them."""
    isolate("nuggets", ORGANIZATION)


def downgrade() -> None:
    """Take them away."""
    lift("nuggets")
