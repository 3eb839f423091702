// name: find_concepts
// The concepts that a person may mean by an id or an exact name. Names need not be unique; both are indexed.
MATCH (c:Concept) WHERE c.id = $given OR c.name = $given
RETURN c.id AS id, coalesce(c.name, '') AS name, c.domain AS domain, coalesce(c.difficulty, 0) AS difficulty
ORDER BY id;

// name: find_user
// Whether a user is in the graph: who has no mastery record, or is left out by policy, is not.
MATCH (u:User {id: $user})
RETURN u.id AS id;

// name: describe
// What is shown of concepts.
UNWIND $ids AS id
MATCH (c:Concept {id: id})
RETURN c.id AS id, coalesce(c.name, '') AS name, c.domain AS domain, coalesce(c.difficulty, 0) AS difficulty;

// name: prerequisites_of
// One hop up from a frontier: each concept once, however many edges lead to it. Paths are never enumerated: there are
// exponentially many in a dense graph, and what is asked for is which concepts, at which distance.
UNWIND $frontier AS id
MATCH (:Concept {id: id})<-[:PREREQUISITE_OF]-(p:Concept)
RETURN DISTINCT p.id AS id;

// name: edges_into
// The direct prerequisites of each of these concepts, a row for a concept.
UNWIND $ids AS id
MATCH (c:Concept {id: id})<-[:PREREQUISITE_OF]-(p:Concept)
RETURN c.id AS id, collect(DISTINCT p.id) AS others;

// name: edges_out_of
// What each of these concepts is a direct prerequisite of, a row for a concept.
UNWIND $ids AS id
MATCH (c:Concept {id: id})-[:PREREQUISITE_OF]->(d:Concept)
RETURN c.id AS id, collect(DISTINCT d.id) AS others;

// name: shortest_chain
// A shortest chain of prerequisites between two concepts: breadth first from both ends. 50 is the largest bound that
// the settings allow; a chain that is longer than asked for is left out by the caller, as a further condition here
// would make the server enumerate.
MATCH (from:Concept {id: $from})
MATCH (to:Concept {id: $to})
MATCH chain = shortestPath((from)-[:PREREQUISITE_OF*1..50]->(to))
RETURN [c IN nodes(chain) | c.id] AS ids;

// name: mastery_of
// Every score that a user has, NaN left out. Two edges between the same two would be drift: the better one counts until
// it is gone.
MATCH (:User {id: $user})-[m:MASTERED_BY]->(c:Concept)
WITH c.id AS id, max(toFloatOrNull(m.score)) AS score WHERE NOT isNaN(score)
RETURN id, score;

// name: next_concepts
// Concepts that can begin now: not mastered, every direct prerequisite is. What something has been mastered for comes
// first, then what needs nothing. A concept that names itself as its prerequisite does not wait for itself. The
// prerequisites are collected a concept at a time: NOT EXISTS is planned as a scan of all concepts for each.
MATCH (c:Concept) WHERE NOT c.id IN $mastered
OPTIONAL MATCH (c)<-[:PREREQUISITE_OF]-(p:Concept) WHERE p <> c
WITH c, collect(DISTINCT p.id) AS needs
WHERE all(need IN needs WHERE need IN $mastered)
OPTIONAL MATCH (c)-[:PREREQUISITE_OF]->(d:Concept) WHERE d <> c
RETURN c.id AS id, coalesce(c.name, '') AS name, c.domain AS domain, coalesce(c.difficulty, 0) AS difficulty,
       size(needs) AS prerequisites, count(DISTINCT d) AS unlocks
ORDER BY prerequisites = 0, difficulty, name, id;
