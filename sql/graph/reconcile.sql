-- name: forget_old_runs
-- Deletes what earlier runs found longer ago than the exports are kept, and what this run found before it was repeated.
DELETE FROM espalier.graph_drift
WHERE run_id = %(run_id)s OR found_at < %(found_at)s::timestamptz - make_interval(days => %(days)s);

-- name: forget_unsettled
-- Deletes what was in flight when it was last looked at: it is looked for again.
DELETE FROM espalier.graph_drift WHERE run_id = %(run_id)s AND state = 'in_flight';

-- name: find_bounds
-- Tells between which ids the suspects of a run are: what is noted while they are judged is not judged again.
SELECT coalesce(min(id), 1) - 1 AS first, coalesce(max(id), 0) AS last
FROM espalier.graph_drift
WHERE run_id = %(run_id)s AND state = 'in_flight';

-- name: next_page
-- Gives the suspects in a range of ids, which a run has in one piece.
SELECT id, element, key1, key2
FROM espalier.graph_drift
WHERE run_id = %(run_id)s AND state = 'in_flight' AND id > %(after)s AND id <= %(until)s;

-- name: judge_page
-- Replaces the suspects of a page by what is really wrong, from one snapshot of the tables and the outbox taken after
-- the graph was read, while nobody else may write the graph. A key that the outbox holds, or whose concept it holds, is
-- in flight: its turn comes. Of several copies one is kept, the right one if there is one, and of nodes the one on which
-- most edges hang: what goes with the others has to be written again.
WITH taken AS (
    DELETE FROM espalier.graph_drift
    WHERE id = ANY (%(ids)s)
    RETURNING element, key1, key2
),
keys AS (
    SELECT DISTINCT element, key1, key2,
           element IN ('concept', 'part_of') AND key1 IN (SELECT key1 FROM espalier.graph_outbox WHERE kind = 'concept')
           OR element IN ('prerequisite_of', 'mastered_by')
              AND key2 IN (SELECT key1 FROM espalier.graph_outbox WHERE kind = 'concept')
           OR element = 'domain' AND EXISTS (SELECT FROM espalier.graph_outbox WHERE kind = 'concept')
           OR element = 'prerequisite_of' AND (
              key1 IN (SELECT key1 FROM espalier.graph_outbox WHERE kind = 'concept')
              OR (key1, key2) IN (SELECT key1, key2 FROM espalier.graph_outbox WHERE kind = 'prerequisite'))
           OR element = 'mastered_by' AND (key1, key2) IN (
              SELECT key1, key2 FROM espalier.graph_outbox WHERE kind = 'mastery')
           OR element = 'user' AND key1 IN (SELECT key1 FROM espalier.graph_outbox WHERE kind = 'mastery')
           OR EXISTS (SELECT FROM espalier.graph_outbox WHERE kind = 'kind') AS pending
    FROM taken
),
copies AS (
    SELECT element, key1, key2, k.pending, l.element_id, w.expected, l.found,
           row_number() OVER copies AS copy, first_value(l.element_id) OVER copies AS kept
    FROM keys AS k
    LEFT JOIN wanted AS w USING (element, key1, key2)
    LEFT JOIN live AS l USING (element, key1, key2)
    WINDOW copies AS (
        PARTITION BY element, key1, key2 ORDER BY (l.found = w.expected) DESC NULLS LAST, l.degree DESC, l.element_id
    )
),
judged AS (
    SELECT element, key1, key2, pending, element_id, found,
           CASE WHEN copy > 1 THEN jsonb_build_object('kept', kept) ELSE expected END AS expected,
           CASE
               WHEN copy > 1 THEN 'duplicate'
               WHEN element_id IS NULL AND expected IS NOT NULL THEN 'missing'
               WHEN element_id IS NOT NULL AND expected IS NULL THEN 'extra'
               WHEN expected <> found THEN 'stale'
           END AS difference
    FROM copies
)
INSERT INTO espalier.graph_drift
    (run_id, found_at, element, key1, key2, difference, element_id, expected, found, state)
SELECT %(run_id)s, %(found_at)s, element, key1, key2, difference, element_id, expected, found,
       CASE WHEN pending THEN 'in_flight' ELSE 'planned' END
FROM judged
WHERE difference IS NOT NULL;

-- name: name_wrong_directions
-- An edge between concepts that should run the other way is missing there and extra here: it is said so. One pass over
-- pairs: a join of the table with itself is quadratic where the planner knows nothing of the run's rows.
UPDATE espalier.graph_drift
SET detail = 'wrong_direction'
WHERE difference = 'extra' AND id IN (
    SELECT id
    FROM (
        SELECT id, bool_or(difference = 'missing') OVER (PARTITION BY least(key1, key2), greatest(key1, key2)) AS turned
        FROM espalier.graph_drift
        WHERE run_id = %(run_id)s AND state = 'planned' AND element = 'prerequisite_of'
          AND difference IN ('extra', 'missing') AND NOT coalesce(found ? 'type', false)
    ) AS pairs
    WHERE turned
);

-- name: summarize
-- Counts what was found, by what it is and what will be or was done about it: the plan, or the report.
SELECT element, difference, detail, state, count(*) AS count,
       CASE
           WHEN difference = 'duplicate' OR found ? 'labels' OR found ? 'type' THEN 'remove it by its element id'
           WHEN difference = 'extra' AND element = 'domain' THEN 'remove it once no concept is part of it'
           ELSE 'mark the key dirty and drain'
       END AS action
FROM espalier.graph_drift
WHERE run_id = %(run_id)s
GROUP BY 1, 2, 3, 4, 6
ORDER BY 1, 2, 3, 4;

-- name: list_strays
-- Gives the nodes, or the relationships, that are none of the model's.
SELECT id, element_id
FROM espalier.graph_drift
WHERE run_id = %(run_id)s AND state = 'planned' AND id > %(after)s AND difference = 'extra'
  AND found ? %(what)s
ORDER BY id
LIMIT %(size)s;

-- name: list_duplicates
-- Gives the copies that are too many, with the one that is kept.
SELECT id, element_id, expected ->> 'kept' AS kept
FROM espalier.graph_drift
WHERE run_id = %(run_id)s AND state = 'planned' AND id > %(after)s AND difference = 'duplicate'
  AND (element IN ('concept', 'user', 'domain')) = %(nodes)s
ORDER BY id
LIMIT %(size)s;

-- name: list_unattached_domains
-- Gives the domains that are too many: no key of the outbox means a domain that no concept is part of.
SELECT id, element_id
FROM espalier.graph_drift
WHERE run_id = %(run_id)s AND state = 'planned' AND id > %(after)s AND difference = 'extra'
  AND element = 'domain' AND NOT found ? 'labels'
ORDER BY id
LIMIT %(size)s;

-- name: mark_planned
-- Marks the keys of what was found: the drain writes them as any other change. A user or a domain comes with one of its
-- edges; a user who should not be there goes with the mark of none. Concepts come first: they are the ends of edges.
INSERT INTO espalier.graph_outbox (kind, key1, key2)
WITH planned AS (
    SELECT element, key1, key2
    FROM espalier.graph_drift
    WHERE run_id = %(run_id)s AND state = 'planned' AND difference <> 'duplicate'
      AND NOT coalesce(found ? 'labels' OR found ? 'type', false)
)
SELECT 'concept', key1, '' FROM planned WHERE element IN ('concept', 'part_of')
UNION
SELECT 'prerequisite', key1, key2 FROM planned WHERE element = 'prerequisite_of'
UNION
SELECT 'mastery', key1, key2 FROM planned WHERE element = 'mastered_by'
UNION
SELECT 'mastery', p.key1, coalesce(min(m."conceptId"), '')
FROM planned AS p
LEFT JOIN mastery_records AS m ON m."userId" = p.key1
WHERE p.element = 'user'
GROUP BY p.key1
UNION
SELECT 'concept', min(c.id), ''
FROM planned AS p
JOIN concepts AS c ON c.domain = p.key1
WHERE p.element = 'domain'
GROUP BY c.domain
ORDER BY 1;

-- name: set_repaired
-- What was planned has been done; whether it helped is seen by the next comparison.
UPDATE espalier.graph_drift SET state = 'repaired' WHERE run_id = %(run_id)s AND state = 'planned';

-- name: forget_failed_repairs
-- What was repaired and is still wrong was not repaired. One pass, for the same reason.
DELETE FROM espalier.graph_drift
WHERE id IN (
    SELECT id
    FROM (
        SELECT id, state,
               bool_or(state = 'planned') OVER (PARTITION BY element, key1, key2, difference, detail) AS still
        FROM espalier.graph_drift
        WHERE run_id = %(run_id)s AND state IN ('planned', 'repaired')
    ) AS found
    WHERE still AND state = 'repaired'
);

-- name: set_left
-- What is still planned when no further round is tried is left.
UPDATE espalier.graph_drift SET state = 'left' WHERE run_id = %(run_id)s AND state = 'planned';
