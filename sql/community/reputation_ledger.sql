-- name: open_balances
-- Gives each user who exists at adoption one entry of the reputation that no ledger explains. Runs once: the
-- checkpoint says whether it has. Events are entries of their own from then on.
WITH adopted AS (
    INSERT INTO espalier.checkpoints (job, partition_key, rows_done, batches_done, state, completed_as_of, updated_at)
    VALUES ('community/reputation_ledger', '', 0, 1, jsonb_build_object('adopted_as_of', %(as_of)s::timestamptz),
            %(as_of)s, %(as_of)s)
    ON CONFLICT (job, partition_key) DO NOTHING
    RETURNING 1
),
opened AS (
    INSERT INTO reputation_ledger (id, "userId", "eventType", change, reason, "createdAt")
    SELECT md5(ARRAY['reputation_ledger', u.id, 'OPENING_BALANCE']::text), u.id, 'OPENING_BALANCE', u.reputation,
           'Balance before the ledger began', u."createdAt"
    FROM users AS u
    WHERE u.reputation <> 0 AND u."createdAt" <= %(as_of)s AT TIME ZONE 'UTC' AND EXISTS (SELECT FROM adopted)
    ON CONFLICT (id) DO NOTHING
    RETURNING change
)
SELECT (SELECT count(*) FROM adopted) AS adopted,
       count(*) AS opening_balances,
       coalesce(sum(change), 0) AS opening_reputation
FROM opened;

-- name: compare_with_users
-- Counts what the check compares, in one snapshot: users with two opening balances, and, at adoption only, reputation
-- that the opening balances do not explain (afterwards the application may have moved it on).
SELECT count(*) AS "dagster/row_count",
       count(*) FILTER (WHERE l."eventType" = 'OPENING_BALANCE')
           - count(DISTINCT l."userId") FILTER (WHERE l."eventType" = 'OPENING_BALANCE') AS opened_twice,
       (SELECT coalesce(sum(reputation), 0) FROM users WHERE "createdAt" <= %(as_of)s AT TIME ZONE 'UTC')
           - coalesce(sum(l.change) FILTER (WHERE l."eventType" = 'OPENING_BALANCE'), 0) AS unexplained
FROM reputation_ledger AS l;

-- name: describe_by_event
-- The preview in the UI: entries and reputation by event. Aggregates only.
SELECT "eventType" AS event, count(*) AS entries, sum(change) AS reputation, max("createdAt")::text AS newest
FROM reputation_ledger
GROUP BY 1
ORDER BY 2 DESC, 1;
