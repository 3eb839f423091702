"""Plants drift in a graph by plain Cypher, so many of each kind, and prints what it planted as JSON.

    NEO4J_PASSWORD=… python benchmarks/plant_drift.py URI USER COUNT

Knows nothing of the platform and imports nothing of it: what it plants is what a stranger could do. The users are named
`u<number>`; every kind takes users of its own, so that no drift hides another.
"""

import json
import os
import sys
from collections.abc import Mapping
from typing import LiteralString

import neo4j

# Each works on `u`, a user, and `m` and `c`, one edge of theirs and the concept at its end.
KINDS: Mapping[str, LiteralString] = {
    "deleted": "DELETE m",
    "added": "WITH u MATCH (o:Concept) WHERE NOT (u)-->(o) WITH u, collect(o)[0] AS o "
    "CREATE (u)-[:MASTERED_BY {score: 0.5, updatedAt: 1}]->(o)",
    "changed score": "SET m.score = m.score + 1",
    "changed type of the score": "SET m.score = toString(m.score)",
    "changed type of the edge": "CREATE (u)-[:HAS_MASTERED {score: m.score, updatedAt: m.updatedAt}]->(c) DELETE m",
    "doubled": "CREATE (u)-[:MASTERED_BY {score: m.score, updatedAt: m.updatedAt}]->(c)",
    "wrong label": "REMOVE u:User SET u:Person",
    "label too many": "SET u:Person",
    "wrong direction": "CREATE (c)-[:MASTERED_BY {score: m.score, updatedAt: m.updatedAt}]->(u) DELETE m",
    "orphan": "CREATE (u)-[:MASTERED_BY {score: 0.5, updatedAt: 1}]->({id: 'nowhere'})",
}
TAKE: LiteralString = """
    MATCH (u:User) WHERE toInteger(substring(u.id, 1)) % $kinds = $kind
    WITH u ORDER BY u.id LIMIT $count
    CALL (u) { MATCH (u)-[m:MASTERED_BY]->(c:Concept) RETURN m, c LIMIT 1 }
"""


def main(uri: str, user: str, count: str) -> None:
    """Plant every kind, each in a transaction of its own."""
    planted: dict[str, int] = {}
    with neo4j.GraphDatabase.driver(uri, auth=(user, os.environ["NEO4J_PASSWORD"])) as driver:
        for kind, (name, change) in enumerate(KINDS.items()):
            with driver.session() as session:
                taken = {"kinds": len(KINDS), "kind": kind, "count": int(count)}
                session.run(TAKE + change, taken).consume()
            planted[name] = int(count)
    json.dump(planted, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
