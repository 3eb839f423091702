"""Models are those of the organization and its learners; those of the system are read by all."""

from migrations.isolation import isolate_settings, lift_settings

revision = "lms_tenants_0017"
down_revision = "lms_tenants_0016"


def upgrade() -> None:
    """Put the policies on the table and enforce them."""
    isolate_settings("ai_model_configs")


def downgrade() -> None:
    """Take them away."""
    lift_settings("ai_model_configs")
