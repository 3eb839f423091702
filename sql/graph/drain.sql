-- name: take
-- Takes the next marks in the order of their versions, each with the row of its key as it is in the same snapshot, in
-- the graph's terms; what was set aside comes when its time has come. Rows are looked up one by one (the LIMITs): a
-- batch must not cost more where the tables are larger. The graph has no infinite times; a blank domain is none.
-- A user is shown who exists, has mastered anything and is not left out by the policy; a suspension counts as ended
-- when it had ended at the last sweep, which marks those that end.
WITH taken AS MATERIALIZED (
    SELECT version, kind, key1, key2
    FROM espalier.graph_outbox
    WHERE version > %(after)s AND (retry_at IS NULL OR retry_at <= clock_timestamp())
    ORDER BY version
    LIMIT %(size)s
)
SELECT t.version, t.kind, t.key1, t.key2,
       CASE t.kind
           WHEN 'concept' THEN c.id IS NOT NULL
           WHEN 'prerequisite' THEN p.there IS NOT NULL
           ELSE m.there IS NOT NULL
       END AS there,
       u.id IS NOT NULL
       AND (m.there OR (SELECT true FROM mastery_records AS x WHERE x."userId" = t.key1 LIMIT 1)) IS TRUE AS shown,
       c.name, c.domain, c.difficulty, m.score,
       CASE WHEN isfinite(coalesce(c.at, m.at))
            THEN (extract(epoch FROM coalesce(c.at, m.at)) * 1000)::bigint END AS at,
       CASE WHEN btrim(c.domain) <> '' THEN c.domain END AS part_of
FROM taken AS t
CROSS JOIN espalier.graph_state AS s
LEFT JOIN LATERAL (
    SELECT c.id, c.name, c.domain, c.difficulty, c."createdAt" AS at
    FROM concepts AS c
    WHERE t.kind = 'concept' AND c.id = t.key1
    LIMIT 1
) AS c ON true
LEFT JOIN LATERAL (
    SELECT true AS there
    FROM concept_prerequisites AS p
    WHERE t.kind = 'prerequisite' AND p."prerequisiteId" = t.key1 AND p."conceptId" = t.key2
    LIMIT 1
) AS p ON true
LEFT JOIN LATERAL (
    SELECT u.id
    FROM users AS u
    WHERE t.kind = 'mastery' AND u.id = t.key1
      AND NOT ('opted_out' = ANY (%(leave_out)s::text[]) AND u."leaderboardOptOut")
      AND NOT ('shadow_banned' = ANY (%(leave_out)s::text[]) AND u."isShadowBanned")
      AND NOT ('suspended' = ANY (%(leave_out)s::text[]) AND u."isSuspended"
               AND coalesce(u."suspendedUntil" > coalesce(s.swept_until, now()) AT TIME ZONE 'UTC', true))
    LIMIT 1
) AS u ON true
LEFT JOIN LATERAL (
    SELECT true AS there, m."masteryScore" AS score, m."updatedAt" AS at
    FROM mastery_records AS m
    WHERE t.kind = 'mastery' AND m."userId" = t.key1 AND m."conceptId" = t.key2
    LIMIT 1
) AS m ON true
ORDER BY t.version;

-- name: mark_ended_suspensions
-- Marks the pairs of people whose suspension ended since the last sweep, which no write tells; gives the new sweep's
-- time. The very first sweep has nothing to mark.
WITH marked AS (
    INSERT INTO espalier.graph_outbox (kind, key1, key2)
    SELECT 'mastery', m."userId", m."conceptId"
    FROM espalier.graph_state AS s
    JOIN users AS u ON u."isSuspended" AND u."suspendedUntil" > s.swept_until AT TIME ZONE 'UTC'
                    AND u."suspendedUntil" <= now() AT TIME ZONE 'UTC'
    JOIN mastery_records AS m ON m."userId" = u.id
)
SELECT now() AS swept_until;

-- name: end_sweep
-- Records that suspensions were swept; only forward, and only by the holder of the lease.
UPDATE espalier.graph_state
SET swept_until = greatest(swept_until, %(swept_until)s)
WHERE token = %(token)s;

-- name: need_not_wait
-- Lets the transaction's commit not wait for the disk: marks that come back after a crash are written once more.
SELECT set_config('synchronous_commit', 'off', true);

-- name: forget
-- Removes the marks that were taken and written, these very ones: another mark of the same key tells of a later change.
-- They are told by unbroken runs of versions. By their places: joined by version, a million marks would be read for
-- every batch.
DELETE FROM espalier.graph_outbox
WHERE ctid = ANY (ARRAY(
    SELECT o.ctid
    FROM unnest(%(first)s::bigint[], %(last)s::bigint[]) AS run (first, last)
    JOIN espalier.graph_outbox AS o ON o.version BETWEEN run.first AND run.last
    FOR UPDATE OF o SKIP LOCKED
));

-- name: park
-- Sets marks aside that could not be written, each time for twice as long, up to an hour. Only the holder of the lease
-- does: whoever took it over may since have written the end that was missing.
UPDATE espalier.graph_outbox AS o
SET attempts = o.attempts + 1,
    retry_at = clock_timestamp() + make_interval(secs => least(10 * power(2, least(o.attempts, 10)), 3600)),
    reason = parked.reason
FROM unnest(%(versions)s::bigint[], %(reasons)s::text[]) AS parked (version, reason)
WHERE o.ctid = ANY (ARRAY(
    SELECT ctid FROM espalier.graph_outbox WHERE version = ANY (%(versions)s) FOR UPDATE SKIP LOCKED
)) AND o.version = parked.version
  AND EXISTS (SELECT FROM espalier.graph_state WHERE token = %(token)s);

-- name: unpark
-- Lets edges be tried again whose missing end has come.
UPDATE espalier.graph_outbox
SET retry_at = NULL
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM espalier.graph_outbox
    WHERE retry_at IS NOT NULL AND reason = %(reason)s AND (key1 = ANY (%(ids)s) OR key2 = ANY (%(ids)s))
    FOR UPDATE SKIP LOCKED
));

-- name: mark_page_of_concepts
-- Marks the next concepts in the order of their ids, and gives the last one.
WITH page AS (
    SELECT id FROM concepts WHERE id > %(after1)s ORDER BY id LIMIT %(size)s
), marked AS (
    INSERT INTO espalier.graph_outbox (kind, key1) SELECT 'concept', id FROM page ORDER BY id
)
SELECT id AS after1, '' AS after2 FROM page ORDER BY id DESC LIMIT 1;

-- name: mark_page_of_prerequisites
-- Marks the next prerequisites in the order of their unique index, and gives the last one.
WITH page AS (
    SELECT "conceptId" AS needs, "prerequisiteId" AS needed
    FROM concept_prerequisites
    WHERE ("conceptId", "prerequisiteId") > (%(after1)s, %(after2)s)
    ORDER BY "conceptId", "prerequisiteId"
    LIMIT %(size)s
), marked AS (
    INSERT INTO espalier.graph_outbox (kind, key1, key2)
    SELECT 'prerequisite', needed, needs FROM page ORDER BY needs, needed
)
SELECT needs AS after1, needed AS after2 FROM page ORDER BY needs DESC, needed DESC LIMIT 1;

-- name: mark_page_of_masteries
-- Marks the next mastery records in the order of their unique index, and gives the last one.
WITH page AS (
    SELECT "userId" AS learner, "conceptId" AS concept
    FROM mastery_records
    WHERE ("userId", "conceptId") > (%(after1)s, %(after2)s)
    ORDER BY "userId", "conceptId"
    LIMIT %(size)s
), marked AS (
    INSERT INTO espalier.graph_outbox (kind, key1, key2)
    SELECT 'mastery', learner, concept FROM page ORDER BY learner, concept
)
SELECT learner AS after1, concept AS after2 FROM page ORDER BY learner DESC, concept DESC LIMIT 1;
