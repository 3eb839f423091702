"""Whether the policy keeps a person out of the graph is decided by four columns of the user: a change marks the pairs.

The graph holds a user only as the owner of mastery. So a user who comes has nothing to mark, and one who goes, or gets
another id, has had every pair marked by the cascade to mastery_records. What is left is the opt-out, the ban and the
suspension; that a suspension ends by itself, by the clock, no trigger can see: that is the drain's.

The function reads the domain's table, so its path is the domain's schema, temporary tables last.
"""

from alembic import op

revision = "community_0024"
down_revision = "community_0023"


def upgrade() -> None:
    """Create the trigger."""
    for statement in (_PATH, _ROW, _RIGHT, _TRIGGER):
        op.execute(statement)


def downgrade() -> None:
    """Drop the trigger; what is marked stays marked."""
    op.execute("DROP TRIGGER graph_outbox_update ON users")
    op.execute("DROP FUNCTION graph_outbox_user()")


# Until the end of this transaction; the function keeps it.
_PATH = "SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)"

_ROW = """
    CREATE FUNCTION graph_outbox_user() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $mark$
    BEGIN
        INSERT INTO espalier.graph_outbox (kind, key1, key2)
        SELECT 'mastery', m."userId", m."conceptId" FROM mastery_records AS m WHERE m."userId" = NEW.id;
        IF FOUND THEN
            PERFORM espalier.wake_graph();
        END IF;
        RETURN NULL;
    END
    $mark$
"""

_RIGHT = "REVOKE ALL ON FUNCTION graph_outbox_user() FROM PUBLIC"

_TRIGGER = """
    CREATE TRIGGER graph_outbox_update AFTER UPDATE ON users
    FOR EACH ROW WHEN (
        (OLD."leaderboardOptOut", OLD."isShadowBanned", OLD."isSuspended", OLD."suspendedUntil")
        IS DISTINCT FROM (NEW."leaderboardOptOut", NEW."isShadowBanned", NEW."isSuspended", NEW."suspendedUntil")
    ) EXECUTE FUNCTION graph_outbox_user()
"""
