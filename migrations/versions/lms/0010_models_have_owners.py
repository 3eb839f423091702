"""A set of models of an organization or learner is written only while that one exists; 0008 says why."""

from alembic import op

revision = "lms_0010"
down_revision = "lms_0009"


def upgrade() -> None:
    """Create the trigger."""
    op.execute(
        """
        CREATE TRIGGER owner_exists AFTER INSERT OR UPDATE OF scope, scope_id ON ai_model_configs FOR EACH ROW
        WHEN (NEW.scope IN ('organization', 'learner') AND NEW.scope_id IS NOT NULL)
        EXECUTE FUNCTION scope_owner_exists()
        """
    )


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP TRIGGER owner_exists ON ai_model_configs")
