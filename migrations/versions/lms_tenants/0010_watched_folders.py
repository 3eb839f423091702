"""Watched folders are those of the organization."""

from migrations.isolation import ORGANIZATION, isolate, lift

revision = "lms_tenants_0010"
down_revision = "lms_tenants_0009"


def upgrade() -> None:
    """Put the policies on the table and enforce them."""
    isolate("watched_folders", ORGANIZATION)


def downgrade() -> None:
    """Take them away."""
    lift("watched_folders")
