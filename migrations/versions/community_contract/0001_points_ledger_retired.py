"""The old ledger is retired: `points_ledger` becomes `points_ledger_retired`, and nothing is mirrored any more.

Refused until the switch is on record, nobody but the mirror has written the old table for the days that the switch
asks for, and every row is the same in both ledgers. All rows are compared while others write; under the lock, which
waits for every transaction that has touched the table, only the late writes are read again.

Nothing is dropped. Indexes, keys and triggers keep their names, so that a tool which would make a new, empty
`points_ledger` meets them and fails. The mirror's functions stay as they are, its triggers never fire: by a condition,
as a disabled one would be enabled by whoever loads a dump. The retired table takes no new rows and no changes; a
deletion or new key of a user still reaches it, as personal data must not outlive its owner. On the way down the table
is brought to what `xp_ledger` says, first while others write, then under the lock of both what they wrote meanwhile;
only then it has its name back: what was written since is in it before the old application can read it. What they wrote
meanwhile is told by the transaction that wrote a row, so that under the lock no row is joined that is not new;
deletions are looked for only when the two tables do not have as many rows.
"""

from alembic import op

from migrations.gates import guard

revision = "community_contract_0001"
down_revision = "community_contract_0000"

RENAMED = {"points_ledger": "points_ledger_retired"}

_QUIET = """
    SELECT CASE
        WHEN s.id IS NULL THEN 'the writing side is not switched; run `espalier ledger switch`'
        WHEN late.newest > clock_timestamp() - make_interval(days => s.quiet_days) THEN format(
            'points_ledger is not quiet: %s late writes since the switch, the last one %s by %s (%s); wait until %s '
            'without one, or change what writes it',
            late.writes, date_trunc('second', late.newest), late.role, late.application,
            date_trunc('second', late.newest + make_interval(days => s.quiet_days)))
        WHEN s.switched_at > clock_timestamp() - make_interval(days => s.quiet_days) THEN format(
            'points_ledger is not proved quiet yet: no late write since the switch of %s, %s days are asked for; wait '
            'until %s', date_trunc('second', s.switched_at), s.quiet_days,
            date_trunc('second', s.switched_at + make_interval(days => s.quiet_days)))
    END AS reason
    FROM (SELECT) AS one
    LEFT JOIN espalier.ledger_switches AS s ON s.taken_back_at IS NULL
    LEFT JOIN LATERAL (
        SELECT count(*) OVER () AS writes, w.at AS newest, w.role, w.application
        FROM espalier.ledger_late_writes AS w WHERE w.at >= s.switched_at ORDER BY w.at DESC LIMIT 1
    ) AS late ON true
"""
WAITS_FOR = (
    _QUIET,
    """
    SELECT 'the mirror is not whole: ' || 4 - count(*) || ' of its 4 triggers are missing or disabled; enable them, '
           'then `espalier ledger switch --back` brings the ledgers together'
    FROM pg_catalog.pg_trigger AS t
    WHERE t.tgenabled IN ('O', 'A') AND (
        (t.tgrelid = to_regclass('points_ledger') AND t.tgname IN ('xp_ledger_sync', 'xp_ledger_sync_truncate'))
        OR (t.tgrelid = to_regclass('xp_ledger') AND t.tgname IN ('points_ledger_sync', 'points_ledger_sync_truncate'))
    )
    HAVING count(*) < 4
    """,
    """
    SELECT 'the function ' || string_agg(p.oid::regprocedure::text, ', ') || ' names points_ledger and would fail; '
           'change or drop it'
    FROM pg_catalog.pg_proc AS p
    WHERE p.pronamespace = to_regnamespace(quote_ident(current_schema())) AND p.prosrc ~ '\\mpoints_ledger\\M'
      AND p.proname <> ALL ('{xp_ledger_sync,xp_ledger_sync_truncate,points_ledger_sync,points_ledger_sync_truncate,
                              points_event}'::text[])
    HAVING count(*) > 0
    """,
    """
    SELECT format('%s rows of points_ledger are not in xp_ledger, %s of xp_ledger not in points_ledger, %s differ, so '
                  'something wrote past the triggers; `espalier ledger switch --back` brings them together',
                  unknown, uncopied, differing)
    FROM (
        SELECT count(*) FILTER (WHERE x.id IS NULL) AS unknown,
               count(*) FILTER (
                   WHERE p.id IS NULL AND x.metadata ->> 'source' IS DISTINCT FROM 'user_stats'
               ) AS uncopied,
               count(*) FILTER (
                   WHERE p.id IS NOT NULL AND x.id IS NOT NULL
                     AND ((p."userId", p.points, coalesce(p.description, ''), p."createdAt")
                          IS DISTINCT FROM (x."userId", x."finalXP", x.reason, x."createdAt")
                          OR (p."eventType"::text <> x."eventType"
                              AND p."eventType" <> points_event(x."eventType", p."eventType")))
               ) AS differing
        FROM points_ledger AS p FULL JOIN xp_ledger AS x ON x.id = p.id
    ) AS compared
    WHERE unknown + uncopied + differing > 0
    """,
)


def upgrade() -> None:
    """Compare while others write; then lock both tables, look for late writes again, and rename."""
    op.execute("LOCK TABLE points_ledger, xp_ledger IN SHARE UPDATE EXCLUSIVE MODE")
    for statement in (_UNHURRIED, guard(WAITS_FOR), _HURRIED, _LOCK_XP):
        op.execute(statement)
    op.execute("LOCK TABLE points_ledger IN ACCESS EXCLUSIVE MODE")
    op.execute(guard([_QUIET]))
    op.execute("ALTER TABLE points_ledger RENAME TO points_ledger_retired")
    for statement in (_PATH, *_AT_REST, _RETIRE, _NOTE):
        op.execute(statement)


def downgrade() -> None:
    """Copy what was written since; lock both tables and copy the rest; give the name back and turn the mirror on."""
    op.execute("LOCK TABLE points_ledger_retired, xp_ledger IN SHARE UPDATE EXCLUSIVE MODE")
    for statement in (_PATH, _MIRRORING, _UNHURRIED, _EVERYTHING, _COPY, _DELETE, _HURRIED, _LOCK_XP):
        op.execute(statement)
    op.execute("LOCK TABLE points_ledger_retired IN ACCESS EXCLUSIVE MODE")
    for statement in (_WRITTEN_MEANWHILE, _COPY, _DELETE):
        op.execute(statement)
    op.execute("ALTER TABLE points_ledger_retired RENAME TO points_ledger")
    for statement in (*_MIRROR, _REOPEN, _FORGET):
        op.execute(statement)


# While nobody waits for us: all rows are read.
_UNHURRIED = "SET LOCAL statement_timeout = 0"
_HURRIED = "SET LOCAL statement_timeout = '60s'"
_LOCK_XP = "LOCK TABLE xp_ledger IN SHARE ROW EXCLUSIVE MODE"

# Until the end of this transaction; the functions keep it.
_PATH = "SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)"
_MIRRORING = "SELECT set_config('espalier.mirroring', 'on', true)"

_AT_REST = (
    """
    CREATE FUNCTION points_ledger_at_rest() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $rest$
    BEGIN
        IF current_setting('espalier.mirroring', true) IS DISTINCT FROM 'on' AND (
            TG_OP = 'INSERT' OR EXISTS (SELECT FROM users AS u WHERE u.id = OLD."userId")
        ) THEN
            RAISE EXCEPTION 'points_ledger_retired takes no writes'
                USING HINT = 'Write xp_ledger, or take the contract back: espalier ledger retire --back';
        END IF;
        RETURN NULL;
    END
    $rest$
    """,
    "REVOKE ALL ON FUNCTION points_ledger_at_rest() FROM PUBLIC",
    """
    CREATE OR REPLACE TRIGGER xp_ledger_sync AFTER INSERT OR UPDATE OR DELETE ON points_ledger_retired
    FOR EACH ROW EXECUTE FUNCTION points_ledger_at_rest()
    """,
    """
    CREATE OR REPLACE TRIGGER xp_ledger_sync_truncate AFTER TRUNCATE ON points_ledger_retired
    FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION xp_ledger_sync_truncate()
    """,
    """
    CREATE OR REPLACE TRIGGER points_ledger_sync AFTER INSERT OR UPDATE OR DELETE ON xp_ledger
    FOR EACH ROW WHEN (false) EXECUTE FUNCTION points_ledger_sync()
    """,
    """
    CREATE OR REPLACE TRIGGER points_ledger_sync_truncate AFTER TRUNCATE ON xp_ledger
    FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION points_ledger_sync_truncate()
    """,
)

_RETIRE = """
    UPDATE espalier.ledger_switches
    SET retired_at = clock_timestamp(),
        retired_by = coalesce(nullif(current_setting('espalier.who', true), ''), session_user)
    WHERE taken_back_at IS NULL
"""
_NOTE = """
    UPDATE espalier.checkpoints SET state = state || '{"ledger": "retired"}' WHERE job = 'community/xp_ledger'
"""
_REOPEN = "UPDATE espalier.ledger_switches SET retired_at = NULL, retired_by = NULL WHERE taken_back_at IS NULL"
_FORGET = """
    UPDATE espalier.checkpoints SET state = state || '{"ledger": "switched"}' WHERE job = 'community/xp_ledger'
"""

# From which transaction on `_COPY` reads: from the first; then from the oldest one that ran when it was about to begin.
_EVERYTHING = """
    SELECT set_config('espalier.written_from', '0', true),
           set_config('espalier.begun_at', pg_snapshot_xmin(pg_current_snapshot())::text, true)
"""
_WRITTEN_MEANWHILE = "SELECT set_config('espalier.written_from', current_setting('espalier.begun_at'), true)"
_COPY = """
    INSERT INTO points_ledger_retired AS p (id, "userId", "eventType", points, description, "createdAt")
    SELECT x.id, x."userId", points_event(x."eventType", (NULL::points_ledger_retired)."eventType"), x."finalXP",
           nullif(x.reason, ''), x."createdAt"
    FROM xp_ledger AS x LEFT JOIN points_ledger_retired AS p ON p.id = x.id
    WHERE age(x.xmin) <= age(current_setting('espalier.written_from')::xid8::xid)
      AND x.metadata ->> 'source' IS DISTINCT FROM 'user_stats' AND (
        p.id IS NULL
        OR (p."userId", p.points, coalesce(p.description, ''), p."createdAt")
           IS DISTINCT FROM (x."userId", x."finalXP", x.reason, x."createdAt")
        OR (p."eventType"::text <> x."eventType" AND p."eventType" <> points_event(x."eventType", p."eventType"))
    )
    ON CONFLICT (id) DO UPDATE
    SET "userId" = excluded."userId", "eventType" = excluded."eventType", points = excluded.points,
        description = excluded.description, "createdAt" = excluded."createdAt"
"""
# Every entry of xp_ledger is copied by now: as many rows are the same rows.
_DELETE = """
    DELETE FROM points_ledger_retired AS p
    WHERE (SELECT count(*) FROM points_ledger_retired)
          <> (SELECT count(*) FROM xp_ledger AS x WHERE x.metadata ->> 'source' IS DISTINCT FROM 'user_stats')
      AND NOT EXISTS (SELECT FROM xp_ledger AS x WHERE x.id = p.id)
"""

# As community_0017 and community_contract_0000 have them.
_MIRROR = (
    """
    CREATE OR REPLACE TRIGGER xp_ledger_sync AFTER INSERT OR UPDATE OR DELETE ON points_ledger
    FOR EACH ROW EXECUTE FUNCTION xp_ledger_sync()
    """,
    """
    CREATE OR REPLACE TRIGGER xp_ledger_sync_truncate AFTER TRUNCATE ON points_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION xp_ledger_sync_truncate()
    """,
    """
    CREATE OR REPLACE TRIGGER points_ledger_sync AFTER INSERT OR UPDATE OR DELETE ON xp_ledger
    FOR EACH ROW EXECUTE FUNCTION points_ledger_sync()
    """,
    """
    CREATE OR REPLACE TRIGGER points_ledger_sync_truncate AFTER TRUNCATE ON xp_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_sync_truncate()
    """,
    "DROP FUNCTION points_ledger_at_rest()",
)
