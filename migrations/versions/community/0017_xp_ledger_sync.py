"""Every write to `points_ledger` is mirrored into `xp_ledger`, before any row is backfilled.

A trigger, not a view: with a view the enum's cast makes the column read-only and INSTEAD OF breaks ON CONFLICT, and the
application's ORM would drop or recreate its table. The mirror runs with the owner's rights (the application has none on
`xp_ledger`) and a fixed path that holds the domain's schema only, temporary tables last. It touches only rows that came
from `points_ledger`, and never raises.

The backfill begins again when this step is done: what was written while there was no trigger is not mirrored.
"""

from alembic import op

revision = "community_0017"
down_revision = "community_0016"


def upgrade() -> None:
    """Create the mirror and let the backfill begin."""
    for statement in (_PATH, _ROW, _TRUNCATE, *_RIGHTS, *_TRIGGERS):
        op.execute(statement)
    op.execute(
        """
        UPDATE espalier.checkpoints SET last_key = NULL, rows_done = 0, batches_done = 0, completed_as_of = NULL
        WHERE job = 'community/xp_ledger'
        """
    )


def downgrade() -> None:
    """Drop the mirror; the rows stay."""
    op.execute("DROP TRIGGER xp_ledger_sync ON points_ledger")
    op.execute("DROP TRIGGER xp_ledger_sync_truncate ON points_ledger")
    op.execute("DROP FUNCTION xp_ledger_sync()")
    op.execute("DROP FUNCTION xp_ledger_sync_truncate()")


# Until the end of this transaction; the functions keep it.
_PATH = "SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)"

_ROW = """
    CREATE FUNCTION xp_ledger_sync() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $mirror$
    BEGIN
        IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND NEW.id <> OLD.id) THEN
            DELETE FROM xp_ledger WHERE id = OLD.id AND metadata ->> 'source' = 'points_ledger';
        END IF;
        IF TG_OP <> 'DELETE' THEN
            INSERT INTO xp_ledger AS x (id, "userId", "eventType", "baseXP", "finalXP", reason, metadata, "createdAt")
            VALUES (NEW.id, NEW."userId", NEW."eventType"::text, NEW.points, NEW.points, coalesce(NEW.description, ''),
                    '{"source": "points_ledger"}', NEW."createdAt")
            ON CONFLICT (id) DO UPDATE
            SET "userId" = excluded."userId", "eventType" = excluded."eventType", "baseXP" = excluded."baseXP",
                "finalXP" = excluded."finalXP", reason = excluded.reason, "createdAt" = excluded."createdAt"
            WHERE x.metadata ->> 'source' = 'points_ledger';
        END IF;
        RETURN NULL;
    END
    $mirror$
"""

_TRUNCATE = """
    CREATE FUNCTION xp_ledger_sync_truncate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $mirror$
    BEGIN
        DELETE FROM xp_ledger WHERE metadata ->> 'source' = 'points_ledger';
        RETURN NULL;
    END
    $mirror$
"""

_RIGHTS = (
    "REVOKE ALL ON FUNCTION xp_ledger_sync() FROM PUBLIC",
    "REVOKE ALL ON FUNCTION xp_ledger_sync_truncate() FROM PUBLIC",
)

_TRIGGERS = (
    """
    CREATE TRIGGER xp_ledger_sync AFTER INSERT OR UPDATE OR DELETE ON points_ledger
    FOR EACH ROW EXECUTE FUNCTION xp_ledger_sync()
    """,
    """
    CREATE TRIGGER xp_ledger_sync_truncate AFTER TRUNCATE ON points_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION xp_ledger_sync_truncate()
    """,
)
