-- name: create_page
-- Holds the keys that are looked at again, in one transaction. Nothing of this outlives it: a pooler may hand the
-- connection to somebody else.
CREATE TEMP TABLE page (element text, key1 text, key2 text) ON COMMIT DROP;

-- name: create_live
-- Holds what stands in the graph: all of the small kinds, or the elements of a page.
CREATE TEMP TABLE live (
    element text, key1 text, key2 text, element_id text, found jsonb, degree integer
) ON COMMIT DROP;

-- name: create_wanted
-- Holds what should stand there.
CREATE TEMP TABLE wanted (element text, key1 text, key2 text, expected jsonb) ON COMMIT DROP;

-- name: create_live_users
-- Holds the users of the graph, numbered: numbers are what a million edges can be joined by.
CREATE TEMP TABLE live_users (number integer, id text) ON COMMIT DROP;

-- name: create_live_concepts
-- Holds the concepts at the ends of the edges from users, numbered.
CREATE TEMP TABLE live_concepts (number integer, id text) ON COMMIT DROP;

-- name: create_live_mastery
-- Holds the edges from users to concepts. Odd: of another type than the model's, or a second edge between the two.
CREATE TEMP TABLE live_mastery (
    user_number integer, concept_number integer, score float8, updated_at timestamp, odd boolean
) ON COMMIT DROP;

-- name: copy_page
-- Takes the keys of a page.
COPY page FROM STDIN;

-- name: copy_live
-- Takes elements of the graph as they are read.
COPY live FROM STDIN;

-- name: copy_live_users
-- Takes the numbered users.
COPY live_users FROM STDIN;

-- name: copy_live_concepts
-- Takes the numbered concepts.
COPY live_concepts FROM STDIN;

-- name: copy_live_mastery
-- Takes the edges in blocks of fixed rows, as the client packs them.
COPY live_mastery FROM STDIN (FORMAT binary);

-- name: analyze_live
-- Tells the planner how much there is: a temporary table has no statistics, and a nested loop would never end.
ANALYZE page, live, wanted;

-- name: analyze_ends
-- The same for the numbered users and concepts. The edges between them need none: their rows are of fixed size.
ANALYZE live_users, live_concepts;

-- name: give_hashes_memory
-- Lets the hash tables of a million edges stay in memory, and has nothing compiled for a single pass. Local to the
-- transaction.
SELECT set_config('work_mem', '64MB', true), set_config('jit', 'off', true);

-- name: want_concepts_and_edges
-- What should stand of concepts, domains and the edges between them, all of it or the keys of a page.
INSERT INTO wanted (element, key1, key2, expected)
SELECT 'concept', c.id, '', jsonb_build_object(
    'name', c.name,
    'domain', c.domain,
    'difficulty', c.difficulty,
    'createdAt', CASE WHEN isfinite(c."createdAt") THEN (extract(epoch FROM c."createdAt") * 1000)::bigint END
)
FROM concepts AS c
WHERE 'concept' = ANY (%(elements)s)
  AND (%(whole)s OR c.id IN (SELECT key1 FROM page WHERE element = 'concept'))
UNION ALL
SELECT DISTINCT 'domain', c.domain, '', '{}'::jsonb
FROM concepts AS c
WHERE 'domain' = ANY (%(elements)s) AND btrim(c.domain) <> ''
  AND (%(whole)s OR c.domain IN (SELECT key1 FROM page WHERE element = 'domain'))
UNION ALL
SELECT 'part_of', c.id, c.domain, '{}'::jsonb
FROM concepts AS c
WHERE 'part_of' = ANY (%(elements)s) AND btrim(c.domain) <> ''
  AND (%(whole)s OR c.id IN (SELECT key1 FROM page WHERE element = 'part_of'))
UNION ALL
SELECT 'prerequisite_of', p."prerequisiteId", p."conceptId", '{}'::jsonb
FROM concept_prerequisites AS p
JOIN concepts AS f ON f.id = p."prerequisiteId"
JOIN concepts AS t ON t.id = p."conceptId"
WHERE 'prerequisite_of' = ANY (%(elements)s)
  AND (%(whole)s OR p."prerequisiteId" IN (SELECT key1 FROM page WHERE element = 'prerequisite_of'));

-- name: want_people_of_page
-- What should stand of the users of a page and of the edges to what they master: nobody whom the policy leaves out.
INSERT INTO wanted (element, key1, key2, expected)
WITH person AS (
    SELECT u.id
    FROM users AS u
    CROSS JOIN espalier.graph_state AS s
    WHERE u.id IN (SELECT key1 FROM page WHERE element IN ('user', 'mastered_by'))
      AND NOT ('opted_out' = ANY (%(leave_out)s) AND u."leaderboardOptOut")
      AND NOT ('shadow_banned' = ANY (%(leave_out)s) AND u."isShadowBanned")
      AND NOT ('suspended' = ANY (%(leave_out)s) AND u."isSuspended"
               AND coalesce(u."suspendedUntil" > coalesce(s.swept_until, now()) AT TIME ZONE 'UTC', true))
)
SELECT 'user', p.key1, '', '{}'::jsonb
FROM page AS p
JOIN person ON person.id = p.key1
WHERE p.element = 'user' AND EXISTS (SELECT FROM mastery_records AS m WHERE m."userId" = p.key1)
UNION ALL
SELECT 'mastered_by', p.key1, p.key2, jsonb_build_object(
    'score', m."masteryScore",
    'updatedAt', CASE WHEN isfinite(m."updatedAt") THEN (extract(epoch FROM m."updatedAt") * 1000)::bigint END
)
FROM page AS p
JOIN person ON person.id = p.key1
JOIN mastery_records AS m ON m."userId" = p.key1 AND m."conceptId" = p.key2
JOIN concepts AS c ON c.id = p.key2
WHERE p.element = 'mastered_by';

-- name: suspect_elements
-- Notes the keys of the small kinds at which the graph and the tables differ, to be looked at again.
INSERT INTO espalier.graph_drift (run_id, found_at, element, key1, key2, difference, state)
SELECT %(run_id)s::text, %(found_at)s::timestamptz, element, key1, key2,
       CASE
           WHEN bool_or(w.expected IS NULL) THEN 'extra'
           WHEN bool_or(l.found IS NULL) THEN 'missing'
           WHEN count(*) > 1 THEN 'duplicate'
           ELSE 'stale'
       END,
       'in_flight'
FROM wanted AS w
FULL JOIN live AS l USING (element, key1, key2)
GROUP BY element, key1, key2
HAVING count(*) > 1 OR bool_or(w.expected IS DISTINCT FROM l.found);

-- name: suspect_users
-- Notes the users of the graph who should not be there, or are twice, and those who are not there and should be. Whether
-- a user has mastered anything is asked of the index, user by user: a join would read all mastery once more.
INSERT INTO espalier.graph_drift (run_id, found_at, element, key1, difference, state)
WITH person AS (
    SELECT u.id
    FROM users AS u
    CROSS JOIN espalier.graph_state AS s
    WHERE (SELECT true FROM mastery_records AS m WHERE m."userId" = u.id LIMIT 1)
      AND NOT ('opted_out' = ANY (%(leave_out)s) AND u."leaderboardOptOut")
      AND NOT ('shadow_banned' = ANY (%(leave_out)s) AND u."isShadowBanned")
      AND NOT ('suspended' = ANY (%(leave_out)s) AND u."isSuspended"
               AND coalesce(u."suspendedUntil" > coalesce(s.swept_until, now()) AT TIME ZONE 'UTC', true))
)
SELECT %(run_id)s::text, %(found_at)s::timestamptz, 'user', coalesce(p.id, l.id),
       CASE WHEN p.id IS NULL THEN 'extra' ELSE 'missing' END, 'in_flight'
FROM person AS p
FULL JOIN live_users AS l ON l.id = p.id
WHERE p.id IS NULL OR l.id IS NULL
UNION ALL
SELECT %(run_id)s::text, %(found_at)s::timestamptz, 'user', id, 'duplicate', 'in_flight'
FROM unnest(%(doubled)s::text[]) AS doubled (id);

-- name: suspect_mastery
-- Notes the edges from users to concepts at which the graph and the table differ. The table's keys are looked up in
-- the graph's numbers once; the join of the two sides is then one over small integers. Times compare as the client wrote
-- them, from milliseconds: a table's time that is finer is suspect each time, and found equal by the verdict.
INSERT INTO espalier.graph_drift (run_id, found_at, element, key1, key2, difference, state)
WITH person AS MATERIALIZED (
    SELECT u.id, l.number
    FROM users AS u
    CROSS JOIN espalier.graph_state AS s
    LEFT JOIN live_users AS l ON l.id = u.id
    WHERE NOT ('opted_out' = ANY (%(leave_out)s) AND u."leaderboardOptOut")
      AND NOT ('shadow_banned' = ANY (%(leave_out)s) AND u."isShadowBanned")
      AND NOT ('suspended' = ANY (%(leave_out)s) AND u."isSuspended"
               AND coalesce(u."suspendedUntil" > coalesce(s.swept_until, now()) AT TIME ZONE 'UTC', true))
),
concept AS MATERIALIZED (
    SELECT c.id, l.number
    FROM concepts AS c
    LEFT JOIN live_concepts AS l ON l.id = c.id
),
mastery AS (
    SELECT m."userId" AS user_id, m."conceptId" AS concept_id, p.number AS user_number, c.number AS concept_number,
           m."masteryScore" AS score, m."updatedAt" AS updated_at
    FROM mastery_records AS m
    JOIN person AS p ON p.id = m."userId"
    JOIN concept AS c ON c.id = m."conceptId"
),
differing AS (
    SELECT m.user_id, m.concept_id, l.user_number, l.concept_number, l.odd
    FROM mastery AS m
    FULL JOIN live_mastery AS l ON l.user_number = m.user_number AND l.concept_number = m.concept_number
    WHERE m.user_id IS NULL OR l.user_number IS NULL OR l.odd
       OR m.score IS DISTINCT FROM l.score OR m.updated_at IS DISTINCT FROM l.updated_at
)
SELECT DISTINCT %(run_id)s::text, %(found_at)s::timestamptz, 'mastered_by',
       coalesce(d.user_id, u.id), coalesce(d.concept_id, c.id),
       CASE WHEN d.user_id IS NULL THEN 'extra' WHEN d.user_number IS NULL THEN 'missing' ELSE 'stale' END,
       'in_flight'
FROM differing AS d
LEFT JOIN live_users AS u ON u.number = d.user_number
LEFT JOIN live_concepts AS c ON c.number = d.concept_number;

-- name: suspect_concept
-- Notes every key at one concept, to be looked at.
INSERT INTO espalier.graph_drift (run_id, found_at, element, key1, key2, difference, state)
SELECT %(run_id)s::text, %(found_at)s::timestamptz, element, key1, key2, 'stale', 'in_flight'
FROM (
    SELECT 'concept' AS element, %(id)s::text AS key1, '' AS key2
    UNION
    SELECT 'domain', domain, '' FROM concepts WHERE id = %(id)s AND btrim(domain) <> ''
    UNION
    SELECT 'part_of', id, domain FROM concepts WHERE id = %(id)s AND btrim(domain) <> ''
    UNION
    SELECT 'prerequisite_of', "prerequisiteId", "conceptId"
    FROM concept_prerequisites
    WHERE "conceptId" = %(id)s OR "prerequisiteId" = %(id)s
    UNION
    SELECT 'mastered_by', "userId", "conceptId" FROM mastery_records WHERE "conceptId" = %(id)s
) AS named
WHERE element = ANY (%(elements)s);

-- name: suspect_user
-- Notes every key at one user, to be looked at.
INSERT INTO espalier.graph_drift (run_id, found_at, element, key1, key2, difference, state)
SELECT %(run_id)s::text, %(found_at)s::timestamptz, element, key1, key2, 'stale', 'in_flight'
FROM (
    SELECT 'user' AS element, %(id)s::text AS key1, '' AS key2
    UNION
    SELECT 'mastered_by', "userId", "conceptId" FROM mastery_records WHERE "userId" = %(id)s
) AS named
WHERE element = ANY (%(elements)s);

-- name: suspect_keys
-- Notes keys that were read from the graph, to be looked at; each once.
INSERT INTO espalier.graph_drift (run_id, found_at, element, key1, key2, difference, state)
SELECT %(run_id)s::text, %(found_at)s::timestamptz, element, key1, key2, 'stale', 'in_flight'
FROM (
    SELECT element, key1, key2
    FROM unnest(%(elements)s::text[], %(firsts)s::text[], %(seconds)s::text[]) AS named (element, key1, key2)
    EXCEPT
    SELECT element, key1, key2 FROM espalier.graph_drift WHERE run_id = %(run_id)s
) AS named;

-- name: plan_strays
-- Notes elements of the graph that are none of the model's, with what they are; they are removed by their id.
INSERT INTO espalier.graph_drift (run_id, found_at, element, key1, key2, difference, detail, element_id, found, state)
SELECT %(run_id)s::text, %(found_at)s::timestamptz, element, key1, key2, 'extra', detail, element_id, found, 'planned'
FROM unnest(
    %(elements)s::text[], %(firsts)s::text[], %(seconds)s::text[], %(details)s::text[], %(element_ids)s::text[],
    %(found)s::jsonb[]
) AS stray (element, key1, key2, detail, element_id, found);
