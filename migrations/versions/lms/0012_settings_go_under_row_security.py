"""Settings go with their owners also where row security is forced.

Both functions run with the rights of the tables' owner, who under forced row security sees the rows of the organization
that the transaction has entered, and of none when a superuser or a job deletes one: its settings would stay, silently.
Therefore they enter every organization, for as long as they run. Without row security nothing changes.
"""

from alembic import op

revision = "lms_0012"
down_revision = "lms_0011"


def upgrade() -> None:
    """Write both functions anew."""
    op.execute(_PATH)
    op.execute(_GONE.format(under="SET row_security = on", before=_BEFORE, enter=_ENTER, leave=_LEAVE))
    op.execute(_EXISTS.format(under="SET row_security = on", before=_BEFORE, enter=_ENTER, leave=_LEAVE))


def downgrade() -> None:
    """Write them as they were."""
    op.execute(_PATH)
    op.execute(_GONE.format(under="", before="", enter="", leave=""))
    op.execute(_EXISTS.format(under="", before="", enter="", leave=""))


# Until the end of this transaction; the functions keep it.
_PATH = "SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)"

# A function may not declare a setting of ours that it sets back when it ends, so it does it itself. Where it fails, the
# transaction sets it back.
_BEFORE = """    DECLARE
        before text := coalesce(current_setting('espalier.every_organization', true), '');
"""
_ENTER = "        PERFORM espalier.enter_every_organization();\n"
_LEAVE = "        PERFORM set_config('espalier.every_organization', before, true);\n"

_GONE = """
    CREATE OR REPLACE FUNCTION scope_owner_gone() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT {under}
    AS $gone$
{before}    BEGIN
{enter}        DELETE FROM system_settings WHERE scope = TG_ARGV[0] AND scope_id IN (SELECT id FROM gone);
        DELETE FROM voice_configs WHERE scope = TG_ARGV[0] AND scope_id IN (SELECT id FROM gone);
        DELETE FROM ai_model_configs WHERE scope = TG_ARGV[0] AND scope_id IN (SELECT id FROM gone);
{leave}        RETURN NULL;
    END
    $gone$
"""

_EXISTS = """
    CREATE OR REPLACE FUNCTION scope_owner_exists() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT {under}
    AS $owner$
{before}    BEGIN
{enter}        IF NEW.scope = 'organization' THEN
            PERFORM FROM organizations WHERE id = NEW.scope_id FOR KEY SHARE;
        ELSE
            PERFORM FROM learners WHERE id = NEW.scope_id FOR KEY SHARE;
        END IF;
        IF NOT FOUND THEN
            RAISE foreign_key_violation
                USING MESSAGE = format('%s: there is no %s %s', TG_TABLE_NAME, NEW.scope, NEW.scope_id);
        END IF;
{leave}        RETURN NULL;
    END
    $owner$
"""
