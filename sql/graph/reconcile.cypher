// name: strip_labels
// Takes the labels off a node that are too many, where one of them is the model's and the key is there.
UNWIND $rows AS row
MATCH (n)
WHERE elementId(n) = row[0] AND size([label IN labels(n) WHERE label IN ['Concept', 'Domain', 'User', '_Espalier']]) = 1
  AND CASE WHEN n:Domain THEN n.name ELSE n.id END IS :: STRING NOT NULL
WITH n, [label IN labels(n) WHERE NOT label IN ['Concept', 'Domain', 'User', '_Espalier']] AS surplus
WHERE size(surplus) > 0
REMOVE n:$(surplus)
RETURN count(*) AS removed

// name: remove_stray_nodes
// Removes nodes that still are none of the model's, with what hangs on them.
UNWIND $rows AS row
MATCH (n)
WHERE elementId(n) = row[0] AND NOT CASE labels(n)
    WHEN ['Concept'] THEN n.id IS :: STRING NOT NULL AND NOT n.id CONTAINS $nul
    WHEN ['User'] THEN n.id IS :: STRING NOT NULL AND NOT n.id CONTAINS $nul
    WHEN ['Domain'] THEN n.name IS :: STRING NOT NULL AND NOT n.name CONTAINS $nul
    WHEN ['_Espalier'] THEN coalesce(n.id = 'espalier', false)
    ELSE false
END
DETACH DELETE n
RETURN count(*) AS removed

// name: remove_stray_relationships
// Removes relationships that still are no edge of the model.
UNWIND $rows AS row
MATCH (a)-[r]->(b)
WHERE elementId(r) = row[0] AND NOT CASE type(r)
    WHEN 'MASTERED_BY' THEN a:User AND b:Concept AND a.id IS :: STRING NOT NULL AND b.id IS :: STRING NOT NULL
        AND NOT a.id CONTAINS $nul AND NOT b.id CONTAINS $nul
    WHEN 'PREREQUISITE_OF' THEN a:Concept AND b:Concept AND a.id IS :: STRING NOT NULL AND b.id IS :: STRING NOT NULL
        AND NOT a.id CONTAINS $nul AND NOT b.id CONTAINS $nul
    WHEN 'PART_OF' THEN a:Concept AND b:Domain AND a.id IS :: STRING NOT NULL AND b.name IS :: STRING NOT NULL
        AND NOT a.id CONTAINS $nul AND NOT b.name CONTAINS $nul
    ELSE false
END
DELETE r
RETURN count(*) AS removed

// name: remove_duplicate_relationships
// Removes copies of an edge whose kept copy still lies beside them.
UNWIND $rows AS row
MATCH (a)-[r]->(b)
WHERE elementId(r) = row[0]
  AND EXISTS { MATCH (a)-[k]->(b) WHERE elementId(k) = row[1] AND type(k) = type(r) AND k <> r }
DELETE r
RETURN count(*) AS removed

// name: remove_duplicate_nodes
// Removes copies of a node whose kept copy is still there; what hung on them is written again where it is missing.
UNWIND $rows AS row
MATCH (n) WHERE elementId(n) = row[0]
MATCH (k) WHERE elementId(k) = row[1] AND k <> n AND labels(k) = labels(n)
    AND coalesce(k.id, k.name) = coalesce(n.id, n.name)
DETACH DELETE n
RETURN count(*) AS removed

// name: remove_unattached_domains
// Removes domains that no concept is part of.
UNWIND $rows AS row
MATCH (d:Domain)
WHERE elementId(d) = row[0] AND NOT EXISTS { (d)--() }
DELETE d
RETURN count(*) AS removed

// name: forget_schema
// Has the steps of the graph's own schema done again: copies of a node can only have come where a constraint is gone.
MATCH (l:_Espalier {id: 'espalier'})
SET l.schema = 1
