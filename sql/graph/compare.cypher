// name: count_elements
// Counts everything that stands in the graph, from the count store: what the packed reads did not see is no element
// of the model.
MATCH (n)
WITH count(n) AS nodes
RETURN nodes, COUNT { ()-[]->() } AS relationships

// name: read_concepts
// Streams every concept with what it shows.
MATCH (c:Concept)
RETURN c.id, c.name, c.domain, c.difficulty, c.createdAt

// name: read_domains
// Streams every domain with the concepts that are part of it, packed: a record an edge takes five times as long.
MATCH (d:Domain)
RETURN d.name, COLLECT { MATCH (c:Concept)-[:PART_OF]->(d) RETURN c.id }

// name: read_prerequisites
// Streams every concept that others need, with those that need it.
MATCH (c:Concept)
WHERE EXISTS { (c)-[:PREREQUISITE_OF]->(:Concept) }
RETURN c.id, COLLECT { MATCH (c)-[:PREREQUISITE_OF]->(n:Concept) RETURN n.id }

// name: read_people
// Streams every user with their mastery as one flat list (concept, score, time, concept …), many users a record: what a
// record costs is then nothing, and half the time goes. The server holds a reference to each user meanwhile.
MATCH (u:User)
WITH collect(u) AS users
UNWIND range(0, size(users) - 1, $group) AS start
CALL (users, start) {
    UNWIND users[start..start + $group] AS u
    RETURN collect([
        u.id,
        COLLECT { MATCH (u)-[m:MASTERED_BY]->(c:Concept) UNWIND [c.id, m.score, m.updatedAt] AS value RETURN value }
    ]) AS people
}
RETURN people

// name: find_concepts
// Reads the concepts of some keys, and how many edges hang on each. IN is answered by the index, and by one scan where somebody dropped it.
MATCH (c:Concept)
WHERE c.id IN $keys1
RETURN c.id, '', elementId(c), [c.name, c.domain, c.difficulty, c.createdAt], COUNT { (c)--() }

// name: find_domains
// Reads the domains of some keys, in the same way.
MATCH (d:Domain)
WHERE d.name IN $keys1
RETURN d.name, '', elementId(d), [], COUNT { (d)--() }

// name: find_users
// Reads the users of some keys, in the same way.
MATCH (u:User)
WHERE u.id IN $keys1
RETURN u.id, '', elementId(u), [], COUNT { (u)--() }

// name: find_part_of
// Reads the edges between concepts and domains of some keys.
MATCH (c:Concept)
WHERE c.id IN $keys1
MATCH (c)-[p:PART_OF]->(d:Domain)
WHERE d.name IN $keys2
RETURN c.id, d.name, elementId(p), [], 0

// name: find_prerequisite_of
// Reads the edges between concepts of some keys.
MATCH (c:Concept)
WHERE c.id IN $keys1
MATCH (c)-[p:PREREQUISITE_OF]->(n:Concept)
WHERE n.id IN $keys2
RETURN c.id, n.id, elementId(p), [], 0

// name: find_mastered_by
// Reads the edges between users and concepts of some keys, with what they show.
MATCH (u:User)
WHERE u.id IN $keys1
MATCH (u)-[m:MASTERED_BY]->(c:Concept)
WHERE c.id IN $keys2
RETURN u.id, c.id, elementId(m), [m.score, m.updatedAt], 0

// name: list_keys_of_concept
// Lists the keys of all edges at one concept, whatever Postgres says about them.
MATCH (c:Concept {id: $id})
CALL (c) {
    MATCH (c)-[:PART_OF]->(d:Domain) RETURN 'part_of' AS element, c.id AS key1, d.name AS key2
    UNION
    MATCH (c)-[:PREREQUISITE_OF]->(n:Concept) RETURN 'prerequisite_of' AS element, c.id AS key1, n.id AS key2
    UNION
    MATCH (p:Concept)-[:PREREQUISITE_OF]->(c) RETURN 'prerequisite_of' AS element, p.id AS key1, c.id AS key2
    UNION
    MATCH (u:User)-[:MASTERED_BY]->(c) RETURN 'mastered_by' AS element, u.id AS key1, c.id AS key2
}
RETURN element, key1, key2

// name: list_keys_of_user
// Lists the keys of all edges at one user.
MATCH (u:User {id: $id})-[:MASTERED_BY]->(c:Concept)
RETURN DISTINCT 'mastered_by', u.id, c.id

// name: list_stray_nodes
// Lists the nodes that no packed read takes for what they are: another label, one label too many, no key.
MATCH (n)
WHERE NOT CASE labels(n)
    WHEN ['Concept'] THEN n.id IS :: STRING NOT NULL AND NOT n.id CONTAINS $nul
    WHEN ['User'] THEN n.id IS :: STRING NOT NULL AND NOT n.id CONTAINS $nul
    WHEN ['Domain'] THEN n.name IS :: STRING NOT NULL AND NOT n.name CONTAINS $nul
    WHEN ['_Espalier'] THEN coalesce(n.id = 'espalier', false)
    ELSE false
END
RETURN elementId(n), labels(n), n.id, n.name

// name: list_stray_relationships
// Lists the relationships that are no edge of the model: another type, another direction, an end without label or key.
MATCH (a)-[r]->(b)
WHERE NOT CASE type(r)
    WHEN 'MASTERED_BY' THEN a:User AND b:Concept AND a.id IS :: STRING NOT NULL AND b.id IS :: STRING NOT NULL
        AND NOT a.id CONTAINS $nul AND NOT b.id CONTAINS $nul
    WHEN 'PREREQUISITE_OF' THEN a:Concept AND b:Concept AND a.id IS :: STRING NOT NULL AND b.id IS :: STRING NOT NULL
        AND NOT a.id CONTAINS $nul AND NOT b.id CONTAINS $nul
    WHEN 'PART_OF' THEN a:Concept AND b:Domain AND a.id IS :: STRING NOT NULL AND b.name IS :: STRING NOT NULL
        AND NOT a.id CONTAINS $nul AND NOT b.name CONTAINS $nul
    ELSE false
END
RETURN elementId(r), type(r), [labels(a), a.id, a.name], [labels(b), b.id, b.name]

// name: list_stray_relationships_at
// Lists the relationships at one node that are no edge of the model.
MATCH (c:Concept|User {id: $id})-[r]-()
WITH DISTINCT r, startNode(r) AS a, endNode(r) AS b
WHERE NOT CASE type(r)
    WHEN 'MASTERED_BY' THEN a:User AND b:Concept AND a.id IS :: STRING NOT NULL AND b.id IS :: STRING NOT NULL
        AND NOT a.id CONTAINS $nul AND NOT b.id CONTAINS $nul
    WHEN 'PREREQUISITE_OF' THEN a:Concept AND b:Concept AND a.id IS :: STRING NOT NULL AND b.id IS :: STRING NOT NULL
        AND NOT a.id CONTAINS $nul AND NOT b.id CONTAINS $nul
    WHEN 'PART_OF' THEN a:Concept AND b:Domain AND a.id IS :: STRING NOT NULL AND b.name IS :: STRING NOT NULL
        AND NOT a.id CONTAINS $nul AND NOT b.name CONTAINS $nul
    ELSE false
END
RETURN elementId(r), type(r), [labels(a), a.id, a.name], [labels(b), b.id, b.name]
