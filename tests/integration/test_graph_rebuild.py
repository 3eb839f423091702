"""The rebuild: the new graph equals the old one, and is the answer to a Postgres that was set back."""

from collections.abc import Generator

import pytest

from assets.graph.export import export
from assets.graph.rebuild import adopt, rebuild
from assets.graph.reconcile import reconcile
from orchestration.errors import EspalierError
from orchestration.graph import Graph
from tests import factories
from tests.conftest import Connection, Site
from tests.graph_by_hand import differences
from tests.graph_drainers import drained, in_batches_of, marks
from tests.graph_fixtures import Neo4jServer


@pytest.fixture
def connection(graph_site: Site) -> Generator[Connection]:
    """The application's connection to a small curriculum."""
    with graph_site.connect() as connection:
        for n in range(12):
            factories.concept(connection, f"c{n}", domain=f"domain {n % 3}" if n else None)
            factories.user(connection, f"u{n}")
            if n:
                factories.prerequisite(connection, f"c{n}", f"c{n - 1}")
            for m in range(n + 1):
                factories.mastery(connection, f"u{n}", f"c{m}", score=m / 16)
        yield connection


def epoch(server: Neo4jServer) -> str:
    """Read under which epoch the graph stands."""
    return server.run("MATCH (l:_Espalier) RETURN l.epoch AS epoch")[0]["epoch"]


def checksums(site: Site) -> dict[str, str]:
    """Export the graph and give the checksum of each file: equal graphs have equal ones."""
    made = export(site.postgres, Graph(site.settings))
    return {name: sheet.sha256 for name, sheet in made.sheets.items()}


def test_the_rebuilt_graph_equals_the_old_one_under_a_new_epoch(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    drained(graph_site)
    before, old = checksums(graph_site), epoch(neo4j_server)
    small = in_batches_of(graph_site, 7)
    site = Site(graph_site.server, graph_site.database, graph_site.settings.model_copy(update={"graph": small}))
    done = rebuild(site.postgres, Graph(site.settings))
    assert done.deleted == 12 + 3 + 12
    assert checksums(graph_site) == before
    assert differences(connection, neo4j_server.run) == []
    assert epoch(neo4j_server) == done.epoch != old
    assert (done.reconciliation.found, done.reconciliation.left, done.drained.left) == (0, 0, 0)
    assert marks(connection) == []


def test_a_graph_that_was_spoilt_is_rebuilt_whatever_was_in_it(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    drained(graph_site)
    neo4j_server.run("MATCH (n) WHERE NOT n:_Espalier DETACH DELETE n")
    neo4j_server.run("UNWIND range(1, 50) AS n CREATE (:Cat {id: n})-[:SEES]->(:User {id: 'cat ' + n})")
    rebuild(graph_site.postgres, Graph(graph_site.settings))
    assert differences(connection, neo4j_server.run) == []


def test_a_postgres_that_was_set_back_is_answered_by_a_rebuild(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    drained(graph_site)
    state = connection.execute("SELECT token, intended_version FROM espalier.graph_state").fetchone()
    connection.execute("UPDATE concepts SET name = 'after the backup' WHERE id = 'c1'")
    drained(graph_site)
    assert state is not None
    connection.execute(
        "UPDATE espalier.graph_state SET token = %(token)s, intended_version = %(intended_version)s", state
    )
    connection.execute("UPDATE concepts SET name = 'as in the backup' WHERE id = 'c1'")
    with pytest.raises(EspalierError, match=r"Postgres was set back: .*espalier graph rebuild"):
        reconcile(graph_site.postgres, Graph(graph_site.settings))
    rebuild(graph_site.postgres, Graph(graph_site.settings))
    assert differences(connection, neo4j_server.run) == []
    assert reconcile(graph_site.postgres, Graph(graph_site.settings)).found == 0


def test_a_graph_that_is_not_ours_is_only_emptied_when_it_is_adopted(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    neo4j_server.run("CREATE (:Person {name: 'somebody'})-[:KNOWS]->(:Person)")
    for refused in (rebuild, reconcile, export):
        with pytest.raises(EspalierError, match=r"holds 2 nodes that are not ours.*espalier graph adopt"):
            refused(graph_site.postgres, Graph(graph_site.settings))
    assert neo4j_server.run("MATCH (n) RETURN count(n) AS n") == [{"n": 2}]
    assert adopt(graph_site.postgres, Graph(graph_site.settings)).deleted == 2
    assert differences(connection, neo4j_server.run) == []
