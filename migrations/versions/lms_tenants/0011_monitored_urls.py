"""Monitored addresses are those of the organization."""

from migrations.isolation import ORGANIZATION, isolate, lift

revision = "lms_tenants_0011"
down_revision = "lms_tenants_0010"


def upgrade() -> None:
    """Put the policies on the table and enforce them."""
    isolate("monitored_urls", ORGANIZATION)


def downgrade() -> None:
    """Take them away."""
    lift("monitored_urls")
