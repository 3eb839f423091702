"""Settings are those of the organization and its learners; what is set for the system is read by all."""

from migrations.isolation import isolate_settings, lift_settings

revision = "lms_tenants_0015"
down_revision = "lms_tenants_0014"


def upgrade() -> None:
    """Put the policies on the table and enforce them."""
    isolate_settings("system_settings")


def downgrade() -> None:
    """Take them away."""
    lift_settings("system_settings")
