// name: fence
// Opens every write of ours: goes on only while nobody has a higher token. The first SET takes the marker's write lock,
// so that the comparison sees what the last writer committed (a predicate before it would be decided without the lock,
// and a writer that was held up could then go back behind its successor). The version is how far this writer means to
// get; it only rises.
MATCH (l:_Espalier {id: 'espalier'})
SET l.locked = $token
WITH l WHERE coalesce(l.token, 0) <= $token
SET l.token = $token, l.version = CASE WHEN $version > coalesce(l.version, 0) THEN $version ELSE l.version END
RETURN l.token AS token

// name: read_marker
// Reads whose graph this is and how far it was written.
MATCH (l:_Espalier {id: 'espalier'})
RETURN l.epoch AS epoch, coalesce(l.token, 0) AS token, coalesce(l.version, 0) AS version,
       coalesce(l.schema, 0) AS schema

// name: write_marker
// Makes the graph ours as it is, under a new epoch. Without a schema: it is not to be used before it was emptied.
MERGE (l:_Espalier {id: 'espalier'})
SET l = {id: 'espalier', epoch: $epoch, token: $token, version: $version}
