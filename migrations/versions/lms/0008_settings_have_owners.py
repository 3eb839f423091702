"""A setting of an organization or learner is written only while that one exists, as with a foreign key.

The owner's row is locked against deletion until the writer's transaction ends: else a setting that is written while its
organization is being deleted would be seen by neither side, and stay. Unlike a foreign key, a deletion at REPEATABLE
READ does not see a setting that was written after its snapshot: delete organizations at READ COMMITTED, the default.
"""

from alembic import op

revision = "lms_0008"
down_revision = "lms_0007"


def upgrade() -> None:
    """Create the function, and the trigger on system_settings."""
    for statement in (_PATH, _FUNCTION, "REVOKE ALL ON FUNCTION scope_owner_exists() FROM PUBLIC", _TRIGGER):
        op.execute(statement)


def downgrade() -> None:
    """Drop both."""
    op.execute("DROP TRIGGER owner_exists ON system_settings")
    op.execute("DROP FUNCTION scope_owner_exists()")


# Until the end of this transaction; the function keeps it.
_PATH = "SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)"

_FUNCTION = """
    CREATE FUNCTION scope_owner_exists() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $owner$
    BEGIN
        IF NEW.scope = 'organization' THEN
            PERFORM FROM organizations WHERE id = NEW.scope_id FOR KEY SHARE;
        ELSE
            PERFORM FROM learners WHERE id = NEW.scope_id FOR KEY SHARE;
        END IF;
        IF NOT FOUND THEN
            RAISE foreign_key_violation
                USING MESSAGE = format('%s: there is no %s %s', TG_TABLE_NAME, NEW.scope, NEW.scope_id);
        END IF;
        RETURN NULL;
    END
    $owner$
"""

_TRIGGER = """
    CREATE TRIGGER owner_exists AFTER INSERT OR UPDATE OF scope, scope_id ON system_settings FOR EACH ROW
    WHEN (NEW.scope IN ('organization', 'learner') AND NEW.scope_id IS NOT NULL)
    EXECUTE FUNCTION scope_owner_exists()
"""
