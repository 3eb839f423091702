-- name: keep_locks_short
-- Gives up on a row lock before the application would be chosen as the victim of a deadlock (deadlock_timeout, 1 s).
-- Local to the transaction.
SELECT set_config('lock_timeout', '800ms', true);

-- name: find_checkpoint
-- Tells how far the backfill is: the last key copied, whether that is all, when it was for the first time (adoption);
-- and whether the writing side was switched to xp_ledger, or points_ledger retired (the contract's revisions).
SELECT last_key, completed_as_of, state ->> 'adopted_as_of' AS adopted_as_of, state ->> 'ledger' AS ledger
FROM espalier.checkpoints
WHERE job = 'community/xp_ledger' AND partition_key = '';

-- name: open_checkpoint
-- Begins the walk, at the first run or again for a full refresh. The day of adoption stays as it is.
INSERT INTO espalier.checkpoints (job, partition_key, last_key, rows_done, batches_done, state, updated_at)
VALUES ('community/xp_ledger', '', NULL, 0, 0, '{}', %(as_of)s)
ON CONFLICT (job, partition_key) DO UPDATE
SET last_key = NULL, rows_done = 0, batches_done = 0, completed_as_of = NULL, updated_at = excluded.updated_at;

-- name: copy_batch
-- Copies the next rows of points_ledger, in order of their key. They are read FOR SHARE: without it a row that is
-- deleted between this read and the write would stay in xp_ledger for ever. Their users are locked before them, as a
-- deletion of a user does it: in the other order the two would be a deadlock, with the application as a victim.
-- What the sync trigger has written already is left alone.
WITH batch AS MATERIALIZED (
    SELECT p.id, p."userId", p."eventType", p.points, p.description, p."createdAt"
    FROM points_ledger AS p
    JOIN users AS u ON u.id = p."userId"
    WHERE %(last_key)s::text IS NULL OR p.id > %(last_key)s
    ORDER BY p.id
    LIMIT %(batch_size)s
    FOR KEY SHARE OF u
    FOR SHARE OF p
),
written AS (
    INSERT INTO xp_ledger (id, "userId", "eventType", "baseXP", "masteryMult", "trustMult", "factCheckMult",
                           "timeDecay", "finalXP", reason, metadata, "createdAt")
    SELECT id, "userId", "eventType"::text, points, 1.0, 1.0, 1.0, 1.0, points, coalesce(description, ''),
           '{"source": "points_ledger"}', "createdAt"
    FROM batch
    ON CONFLICT (id) DO NOTHING
    RETURNING 1
)
SELECT count(*) AS seen, max(id) AS last_key, (SELECT count(*) FROM written) AS written
FROM batch;

-- name: move_checkpoint
-- Notes a batch as done, in the batch's own transaction.
UPDATE espalier.checkpoints
SET last_key = coalesce(%(last_key)s, last_key), rows_done = rows_done + %(written)s,
    batches_done = batches_done + 1, updated_at = %(as_of)s
WHERE job = 'community/xp_ledger' AND partition_key = '';

-- name: open_balances
-- Gives each user who existed at adoption the part of user_stats.totalPoints that no entry explains, as one entry:
-- otherwise "ledger sum = total" would set the totals of everyone to what the ledger happens to hold. Run once, when
-- the backfill is complete for the first time. A balance that is no integer any more goes to quarantine.
WITH balances AS MATERIALIZED (
    SELECT s."userId" AS user_id, u."createdAt" AS since, s."totalPoints" - coalesce(l.xp, 0) AS balance
    FROM user_stats AS s
    JOIN users AS u ON u.id = s."userId"
    LEFT JOIN (SELECT "userId", sum("finalXP") AS xp FROM xp_ledger GROUP BY "userId") AS l USING ("userId")
    WHERE u."createdAt" <= %(as_of)s AT TIME ZONE 'UTC' AND s."totalPoints" <> coalesce(l.xp, 0)
),
refused AS (
    INSERT INTO espalier.quarantine (domain, source_table, source_key, reason, payload, first_seen, last_seen)
    SELECT 'community', 'user_stats', user_id, 'opening balance of XP out of the range of an integer',
           jsonb_build_object('balance', balance), %(as_of)s, %(as_of)s
    FROM balances
    WHERE balance NOT BETWEEN -2147483648 AND 2147483647
    ON CONFLICT (domain, source_table, source_key, reason) DO UPDATE
    SET payload = excluded.payload, last_seen = excluded.last_seen
    RETURNING 1
),
opened AS (
    INSERT INTO xp_ledger (id, "userId", "eventType", "baseXP", "masteryMult", "trustMult", "factCheckMult",
                           "timeDecay", "finalXP", reason, metadata, "createdAt")
    SELECT md5(ARRAY['xp_ledger', user_id, 'OPENING_BALANCE']::text), user_id, 'OPENING_BALANCE', balance, 1.0, 1.0,
           1.0, 1.0, balance, 'Balance before the ledger began', '{"source": "user_stats"}', since
    FROM balances
    WHERE balance BETWEEN -2147483648 AND 2147483647
    ON CONFLICT (id) DO NOTHING
    RETURNING "finalXP"
)
SELECT (SELECT count(*) FROM opened) AS opening_balances,
       (SELECT coalesce(sum("finalXP"), 0) FROM opened) AS opening_xp,
       (SELECT count(*) FROM refused) AS quarantined;

-- name: close_checkpoint
-- Marks the walk as complete, and at the first time also the adoption: opening balances are never given again.
UPDATE espalier.checkpoints
SET completed_as_of = %(as_of)s, updated_at = %(as_of)s,
    state = jsonb_build_object('adopted_as_of', %(as_of)s::timestamptz) || state
WHERE job = 'community/xp_ledger' AND partition_key = '';

-- name: correct_differing
-- Part of every walk but the first: makes copied rows equal to their source where something changed one of the two
-- behind the sync trigger's back. Needs REPEATABLE READ: a pair that changes meanwhile is then tried again.
UPDATE xp_ledger AS x
SET "userId" = p."userId", "eventType" = p."eventType"::text, "baseXP" = p.points, "finalXP" = p.points,
    reason = coalesce(p.description, ''), "createdAt" = p."createdAt"
FROM points_ledger AS p
WHERE x.id = p.id AND x.metadata ->> 'source' = 'points_ledger'
  AND (x."userId", x."eventType", x."baseXP", x."finalXP", x.reason, x."createdAt")
      IS DISTINCT FROM (p."userId", p."eventType"::text, p.points, p.points, coalesce(p.description, ''),
                        p."createdAt");

-- name: delete_unsourced
-- Part of every walk but the first: deletes copies whose source row is gone. Source and copy are seen in one snapshot.
DELETE FROM xp_ledger AS x
WHERE x.metadata ->> 'source' = 'points_ledger'
  AND NOT EXISTS (SELECT FROM points_ledger AS p WHERE p.id = x.id);

-- name: compare_with_source
-- Counts what the check compares, in one snapshot: rows of points_ledger without a copy, copies that differ, copies
-- without a source. What was written to xp_ledger while that was the writing side has its own events and base.
SELECT count(x.id) AS "dagster/row_count",
       count(p.id) AS source_rows,
       count(*) FILTER (WHERE x.id IS NULL) AS missing,
       count(*) FILTER (
           WHERE p.id IS NOT NULL AND x.id IS NOT NULL
             AND ((x."userId", x."finalXP", x.reason, x."createdAt")
                  IS DISTINCT FROM (p."userId", p.points, coalesce(p.description, ''), p."createdAt")
                  OR (x.metadata ->> 'source' = 'points_ledger'
                      AND (x."eventType", x."baseXP") <> (p."eventType"::text, p.points)))
       ) AS differing,
       count(*) FILTER (WHERE p.id IS NULL AND x.metadata ->> 'source' = 'points_ledger') AS unsourced
FROM points_ledger AS p
FULL JOIN xp_ledger AS x ON x.id = p.id;

-- name: compare_with_mirror
-- Counts the same after the switch, when points_ledger follows: rows that xp_ledger does not know, rows that differ,
-- entries that points_ledger lacks. Events are mapped by the mirror and left out.
SELECT count(x.id) AS "dagster/row_count",
       count(p.id) AS source_rows,
       count(*) FILTER (WHERE x.id IS NULL) AS missing,
       count(*) FILTER (
           WHERE p.id IS NOT NULL AND x.id IS NOT NULL
             AND (x."userId", x."finalXP", x.reason, x."createdAt")
                 IS DISTINCT FROM (p."userId", p.points, coalesce(p.description, ''), p."createdAt")
       ) AS differing,
       count(*) FILTER (WHERE p.id IS NULL AND x.metadata ->> 'source' IS DISTINCT FROM 'user_stats') AS unsourced
FROM points_ledger AS p
FULL JOIN xp_ledger AS x ON x.id = p.id;

-- name: count_entries
-- Counts xp_ledger where points_ledger is retired: there is nothing to compare it with.
SELECT count(*) AS "dagster/row_count", 0 AS source_rows, 0 AS missing, 0 AS differing, 0 AS unsourced
FROM xp_ledger;

-- name: describe_by_event
-- The preview in the UI: entries and XP by event. Aggregates only.
SELECT "eventType" AS event, count(*) AS entries, sum("finalXP") AS xp, max("createdAt")::text AS newest
FROM xp_ledger
GROUP BY 1
ORDER BY 2 DESC, 1;
