"""The writing side goes from `points_ledger` to `xp_ledger`; from then on the mirror works the other way round.

One transaction. Both tables are first held against DDL only, so that no trigger can be dropped or disabled; then every
row is compared while both applications go on writing, each write with its copy in one transaction. Writers wait only
for the last part: the trigger on `xp_ledger`, new bodies for the functions of the one on `points_ledger`, the record.

Nobody is refused. Points are the final XP; an event that the old application does not know becomes a label that it
knows, the row of `xp_ledger` keeps its own. What an old instance still writes to `points_ledger` is copied forward as
before, and put down in `espalier.ledger_late_writes`: the old table is not quiet yet. A deletion or new key of a user
reaches both tables by their own keys and is nobody's late write. Neither direction follows the event that fired it:
each copies the row as it stands, where the other ledger says something else, so that they cannot call each other for
ever, nor bring back an older value. Opening balances stand for what no ledger says and are never copied.
"""

from alembic import op

from migrations.gates import guard

revision = "community_contract_0000"
down_revision = None

NEEDS = "community_0017"

WAITS_FOR = (
    """
    SELECT 'the backfill of xp_ledger is not complete ('
           || coalesce((SELECT rows_done FROM espalier.checkpoints WHERE job = 'community/xp_ledger'), 0)
           || ' rows copied); run `espalier materialize community/xp_ledger`'
    WHERE NOT EXISTS (
        SELECT FROM espalier.checkpoints WHERE job = 'community/xp_ledger' AND completed_as_of IS NOT NULL
    )
    """,
    """
    SELECT 'points_ledger has ' || string_agg(what, ', ' ORDER BY what)
           || ', which could refuse a row of the new application; drop it, or give the column a default'
    FROM (
        SELECT 'a required column ' || quote_ident(a.attname) FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = to_regclass('points_ledger') AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull
          AND NOT a.atthasdef AND a.attidentity = ''
          AND a.attname <> ALL ('{id,userId,eventType,points,description,createdAt}'::text[])
        UNION ALL
        SELECT 'the unique index ' || x.indexrelid::regclass FROM pg_catalog.pg_index AS x
        WHERE x.indrelid = to_regclass('points_ledger') AND x.indisunique AND NOT x.indisprimary
        UNION ALL
        SELECT 'the constraint ' || quote_ident(k.conname) FROM pg_catalog.pg_constraint AS k
        WHERE k.conrelid = to_regclass('points_ledger') AND k.contype IN ('c', 'x', 'f')
          AND NOT (k.contype = 'f' AND k.confrelid = to_regclass('users'))
        UNION ALL
        SELECT 'an "eventType" of type ' || format_type(a.atttypid, a.atttypmod)
        FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
        WHERE a.attrelid = to_regclass('points_ledger') AND a.attname = 'eventType'
          AND t.typtype <> 'e' AND format_type(a.atttypid, a.atttypmod) NOT IN ('text', 'character varying')
    ) AS tighter(what)
    HAVING count(*) > 0
    """,
    """
    SELECT format('of points_ledger %s rows are missing in xp_ledger, %s differ, %s copies have no source; run '
                  '`espalier materialize community/xp_ledger` with full_refresh', missing, differing, unsourced)
    FROM (
        SELECT count(*) FILTER (WHERE x.id IS NULL) AS missing,
               count(*) FILTER (
                   WHERE p.id IS NOT NULL AND x.id IS NOT NULL
                     AND ((x."userId", x."finalXP", x.reason, x."createdAt")
                          IS DISTINCT FROM (p."userId", p.points, coalesce(p.description, ''), p."createdAt")
                          OR (x.metadata ->> 'source' = 'points_ledger' AND x."eventType" <> p."eventType"::text))
               ) AS differing,
               count(*) FILTER (WHERE p.id IS NULL AND x.metadata ->> 'source' = 'points_ledger') AS unsourced
        FROM points_ledger AS p FULL JOIN xp_ledger AS x ON x.id = p.id
    ) AS compared
    WHERE missing + differing + unsourced > 0
    """,
)


def upgrade() -> None:
    """Compare while others write; then lock both tables, turn the mirror round, and put the switch on record."""
    for statement in (_HOLD, _UNHURRIED, guard(WAITS_FOR), _COUNT, _HURRIED, _LOCK):
        op.execute(statement)
    for statement in (_PATH, *_EVENT, _LATE_ROW, _LATE_TRUNCATE, *_MIRROR, *_RIGHTS, *_TRIGGERS):
        op.execute(statement)
    for statement in (_MIRRORING, _COPY, _NOTE):
        op.execute(statement)


def downgrade() -> None:
    """Bring the two ledgers together while others write; then lock both, and turn the mirror round again."""
    for statement in (_HOLD, _PATH, _MIRRORING, _UNHURRIED, _FORWARD, _BACKWARD, _HURRIED):
        op.execute(statement)
    op.execute("LOCK TABLE points_ledger IN SHARE ROW EXCLUSIVE MODE")
    # What dropping a trigger needs, at once: with less in hand, who has read the table and then writes it deadlocks.
    op.execute("LOCK TABLE xp_ledger IN ACCESS EXCLUSIVE MODE")
    for statement in (*_UNMIRROR, _ROW, _TRUNCATE, _CLOSE, _FORGET):
        op.execute(statement)


# While nobody waits for us: all rows are read.
_UNHURRIED = "SET LOCAL statement_timeout = 0"
_HURRIED = "SET LOCAL statement_timeout = '60s'"
# Against DDL, not against rows.
_HOLD = "LOCK TABLE points_ledger, xp_ledger IN SHARE UPDATE EXCLUSIVE MODE"
_LOCK = "LOCK TABLE points_ledger, xp_ledger IN SHARE ROW EXCLUSIVE MODE"

# Until the end of this transaction; the functions keep it.
_PATH = "SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)"
_MIRRORING = "SELECT set_config('espalier.mirroring', 'on', true)"

_EVENT = (
    """
    CREATE FUNCTION points_event(event text, kind anyelement) RETURNS anyelement
    LANGUAGE plpgsql STABLE COST 1000 SET search_path FROM CURRENT
    AS $event$
    DECLARE
        labels oid := pg_typeof(kind);
    BEGIN
        IF EXISTS (SELECT FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = labels AND e.enumlabel = event)
           OR NOT EXISTS (SELECT FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = labels) THEN
            RETURN event;
        END IF;
        RETURN (
            SELECT e.enumlabel FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = labels
            ORDER BY e.enumlabel <> 'ACHIEVEMENT_UNLOCKED', e.enumsortorder LIMIT 1
        );
    END
    $event$
    """,
    "COMMENT ON FUNCTION points_event(text, anyelement) IS "
    "'The event under which the old application sees an entry of xp_ledger: the same, or ACHIEVEMENT_UNLOCKED'",
)

_LATE_ROW = """
    CREATE OR REPLACE FUNCTION xp_ledger_sync() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $mirror$
    DECLARE
        source points_ledger%ROWTYPE;
    BEGIN
        IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND NEW.id <> OLD.id) THEN
            DELETE FROM xp_ledger AS x
            WHERE x.id = OLD.id AND x.metadata ->> 'source' IS DISTINCT FROM 'user_stats'
              AND NOT EXISTS (SELECT FROM points_ledger AS p WHERE p.id = x.id);
        END IF;
        IF TG_OP <> 'DELETE' THEN
            SELECT * INTO source FROM points_ledger AS p WHERE p.id = NEW.id;
            IF FOUND THEN
                INSERT INTO xp_ledger AS x
                    (id, "userId", "eventType", "baseXP", "finalXP", reason, metadata, "createdAt")
                VALUES (source.id, source."userId", source."eventType"::text, source.points, source.points,
                        coalesce(source.description, ''), '{"source": "points_ledger"}', source."createdAt")
                ON CONFLICT (id) DO UPDATE
                SET "userId" = excluded."userId", reason = excluded.reason, "createdAt" = excluded."createdAt",
                    "eventType" = CASE
                        WHEN points_event(x."eventType", source."eventType") = source."eventType" THEN x."eventType"
                        ELSE excluded."eventType" END,
                    "baseXP" = CASE WHEN x."baseXP" = x."finalXP" THEN excluded."baseXP" ELSE x."baseXP" END,
                    "finalXP" = excluded."finalXP"
                WHERE x.metadata ->> 'source' IS DISTINCT FROM 'user_stats'
                  AND (x."userId", points_event(x."eventType", source."eventType"), x."finalXP", x.reason,
                       x."createdAt")
                      IS DISTINCT FROM (excluded."userId", source."eventType", excluded."finalXP", excluded.reason,
                                        excluded."createdAt");
            END IF;
        END IF;
        IF current_setting('espalier.mirroring', true) IS DISTINCT FROM 'on' AND (
            TG_OP = 'INSERT' OR EXISTS (SELECT FROM users AS u WHERE u.id = OLD."userId")
        ) THEN
            INSERT INTO espalier.ledger_late_writes (operation, role, application)
            VALUES (TG_OP, session_user, current_setting('application_name'));
        END IF;
        RETURN NULL;
    END
    $mirror$
"""

_LATE_TRUNCATE = """
    CREATE OR REPLACE FUNCTION xp_ledger_sync_truncate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $mirror$
    BEGIN
        DELETE FROM xp_ledger AS x
        WHERE x.metadata ->> 'source' IS DISTINCT FROM 'user_stats'
          AND NOT EXISTS (SELECT FROM points_ledger AS p WHERE p.id = x.id);
        IF EXISTS (SELECT FROM users) THEN
            INSERT INTO espalier.ledger_late_writes (operation, role, application)
            VALUES (TG_OP, session_user, current_setting('application_name'));
        END IF;
        RETURN NULL;
    END
    $mirror$
"""

_MIRROR = (
    """
    CREATE FUNCTION points_ledger_sync() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $mirror$
    DECLARE
        before text := coalesce(current_setting('espalier.mirroring', true), '');
        source xp_ledger%ROWTYPE;
    BEGIN
        PERFORM set_config('espalier.mirroring', 'on', true);
        IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND NEW.id <> OLD.id) THEN
            DELETE FROM points_ledger AS p
            WHERE p.id = OLD.id AND NOT EXISTS (SELECT FROM xp_ledger AS x WHERE x.id = p.id);
        END IF;
        IF TG_OP <> 'DELETE' THEN
            SELECT * INTO source FROM xp_ledger AS x
            WHERE x.id = NEW.id AND x.metadata ->> 'source' IS DISTINCT FROM 'user_stats';
            IF FOUND THEN
                INSERT INTO points_ledger AS p (id, "userId", "eventType", points, description, "createdAt")
                VALUES (source.id, source."userId",
                        points_event(source."eventType", (NULL::points_ledger)."eventType"), source."finalXP",
                        nullif(source.reason, ''), source."createdAt")
                ON CONFLICT (id) DO UPDATE
                SET "userId" = excluded."userId", "eventType" = excluded."eventType", points = excluded.points,
                    description = CASE WHEN coalesce(p.description, '') = source.reason THEN p.description
                                       ELSE excluded.description END,
                    "createdAt" = excluded."createdAt"
                WHERE (p."userId", p."eventType", p.points, coalesce(p.description, ''), p."createdAt")
                      IS DISTINCT FROM (excluded."userId", excluded."eventType", excluded.points, source.reason,
                                        excluded."createdAt");
            END IF;
        END IF;
        PERFORM set_config('espalier.mirroring', before, true);
        RETURN NULL;
    END
    $mirror$
    """,
    """
    CREATE FUNCTION points_ledger_sync_truncate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $mirror$
    DECLARE
        before text := coalesce(current_setting('espalier.mirroring', true), '');
    BEGIN
        PERFORM set_config('espalier.mirroring', 'on', true);
        DELETE FROM points_ledger AS p WHERE NOT EXISTS (SELECT FROM xp_ledger AS x WHERE x.id = p.id);
        PERFORM set_config('espalier.mirroring', before, true);
        RETURN NULL;
    END
    $mirror$
    """,
)

_RIGHTS = (
    "REVOKE ALL ON FUNCTION points_event(text, anyelement) FROM PUBLIC",
    "REVOKE ALL ON FUNCTION points_ledger_sync() FROM PUBLIC",
    "REVOKE ALL ON FUNCTION points_ledger_sync_truncate() FROM PUBLIC",
)

_TRIGGERS = (
    """
    CREATE TRIGGER points_ledger_sync AFTER INSERT OR UPDATE OR DELETE ON xp_ledger
    FOR EACH ROW EXECUTE FUNCTION points_ledger_sync()
    """,
    """
    CREATE TRIGGER points_ledger_sync_truncate AFTER TRUNCATE ON xp_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_sync_truncate()
    """,
)

_UNMIRROR = (
    "DROP TRIGGER points_ledger_sync ON xp_ledger",
    "DROP TRIGGER points_ledger_sync_truncate ON xp_ledger",
    "DROP FUNCTION points_ledger_sync()",
    "DROP FUNCTION points_ledger_sync_truncate()",
    "DROP FUNCTION points_event(text, anyelement)",
)

_COUNT = """
    INSERT INTO espalier.ledger_switches (switched_by, points_rows, points_sum, rows_copied)
    SELECT coalesce(nullif(current_setting('espalier.who', true), ''), session_user), count(*),
           coalesce(sum(points), 0), 0
    FROM points_ledger
"""
# What a new application wrote to xp_ledger before the switch; mostly nothing.
_COPY = """
    WITH copied AS (
        INSERT INTO points_ledger (id, "userId", "eventType", points, description, "createdAt")
        SELECT x.id, x."userId", points_event(x."eventType", (NULL::points_ledger)."eventType"), x."finalXP",
               nullif(x.reason, ''), x."createdAt"
        FROM xp_ledger AS x
        WHERE x.metadata ->> 'source' IS DISTINCT FROM 'points_ledger'
          AND x.metadata ->> 'source' IS DISTINCT FROM 'user_stats'
          AND NOT EXISTS (SELECT FROM points_ledger AS p WHERE p.id = x.id)
        RETURNING id
    )
    UPDATE espalier.ledger_switches
    SET switched_at = clock_timestamp(), rows_copied = (SELECT count(*) FROM copied)
    WHERE taken_back_at IS NULL
"""
_NOTE = """
    UPDATE espalier.checkpoints SET state = state || '{"ledger": "switched"}' WHERE job = 'community/xp_ledger'
"""

# Only where somebody wrote with the triggers off: what one of the ledgers does not have, and what differs.
_FORWARD = """
    INSERT INTO xp_ledger (id, "userId", "eventType", "baseXP", "finalXP", reason, metadata, "createdAt")
    SELECT p.id, p."userId", p."eventType"::text, p.points, p.points, coalesce(p.description, ''),
           '{"source": "points_ledger"}', p."createdAt"
    FROM points_ledger AS p WHERE NOT EXISTS (SELECT FROM xp_ledger AS x WHERE x.id = p.id)
"""
_BACKWARD = """
    INSERT INTO points_ledger AS p (id, "userId", "eventType", points, description, "createdAt")
    SELECT x.id, x."userId", points_event(x."eventType", (NULL::points_ledger)."eventType"), x."finalXP",
           nullif(x.reason, ''), x."createdAt"
    FROM xp_ledger AS x LEFT JOIN points_ledger AS p ON p.id = x.id
    WHERE x.metadata ->> 'source' IS DISTINCT FROM 'user_stats' AND (
        p.id IS NULL
        OR (p."userId", p.points, coalesce(p.description, ''), p."createdAt")
           IS DISTINCT FROM (x."userId", x."finalXP", x.reason, x."createdAt")
        OR (p."eventType"::text <> x."eventType" AND p."eventType" <> points_event(x."eventType", p."eventType"))
    )
    ON CONFLICT (id) DO UPDATE
    SET "userId" = excluded."userId", "eventType" = excluded."eventType", points = excluded.points,
        description = excluded.description, "createdAt" = excluded."createdAt"
"""
_CLOSE = """
    UPDATE espalier.ledger_switches
    SET taken_back_at = clock_timestamp(),
        taken_back_by = coalesce(nullif(current_setting('espalier.who', true), ''), session_user)
    WHERE taken_back_at IS NULL
"""
_FORGET = "UPDATE espalier.checkpoints SET state = state - 'ledger' WHERE job = 'community/xp_ledger'"

# As community_0017 has them.
_ROW = """
    CREATE OR REPLACE FUNCTION xp_ledger_sync() RETURNS trigger
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
    CREATE OR REPLACE FUNCTION xp_ledger_sync_truncate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $mirror$
    BEGIN
        DELETE FROM xp_ledger WHERE metadata ->> 'source' = 'points_ledger';
        RETURN NULL;
    END
    $mirror$
"""
