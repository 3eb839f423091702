-- name: read_prerequisites
-- Reads which concept is a prerequisite of which, to look for cycles.
SELECT "prerequisiteId" AS prerequisite, "conceptId" AS concept
FROM concept_prerequisites
ORDER BY 1, 2;

-- name: read_names
-- Reads the names of concepts.
SELECT id, name FROM concepts WHERE id = ANY (%(ids)s);

-- name: count_concepts_without_domain
-- Counts the concepts that are part of no domain, and names some.
SELECT count(*) AS concepts,
       coalesce((array_agg(name ORDER BY name))[:20], '{}') AS some
FROM concepts
WHERE btrim(coalesce(domain, '')) = '';

-- name: count_unknown_ends_of_prerequisites
-- Counts prerequisites whose concept or prerequisite does not exist: keys that the drain has set aside, and rows, where
-- the application has no foreign key.
SELECT (
           SELECT count(DISTINCT (key1, key2))
           FROM espalier.graph_outbox
           WHERE kind = 'prerequisite' AND attempts > 0
       ) AS set_aside,
       (
           SELECT count(*)
           FROM concept_prerequisites AS p
           WHERE NOT EXISTS (SELECT FROM concepts AS c WHERE c.id = p."conceptId")
              OR NOT EXISTS (SELECT FROM concepts AS c WHERE c.id = p."prerequisiteId")
       ) AS rows;

-- name: count_unknown_ends_of_mastery
-- Counts mastery over users or concepts that do not exist, in the same way.
SELECT (
           SELECT count(DISTINCT (key1, key2))
           FROM espalier.graph_outbox
           WHERE kind = 'mastery' AND attempts > 0
       ) AS set_aside,
       (
           SELECT count(*)
           FROM mastery_records AS m
           WHERE NOT EXISTS (SELECT FROM concepts AS c WHERE c.id = m."conceptId")
              OR NOT EXISTS (SELECT FROM users AS u WHERE u.id = m."userId")
       ) AS rows;

-- name: describe_set_aside
-- Tells why keys were set aside, without naming persons.
SELECT kind, coalesce(reason, '') AS reason, count(*) AS marks, max(attempts) AS attempts
FROM espalier.graph_outbox
WHERE attempts > 0
GROUP BY 1, 2
ORDER BY 3 DESC
LIMIT 20;
