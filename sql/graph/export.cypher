// name: count_kinds
// Counts the elements of each kind, from the count store.
RETURN COUNT { (:Concept) } AS concepts,
       COUNT { (:Domain) } AS domains,
       COUNT { (:User) } AS users,
       COUNT { ()-[:PART_OF]->() } AS part_of,
       COUNT { ()-[:PREREQUISITE_OF]->() } AS prerequisite_of,
       COUNT { ()-[:MASTERED_BY]->() } AS mastered_by

// name: export_concepts
// Streams concepts in the order of their ids: equal graphs give equal files.
MATCH (c:Concept)
WHERE c.id >= ''
RETURN c.id AS id, [[c.id, c.name, c.domain, c.difficulty, c.createdAt]] AS rows
ORDER BY id

// name: export_domains
// Streams domains in the order of their names.
MATCH (d:Domain)
WHERE d.name >= ''
RETURN d.name AS name, [[d.name]] AS rows
ORDER BY name

// name: export_users
// Streams users in the order of their ids.
MATCH (u:User)
WHERE u.id >= ''
RETURN u.id AS id, [[u.id]] AS rows
ORDER BY id

// name: export_part_of
// Streams which concept is part of which domain, packed by concept.
MATCH (c:Concept)
WHERE c.id >= ''
WITH c ORDER BY c.id
RETURN c.id, COLLECT { MATCH (c)-[:PART_OF]->(d:Domain) RETURN [c.id, d.name] ORDER BY d.name }

// name: export_prerequisite_of
// Streams which concept is a prerequisite of which, packed by prerequisite.
MATCH (c:Concept)
WHERE c.id >= ''
WITH c ORDER BY c.id
RETURN c.id, COLLECT { MATCH (c)-[:PREREQUISITE_OF]->(n:Concept) RETURN [c.id, n.id] ORDER BY n.id }

// name: export_mastered_by
// Streams who has mastered what, packed by user.
MATCH (u:User)
WHERE u.id >= ''
WITH u ORDER BY u.id
RETURN u.id, COLLECT {
    MATCH (u)-[m:MASTERED_BY]->(c:Concept) RETURN [u.id, c.id, m.score, m.updatedAt] ORDER BY c.id, m.score, m.updatedAt
}
