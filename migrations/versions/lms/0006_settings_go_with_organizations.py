"""Settings of an organization go with it: `scope_id` names an organization or a learner, so no foreign key can do it.

A trigger, not a generated column with a key for each kind of owner: such columns rewrite the tables under lock, an ORM
that does not know them proposes to drop them and the keys with them, and a scope that the application invents later
would need a column first. It runs once a statement, over all rows that it deleted; with the rights of the owner, as a
foreign key does, and a fixed path that holds the domain's schema only, temporary tables last.
"""

from alembic import op

revision = "lms_0006"
down_revision = "lms_0005"


def upgrade() -> None:
    """Create the function, and the trigger on organizations."""
    for statement in (_PATH, _FUNCTION, "REVOKE ALL ON FUNCTION scope_owner_gone() FROM PUBLIC", _TRIGGER):
        op.execute(statement)


def downgrade() -> None:
    """Drop both."""
    op.execute("DROP TRIGGER settings_go_too ON organizations")
    op.execute("DROP FUNCTION scope_owner_gone()")


# Until the end of this transaction; the function keeps it.
_PATH = "SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)"

_FUNCTION = """
    CREATE FUNCTION scope_owner_gone() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $gone$
    BEGIN
        DELETE FROM system_settings WHERE scope = TG_ARGV[0] AND scope_id IN (SELECT id FROM gone);
        DELETE FROM voice_configs WHERE scope = TG_ARGV[0] AND scope_id IN (SELECT id FROM gone);
        DELETE FROM ai_model_configs WHERE scope = TG_ARGV[0] AND scope_id IN (SELECT id FROM gone);
        RETURN NULL;
    END
    $gone$
"""

_TRIGGER = """
    CREATE TRIGGER settings_go_too AFTER DELETE ON organizations REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION scope_owner_gone('organization')
"""
