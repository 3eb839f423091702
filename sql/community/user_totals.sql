-- name: keep_locks_short
-- Gives up on a row lock before the application would be chosen as the victim of a deadlock (deadlock_timeout, 1 s).
-- Local to the transaction.
SELECT set_config('lock_timeout', '800ms', true);

-- name: find_half_ledgers
-- Names the ledgers whose backfill is not complete: sums of half a ledger would set everyone's totals wrong.
SELECT job
FROM unnest(ARRAY['community/xp_ledger', 'community/reputation_ledger']) AS ledgers (job)
WHERE NOT EXISTS (
    SELECT FROM espalier.checkpoints AS c
    WHERE c.job = ledgers.job AND c.partition_key = '' AND c.completed_as_of IS NOT NULL
)
ORDER BY job;

-- name: clear_pending
-- Forgets what an earlier run or pass computed and did not write.
DELETE FROM espalier.user_totals_pending;

-- name: collect_changed
-- Computes every user's totals (seed 000, phase 5) in one snapshot and keeps those that differ from what the user has,
-- in the order of the users' pages, which is how they are written. Users without entries go to 0. Sums that are no
-- integer any more go to quarantine and the user stays as it is.
WITH changed AS MATERIALIZED (
    SELECT u.id AS user_id, coalesce(x.xp, 0) AS xp, coalesce(r.reputation, 0) AS reputation,
           coalesce(t.score, 0.5) AS trust
    FROM users AS u
    LEFT JOIN (
        SELECT "userId", sum("finalXP") AS xp
        FROM xp_ledger
        WHERE %(user_ids)s::text[] IS NULL OR "userId" = ANY (%(user_ids)s)
        GROUP BY "userId"
    ) AS x ON x."userId" = u.id
    LEFT JOIN (
        SELECT "userId", sum(change) AS reputation
        FROM reputation_ledger
        WHERE %(user_ids)s::text[] IS NULL OR "userId" = ANY (%(user_ids)s)
        GROUP BY "userId"
    ) AS r ON r."userId" = u.id
    LEFT JOIN trust_scores AS t ON t."userId" = u.id
    WHERE (%(user_ids)s::text[] IS NULL OR u.id = ANY (%(user_ids)s))
      AND (u."totalXP", u."totalReputation", u."trustScoreCache")
          IS DISTINCT FROM (coalesce(x.xp, 0), coalesce(r.reputation, 0), coalesce(t.score, 0.5))
),
refused AS (
    INSERT INTO espalier.quarantine (domain, source_table, source_key, reason, payload, first_seen, last_seen)
    SELECT 'community', 'users', user_id, 'total out of the range of an integer',
           jsonb_build_object('xp', xp, 'reputation', reputation), %(as_of)s, %(as_of)s
    FROM changed
    WHERE xp NOT BETWEEN -2147483648 AND 2147483647 OR reputation NOT BETWEEN -2147483648 AND 2147483647
    ON CONFLICT (domain, source_table, source_key, reason) DO UPDATE
    SET payload = excluded.payload, last_seen = excluded.last_seen
)
INSERT INTO espalier.user_totals_pending (user_id, total_xp, total_reputation, trust_score)
SELECT user_id, xp, reputation, trust
FROM changed
WHERE xp BETWEEN -2147483648 AND 2147483647 AND reputation BETWEEN -2147483648 AND 2147483647;

-- name: apply_batch
-- Moves the next pending totals to their users and compares what the users then hold. "updatedAt" is the application's
-- and stays.
WITH batch AS (
    DELETE FROM espalier.user_totals_pending
    WHERE ctid = ANY (ARRAY(SELECT ctid FROM espalier.user_totals_pending LIMIT %(batch_size)s))
    RETURNING user_id, total_xp, total_reputation, trust_score
),
written AS (
    UPDATE users AS u
    SET "totalXP" = b.total_xp, "totalReputation" = b.total_reputation, "trustScoreCache" = b.trust_score
    FROM batch AS b
    WHERE u.id = b.user_id
    RETURNING (u."totalXP", u."totalReputation", u."trustScoreCache")
        IS DISTINCT FROM (b.total_xp, b.total_reputation, b.trust_score) AS differs
)
SELECT (SELECT count(*) FROM batch) AS taken,
       (SELECT count(*) FROM written) AS written,
       (SELECT count(*) FROM written WHERE differs) AS differing;

-- name: compare_with_before
-- Counts users, those whose totals went to quarantine in this run, and those whose totals are not what the application
-- keeps itself: after adoption they must be the same.
SELECT count(*) AS "dagster/row_count",
       (SELECT count(*) FROM espalier.quarantine
        WHERE domain = 'community' AND source_table = 'users' AND reason = 'total out of the range of an integer'
          AND last_seen = %(as_of)s) AS quarantined,
       count(*) FILTER (WHERE u."totalXP" <> s."totalPoints") AS xp_differs,
       count(*) FILTER (WHERE u."totalReputation" <> u.reputation) AS reputation_differs
FROM users AS u
LEFT JOIN user_stats AS s ON s."userId" = u.id;

-- name: describe_by_xp
-- The preview in the UI: users and means by power of ten of XP. Aggregates only.
SELECT CASE WHEN "totalXP" <= 0 THEN 0 ELSE 10 ^ floor(log("totalXP")) END::bigint AS xp_from,
       count(*) AS users,
       round(avg("totalXP"), 1)::float8 AS mean_xp,
       round(avg("totalReputation"), 1)::float8 AS mean_reputation,
       round(avg("trustScoreCache")::numeric, 3)::float8 AS mean_trust
FROM users
GROUP BY 1
ORDER BY 1;
