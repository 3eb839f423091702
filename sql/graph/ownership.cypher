// name: count_everything
// Counts all nodes; the count store answers.
MATCH (n) RETURN count(n) AS nodes

// name: list_node_contents
// Lists what is in the graph by label, for a person who has to decide whether it may be deleted.
MATCH (n)
RETURN labels(n) AS labels, count(*) AS count
ORDER BY count DESC

// name: list_relationship_contents
// Lists what is in the graph by type of relationship, for the same person.
MATCH ()-[r]->()
RETURN type(r) AS type, count(*) AS count
ORDER BY count DESC

// name: create_marker
// Makes an empty graph ours; a marker that is there stays as it is.
MERGE (l:_Espalier {id: 'espalier'})
ON CREATE SET l.epoch = $epoch, l.token = $token, l.version = 0

// name: delete_some_relationships
// Deletes relationships before their nodes: a transaction that took dense nodes with all that hangs on them would need
// more memory than the server gives it.
MATCH ()-[r]->()
WITH r LIMIT $size
DELETE r
RETURN count(*) AS deleted

// name: delete_some_nodes
// Deletes nodes; asked again until nothing is left but the marker.
MATCH (n) WHERE NOT n:_Espalier
WITH n LIMIT $size
DETACH DELETE n
RETURN count(*) AS deleted

// name: set_schema
// Records the last step of the graph's own schema that was done.
MATCH (l:_Espalier {id: 'espalier'}) SET l.schema = $schema

// name: schema_1
// One marker.
CREATE CONSTRAINT espalier_marker_id IF NOT EXISTS FOR (l:_Espalier) REQUIRE l.id IS UNIQUE

// name: schema_2
// Concepts are found by their id; a rename is a rename.
CREATE CONSTRAINT espalier_concept_id IF NOT EXISTS FOR (c:Concept) REQUIRE c.id IS UNIQUE

// name: schema_3
// Users are found by their id.
CREATE CONSTRAINT espalier_user_id IF NOT EXISTS FOR (u:User) REQUIRE u.id IS UNIQUE

// name: schema_4
// A domain is its name.
CREATE CONSTRAINT espalier_domain_name IF NOT EXISTS FOR (d:Domain) REQUIRE d.name IS UNIQUE

// name: schema_5
// Concepts are looked up by name. Not unique here: two concepts may swap their names in one transaction of Postgres.
CREATE INDEX espalier_concept_name IF NOT EXISTS FOR (c:Concept) ON (c.name)
