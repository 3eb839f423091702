// name: delete_prerequisites
// Removes prerequisites whose rows are gone.
UNWIND $rows AS r
MATCH (:Concept {id: r[0]})-[p:PREREQUISITE_OF]->(:Concept {id: r[1]})
DELETE p

// name: delete_masteries
// Removes what is no longer mastered.
UNWIND $rows AS r
MATCH (:User {id: r[0]})-[m:MASTERED_BY]->(:Concept {id: r[1]})
DELETE m

// name: delete_users
// Removes people who have no mastery left, are erased, or whom the policy leaves out.
UNWIND $ids AS id
MATCH (u:User {id: id})
DETACH DELETE u

// name: delete_concepts
// Removes concepts with all that hangs on them, and tells which domains they were part of.
UNWIND $ids AS id
MATCH (c:Concept {id: id})
OPTIONAL MATCH (c)-[:PART_OF]->(d:Domain)
WITH c, collect(d.name) AS domains
DETACH DELETE c
RETURN domains

// name: write_concepts
// Writes concepts by their id. A property that is null is removed.
UNWIND $rows AS r
MERGE (c:Concept {id: r[0]})
SET c.name = r[1], c.domain = r[2], c.difficulty = r[3], c.createdAt = r[4]

// name: leave_domains
// Takes concepts out of the domains that they are no longer part of, and tells which these were.
UNWIND $rows AS r
MATCH (c:Concept {id: r[0]})-[p:PART_OF]->(d:Domain)
WHERE r[1] IS NULL OR d.name <> r[1]
DELETE p
RETURN DISTINCT d.name AS domain

// name: join_domains
// Puts concepts into their domains; a domain comes with its first concept.
UNWIND $rows AS r
MATCH (c:Concept {id: r[0]})
MERGE (d:Domain {name: r[1]})
MERGE (c)-[:PART_OF]->(d)

// name: delete_empty_domains
// Removes domains that have lost their last concept.
UNWIND $names AS name
MATCH (d:Domain {name: name})
WHERE NOT EXISTS { (d)<-[:PART_OF]-() }
DETACH DELETE d

// name: write_prerequisites
// Writes prerequisites and counts those that had both their ends.
UNWIND $rows AS r
MATCH (p:Concept {id: r[0]})
MATCH (c:Concept {id: r[1]})
MERGE (p)-[:PREREQUISITE_OF]->(c)
RETURN count(DISTINCT r) AS written

// name: write_masteries
// Writes what is mastered, and counts what had its concept. A user comes with the first.
UNWIND $rows AS r
MATCH (c:Concept {id: r[1]})
MERGE (u:User {id: r[0]})
MERGE (u)-[m:MASTERED_BY]->(c)
SET m.score = r[2], m.updatedAt = r[3]
RETURN count(DISTINCT r) AS written

// name: find_absent_concepts
// Tells which ends of edges are not there.
UNWIND $ids AS id
WITH id WHERE NOT EXISTS { (:Concept {id: id}) }
RETURN id

// name: write_users
// Writes people none of whose concepts is there yet.
UNWIND $ids AS id
MERGE (:User {id: id})

// name: page_of_concepts
// Lists concepts in the order of their ids, to mark every key that the graph holds.
MATCH (c:Concept) WHERE c.id > $after
RETURN c.id AS key, [''] AS others
ORDER BY key LIMIT $size

// name: page_of_prerequisites
// Lists the prerequisites of the graph, all those of some concepts at once.
MATCH (p:Concept) WHERE p.id > $after
WITH p ORDER BY p.id LIMIT $size
RETURN p.id AS key, [(p)-[:PREREQUISITE_OF]->(c:Concept) WHERE c.id IS NOT NULL | c.id] AS others

// name: page_of_masteries
// Lists what is mastered in the graph, all of some users at once. A user without any is listed too: it is to go.
MATCH (u:User) WHERE u.id > $after
WITH u ORDER BY u.id LIMIT $size
RETURN u.id AS key, [''] + [(u)-[:MASTERED_BY]->(c:Concept) WHERE c.id IS NOT NULL | c.id] AS others
