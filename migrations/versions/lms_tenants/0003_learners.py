"""Learners are those of the organization, and so are the users that they are."""

from migrations.isolation import ORGANIZATION, isolate, lift

revision = "lms_tenants_0003"
down_revision = "lms_tenants_0002"


def upgrade() -> None:
    """Put the policies on the table and enforce them."""
    isolate("learners", ORGANIZATION, refers=_REFERS)


def downgrade() -> None:
    """Take them away."""
    lift("learners")


_REFERS = (
    "EXISTS (SELECT FROM users AS u WHERE u.id = learners.user_id"
    " AND u.organization_id = (SELECT espalier.current_organization()))"
)
