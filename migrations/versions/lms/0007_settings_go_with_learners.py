"""Settings of a learner go with the learner, also when a deleted organization or user takes the learner along."""

from alembic import op

revision = "lms_0007"
down_revision = "lms_0006"


def upgrade() -> None:
    """Create the trigger on learners."""
    op.execute(
        """
        CREATE TRIGGER settings_go_too AFTER DELETE ON learners REFERENCING OLD TABLE AS gone
        FOR EACH STATEMENT EXECUTE FUNCTION scope_owner_gone('learner')
        """
    )


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP TRIGGER settings_go_too ON learners")
