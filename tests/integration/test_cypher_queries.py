"""Every named query of the graph is understood by the server as it is, and the server has nothing against it."""

from collections.abc import Generator
from typing import LiteralString

import pytest

import sql
from orchestration.graph import connect_graph
from orchestration.settings import Settings
from tests.graph_fixtures import Neo4jServer
from tests.unit.test_cypher_files import QUERIES

PARAMETER_MISSING = "01N60"
OWNERSHIP = sql.load("graph", "ownership", "cypher")
_ONE_OF_EACH: LiteralString = """
    MATCH (l:_Espalier)
    SET l.locked = 0
    CREATE (a:Concept {id: 'a', name: 'A', domain: 'd', difficulty: 1, createdAt: 0})
    CREATE (a)-[:PREREQUISITE_OF]->(:Concept {id: 'b', name: 'B', domain: 'd', difficulty: 1, createdAt: 0})
    CREATE (a)-[:PART_OF]->(:Domain {name: 'd'})
    CREATE (:User {id: 'u'})-[:MASTERED_BY {score: 0.5, updatedAt: 0}]->(a)
"""


@pytest.fixture(scope="module")
def model(neo4j_server: Neo4jServer, tmp_path_factory: pytest.TempPathFactory) -> Generator[Neo4jServer]:
    """A graph with our schema and one element of each kind, so that no name in a query is unknown."""
    neo4j_server.empty()
    address = neo4j_server.address
    settings = Settings(
        home=tmp_path_factory.mktemp("queries"),
        neo4j_uri=address.uri,
        neo4j_user=address.user,
        neo4j_password=address.password,
    )
    with connect_graph(settings) as g:
        g.write_marker(epoch="e", token=1, version=0)
        for name, query in OWNERSHIP.items():
            if name.startswith("schema_"):
                g.schema(query)
        g.write(OWNERSHIP["set_schema"], {"schema": 1}, token=1)
    neo4j_server.run(_ONE_OF_EACH)
    yield neo4j_server
    neo4j_server.empty()


@pytest.mark.parametrize("query", QUERIES)
def test_the_server_understands_the_query_and_warns_of_nothing(model: Neo4jServer, query: sql.Query) -> None:
    """Explaining runs nothing. It warns of names that it does not know, and of what is deprecated or a product."""
    with model.driver.session() as session:
        summary = session.run("EXPLAIN " + query.literal).consume()
    assert summary.plan
    found = [status for status in summary.gql_status_objects if status.is_notification]
    assert [status.status_description for status in found if status.gql_status != PARAMETER_MISSING] == []
