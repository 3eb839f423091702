-- name: keep_locks_short
-- Gives up on a row lock before the application would be chosen as the victim of a deadlock (deadlock_timeout, 1 s).
-- Local to the transaction.
SELECT set_config('lock_timeout', '800ms', true);

-- name: find_checkpoint
-- Tells up to when mastery was derived last, by which policy and statements, and whether every pair is marked.
SELECT (SELECT completed_as_of FROM espalier.checkpoints
        WHERE job = 'community/mastery_records' AND partition_key = '') AS completed_as_of,
       (SELECT state FROM espalier.checkpoints
        WHERE job = 'community/mastery_records' AND partition_key = '') AS state,
       EXISTS (SELECT FROM espalier.mastery_dirty WHERE user_id IS NULL) AS everything;

-- name: close_checkpoint
-- Notes that every pair is as it shall be at an instant, and by which policy and statements.
INSERT INTO espalier.checkpoints (job, partition_key, state, completed_as_of, updated_at)
VALUES ('community/mastery_records', '', %(state)s, %(as_of)s, %(as_of)s)
ON CONFLICT (job, partition_key) DO UPDATE
SET state = excluded.state, completed_as_of = excluded.completed_as_of, updated_at = excluded.updated_at;

-- name: mark_everything
-- Puts one mark of every pair in the place of all that can be seen: it stays until the walk over all pairs is complete,
-- so that a walk that was killed begins again. Marks that come meanwhile are not touched.
WITH replaced AS (
    DELETE FROM espalier.mastery_dirty
)
INSERT INTO espalier.mastery_dirty DEFAULT VALUES RETURNING version;

-- name: unmark_everything
-- Takes the mark of every pair away, after the walk over all pairs.
DELETE FROM espalier.mastery_dirty WHERE version = %(version)s;

-- name: take_marked
-- Takes the next marks in the order of their versions; what is marked again meanwhile has another version and stays.
DELETE FROM espalier.mastery_dirty
WHERE version = ANY (ARRAY(
    SELECT version FROM espalier.mastery_dirty
    WHERE version > %(after_version)s AND version <= %(last_version)s AND user_id IS NOT NULL
    ORDER BY version
    LIMIT %(batch_size)s
))
RETURNING version, user_id, concept_id;

-- name: find_last_mark
-- Names the newest mark: a run ends there, though the application goes on marking.
SELECT coalesce(max(version), 0) AS last_version FROM espalier.mastery_dirty;

-- name: find_decayed
-- Finds the next records whose "updatedAt" is not the day of decay that belongs to what was last seen: a day went by,
-- or somebody else wrote the record. Walks the unique index.
SELECT "userId" AS user_id, "conceptId" AS concept_id
FROM mastery_records
CROSS JOIN LATERAL (
    SELECT CASE WHEN isfinite("lastSeen") THEN
        least((%(as_of)s::timestamptz AT TIME ZONE 'UTC')::date - "lastSeen"::date, %(decay_until_days)s::int)
    END AS days
) AS since
WHERE (%(after_user)s::text IS NULL OR ("userId", "conceptId") > (%(after_user)s, %(after_concept)s))
  AND "updatedAt" <> CASE WHEN days > %(decay_after_days)s::int THEN ("lastSeen"::date + days)::timestamp
                          ELSE "lastSeen" END
ORDER BY 1, 2
LIMIT %(batch_size)s;

-- name: find_pairs
-- Lists the next pairs of a user and a concept that have an attempt or a record. Walks two indexes side by side.
SELECT user_id, concept_id
FROM (
    (SELECT DISTINCT "userId", "conceptId" FROM concept_attempts
     WHERE (%(after_user)s::text IS NULL OR ("userId", "conceptId") > (%(after_user)s, %(after_concept)s))
       AND (%(user_ids)s::text[] IS NULL OR "userId" = ANY (%(user_ids)s))
     ORDER BY 1, 2
     LIMIT %(batch_size)s)
    UNION
    (SELECT "userId", "conceptId" FROM mastery_records
     WHERE (%(after_user)s::text IS NULL OR ("userId", "conceptId") > (%(after_user)s, %(after_concept)s))
       AND (%(user_ids)s::text[] IS NULL OR "userId" = ANY (%(user_ids)s))
     ORDER BY 1, 2
     LIMIT %(batch_size)s)
) AS pairs (user_id, concept_id)
ORDER BY 1, 2
LIMIT %(batch_size)s;

-- name: find_in_the_way
-- Finds the pairs whose record has the id of one of the given pairs without being its record: a concept or user that
-- got another id has taken its records along, with their ids.
SELECT m."userId" AS user_id, m."conceptId" AS concept_id
FROM unnest(%(users)s::text[], %(concepts)s::text[]) AS given (user_id, concept_id)
JOIN mastery_records AS m ON m.id = md5(ARRAY['mastery_records', given.user_id, given.concept_id]::text)
WHERE (m."userId", m."conceptId") <> (given.user_id, given.concept_id);

-- name: refresh
-- Makes the records of the given pairs equal to their attempts up to an instant, by writing what differs. A record's id
-- is made from its pair; one that changes its id is deleted before it is inserted, as ids may have gone round in a
-- circle. A record without attempts is deleted if its id shows that it was derived, else it is somebody else's and
-- stays. Attempts that lie ahead are not counted; their pairs are marked again for when they come. Pairs are looked up
-- one by one, so that a batch costs the same however large the tables are. Needs REPEATABLE READ: what differs is found
-- by ctid.
WITH given AS MATERIALIZED (
    SELECT user_id, concept_id, md5(ARRAY['mastery_records', user_id, concept_id]::text) AS key
    FROM unnest(%(users)s::text[], %(concepts)s::text[]) AS pairs (user_id, concept_id)
),
counted AS MATERIALIZED (
    SELECT g.user_id, g.concept_id, g.key, a.*,
           least((%(as_of)s::timestamptz AT TIME ZONE 'UTC')::date - last_at::date, %(decay_until_days)s::int) AS days
    FROM given AS g
    CROSS JOIN LATERAL (
        SELECT count(*) AS attempts,
               nullif(count(*) FILTER (WHERE counts), 0) AS total,
               count(*) FILTER (WHERE counts AND "isCorrect") AS correct,
               sum(greatest("hintsUsed", 0)) FILTER (WHERE counts) AS hints,
               min("createdAt") FILTER (WHERE counts) AS first_at,
               max("createdAt") FILTER (WHERE counts) AS last_at,
               count(*) FILTER (WHERE NOT counts AND isfinite("createdAt")) AS ahead,
               count(*) FILTER (WHERE "hintsUsed" < 0 OR NOT isfinite("createdAt")) AS unusable
        FROM concept_attempts
        CROSS JOIN LATERAL (
            SELECT isfinite("createdAt") AND "createdAt" <= %(as_of)s::timestamptz AT TIME ZONE 'UTC' AS counts
        ) AS when_it_was
        WHERE "userId" = g.user_id AND "conceptId" = g.concept_id
    ) AS a
),
weighed AS (
    SELECT user_id, concept_id, CASE WHEN total > 0 THEN key END AS key, total, correct, first_at, last_at,
           (rate + z * z / (2 * n) - z * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))) / (1 + z * z / n) AS bound,
           1 - least(%(hint_cap)s::float8, %(hint_step)s::float8 * (hints / n))
             - least(%(decay_cap)s::float8, %(decay_step)s::float8 * greatest(0, days - %(decay_after_days)s::int))
           AS weight,
           CASE WHEN days > %(decay_after_days)s::int THEN (last_at::date + days)::timestamp ELSE last_at END
           AS changed_at
    FROM counted
    CROSS JOIN LATERAL (SELECT total::float8 AS n, correct / total::float8 AS rate, %(z)s::float8 AS z) AS shares
),
derived AS (
    SELECT user_id, concept_id, key, total, correct, first_at, last_at, changed_at,
           greatest(%(weight_floor)s::float8, weight) AS weight,
           greatest(0, bound) * greatest(%(weight_floor)s::float8, weight) AS score
    FROM weighed
),
differing AS MATERIALIZED (
    SELECT m.ctid AS stored, m.id AS stored_id, d.user_id, d.concept_id, d.key, d.total, d.correct, d.score, d.weight,
           d.last_at, d.first_at, d.changed_at
    FROM derived AS d
    LEFT JOIN mastery_records AS m ON m."userId" = d.user_id AND m."conceptId" = d.concept_id
    WHERE CASE WHEN d.key IS NULL THEN m.id IN (SELECT key FROM given) ELSE
        (m.id, m."totalAttempts", m."correctAttempts", m."masteryScore", m."confidenceWeight", m."lastSeen",
         m."createdAt", m."updatedAt")
        IS DISTINCT FROM (d.key, d.total, d.correct, d.score, d.weight, d.last_at, d.first_at, d.changed_at)
    END
),
deleted AS (
    DELETE FROM mastery_records
    WHERE ctid = ANY (ARRAY(SELECT stored FROM differing WHERE stored_id IS DISTINCT FROM key))
    RETURNING 1
),
updated AS (
    UPDATE mastery_records AS m
    SET "totalAttempts" = d.total, "correctAttempts" = d.correct, "masteryScore" = d.score,
        "confidenceWeight" = d.weight, "lastSeen" = d.last_at, "createdAt" = d.first_at, "updatedAt" = d.changed_at
    FROM differing AS d
    WHERE m.ctid = d.stored AND d.stored_id = d.key
    RETURNING 1
),
inserted AS (
    INSERT INTO mastery_records (id, "userId", "conceptId", "totalAttempts", "correctAttempts", "masteryScore",
                                 "confidenceWeight", "lastSeen", "createdAt", "updatedAt")
    SELECT key, user_id, concept_id, total, correct, score, weight, last_at, first_at, changed_at
    FROM differing
    WHERE key IS NOT NULL AND stored_id IS DISTINCT FROM key AND (SELECT count(*) FROM deleted) >= 0
    ORDER BY user_id, concept_id
    RETURNING 1
),
marked_again AS (
    INSERT INTO espalier.mastery_dirty (user_id, concept_id)
    SELECT user_id, concept_id FROM counted WHERE ahead > 0 AND %(mark_again)s::boolean
    RETURNING 1
),
unusable AS (
    INSERT INTO espalier.quarantine (domain, source_table, source_key, reason, payload, first_seen, last_seen)
    SELECT 'community', 'concept_attempts', a.id,
           CASE WHEN isfinite(a."createdAt") THEN 'hintsUsed below 0, counted as 0'
                ELSE 'createdAt not finite, not counted' END,
           jsonb_build_object('hintsUsed', a."hintsUsed", 'createdAt', a."createdAt"), %(as_of)s, %(as_of)s
    FROM counted AS c
    JOIN concept_attempts AS a ON a."userId" = c.user_id AND a."conceptId" = c.concept_id
    WHERE c.unusable > 0 AND (a."hintsUsed" < 0 OR NOT isfinite(a."createdAt"))
    ON CONFLICT (domain, source_table, source_key, reason) DO UPDATE
    SET payload = excluded.payload, last_seen = excluded.last_seen
    RETURNING 1
)
SELECT (SELECT count(*) FROM given) AS pairs,
       (SELECT coalesce(sum(attempts), 0) FROM counted)::bigint AS attempts,
       (SELECT count(*) FROM inserted) AS inserted,
       (SELECT count(*) FROM updated) AS updated,
       (SELECT count(*) FROM deleted) AS deleted,
       (SELECT count(*) FROM marked_again) AS ahead,
       (SELECT count(*) FROM unusable) AS quarantined;

-- name: sample_pairs
-- Draws pairs with a record or an attempt, about so many of each, the same for the same instant. Pairs that are
-- marked, or whose record somebody else has written since, are left out: the next run derives them.
SELECT user_id, concept_id
FROM (
    (SELECT "userId", "conceptId"
     FROM mastery_records TABLESAMPLE SYSTEM ((
         SELECT least(100, 100 * (10 + %(pairs)s::int) / greatest(1, reltuples)) FROM pg_class
         WHERE oid = 'mastery_records'::regclass
     )) REPEATABLE (extract(epoch FROM %(as_of)s::timestamptz))
     LIMIT %(pairs)s)
    UNION
    (SELECT "userId", "conceptId"
     FROM concept_attempts TABLESAMPLE SYSTEM ((
         SELECT least(100, 100 * (10 + %(pairs)s::int) / greatest(1, reltuples)) FROM pg_class
         WHERE oid = 'concept_attempts'::regclass
     )) REPEATABLE (extract(epoch FROM %(as_of)s::timestamptz))
     LIMIT %(pairs)s)
) AS drawn (user_id, concept_id)
WHERE NOT EXISTS (
    SELECT FROM espalier.mastery_dirty AS d
    WHERE d.user_id IS NULL OR (d.user_id = drawn.user_id AND d.concept_id = drawn.concept_id)
)
AND NOT EXISTS (
    SELECT FROM mastery_records AS m
    WHERE m."userId" = drawn.user_id AND m."conceptId" = drawn.concept_id
      AND m."updatedAt" > %(as_of)s::timestamptz AT TIME ZONE 'UTC'
)
AND (%(user_ids)s::text[] IS NULL OR drawn.user_id = ANY (%(user_ids)s));

-- name: describe
-- Counts what the checks compare and the UI shows. A record counts as weak for want of attempts when the share of right
-- answers alone, without the bound, would not be weak.
SELECT count(*) AS "dagster/row_count",
       count(*) FILTER (WHERE "masteryScore" >= %(mastered_from)s::float8) AS mastered,
       count(*) FILTER (WHERE "masteryScore" < %(weak_below)s::float8) AS struggling,
       count(*) FILTER (
           WHERE "masteryScore" < %(weak_below)s::float8
             AND "correctAttempts" * "confidenceWeight" >= %(weak_below)s::float8 * greatest(1, "totalAttempts")
       ) AS weak_for_want_of_attempts,
       count(*) FILTER (
           WHERE "masteryScore" NOT BETWEEN 0 AND 1 OR "confidenceWeight" NOT BETWEEN 0 AND 1
              OR "correctAttempts" NOT BETWEEN 0 AND "totalAttempts"
       ) AS out_of_range,
       count(*) FILTER (
           WHERE ("masteryScore" NOT BETWEEN 0 AND 1 OR "confidenceWeight" NOT BETWEEN 0 AND 1
                  OR "correctAttempts" NOT BETWEEN 0 AND "totalAttempts")
             AND id = md5(ARRAY['mastery_records', "userId", "conceptId"]::text)
       ) AS derived_out_of_range
FROM mastery_records;

-- name: describe_by_score
-- The preview in the UI: records, attempts and weight by tenth of the score. Aggregates only.
SELECT width_bucket("masteryScore", 0, 1.0000001, 10) / 10.0 AS score_up_to,
       count(*) AS records,
       sum("totalAttempts") AS attempts,
       round(avg("confidenceWeight")::numeric, 3)::float8 AS mean_weight
FROM mastery_records
GROUP BY 1
ORDER BY 1;
