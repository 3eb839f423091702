"""Voices are those of the organization and its learners; the voice of the system is read by all."""

from migrations.isolation import isolate_settings, lift_settings

revision = "lms_tenants_0016"
down_revision = "lms_tenants_0015"


def upgrade() -> None:
    """Put the policies on the table and enforce them."""
    isolate_settings("voice_configs")


def downgrade() -> None:
    """Take them away."""
    lift_settings("voice_configs")
