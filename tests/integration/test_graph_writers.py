"""Who may write the graph: one at a time, never a writer that was overtaken, and only a graph that is ours."""

from collections.abc import Generator
from pathlib import Path
from threading import Thread
from typing import Any

import dagster as dg
import pytest
from neo4j.exceptions import Neo4jError
from psycopg.sql import SQL, Identifier
from pydantic import SecretStr

import sql
from assets.graph import ownership
from assets.graph.lease import LeaseHeld
from orchestration.errors import EspalierError
from orchestration.graph import Fenced, Graph, GraphSession, connect_graph
from orchestration.patience import Patience
from orchestration.resources import REFUSED
from orchestration.servers import neo4j_unavailable
from tests import factories
from tests.conftest import Connection, Site
from tests.graph_by_hand import differences
from tests.graph_drainers import drain_a_batch, drained, drainer, let_lease_run_out, marks
from tests.graph_fixtures import Neo4jServer
from tests.migrations.site_state import eventually

FENCE = sql.load("graph", "lease", "cypher")["fence"].literal
WRITE_CONCEPTS = sql.load("graph", "drain", "cypher")["write_concepts"]


@pytest.fixture
def connection(graph_site: Site) -> Generator[Connection]:
    """The application's connection; one concept is in the graph."""
    with graph_site.connect() as connection:
        factories.concept(connection, "c1", name="old")
        drained(graph_site)
        yield connection


def rename(connection: Connection, name: str) -> None:
    connection.execute("UPDATE concepts SET name = %s WHERE id = 'c1'", [name])


def state(connection: Connection) -> dict[str, Any]:
    row = connection.execute("SELECT * FROM espalier.graph_state").fetchone()
    assert row
    return row


def test_a_second_writer_is_told_who_writes_until_when(graph_site: Site, connection: Connection):
    with (
        drainer(graph_site, holder="night shift"),
        pytest.raises(LeaseHeld, match=r"written by night shift until .* UTC; wait"),
    ):
        drained(graph_site)
    assert (state(connection)["holder"], state(connection)["expires_at"]) == (None, None)
    assert drained(graph_site).keys == 0


def test_a_writer_that_waits_gets_its_turn(graph_site: Site, connection: Connection):
    rename(connection, "new")
    results: list[int] = []
    waiting = Thread(target=lambda: results.append(drained(graph_site, wait=30).keys))
    with drainer(graph_site):
        waiting.start()
    waiting.join(30)
    assert results == [1]


def test_a_lease_that_ran_out_is_taken_over_and_its_holder_writes_nothing_more(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    """The first is held up after it has read, and, once more, after it has renewed."""
    for name, renewed in (("a", False), ("b", True)):
        with drainer(graph_site, holder="first") as first:
            rename(connection, f"stale {name}")
            stale = first.read()
            if renewed:
                first.renew(stale)
            let_lease_run_out(connection)
            rename(connection, f"fresh {name}")
            with drainer(graph_site, holder="second") as second:
                assert drain_a_batch(second)
                if not renewed:
                    with pytest.raises(Fenced, match="was taken over; nothing was written"):
                        first.renew(stale)
                with pytest.raises(Fenced, match="has been taken over from the writer with token"):
                    first.write(stale)
            assert differences(connection, neo4j_server.run) == []
    assert marks(connection) == []


def test_giving_back_a_lease_that_was_taken_over_takes_nothing_from_the_new_holder(
    graph_site: Site, connection: Connection
):
    with drainer(graph_site, holder="second") as second:
        let_lease_run_out(connection)
        with drainer(graph_site, holder="third"):
            second.held.release()
            assert state(connection)["holder"] == "third"


def test_a_writer_whose_lease_ran_out_unnoticed_goes_on(graph_site: Site, connection: Connection):
    rename(connection, "new")
    with drainer(graph_site) as steps:
        let_lease_run_out(connection)
        assert drain_a_batch(steps)


def test_the_fence_sees_what_the_last_writer_committed_while_it_waited_for_its_lock(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    """A predicate that is decided before the lock is held would let the stale writer through."""
    found: list[Any] = []

    def stale() -> None:
        found.append(neo4j_server.run(FENCE, token=100, version=1))

    with neo4j_server.driver.session() as session, session.begin_transaction() as fresh:
        assert fresh.run(FENCE, token=101, version=2).data() == [{"token": 101}]
        waiting = Thread(target=stale)
        waiting.start()
        blocked = "SHOW TRANSACTIONS YIELD status WHERE status STARTS WITH 'Blocked' RETURN status"
        assert eventually(lambda: neo4j_server.run(blocked))
        fresh.commit()
    waiting.join(30)
    assert found == [[]]
    connection.execute("UPDATE espalier.graph_state SET token = 101, intended_version = 1000")
    assert drained(graph_site).keys == 0


def test_an_open_transaction_of_a_writer_that_is_stopped_is_ended_by_the_server(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    """It holds the marker's lock; its successor waits for no more than the time that a transaction may last."""

    def write_while_overtaken(stopped: GraphSession) -> None:
        with stopped.fenced(1) as tx:
            rename(connection, "new")
            assert drained(graph_site).written == 1
            tx.run(WRITE_CONCEPTS, rows=[["c1", "stale", None, 1, 0]])

    with connect_graph(graph_site.settings, Patience(transaction=1)) as stopped:
        with pytest.raises(Neo4jError) as ended:
            write_while_overtaken(stopped)
        assert "TransactionTimedOut" in (ended.value.code or "")
    assert differences(connection, neo4j_server.run) == []


def test_a_graph_that_holds_something_and_no_marker_is_refused_until_it_is_adopted(
    graph_site: Site, neo4j_server: Neo4jServer
):
    neo4j_server.run("CREATE (:Film {title: 'Brazil'})-[:HAS]->(:Actor), (:Actor), (:Concept {id: 'theirs'})")
    with pytest.raises(EspalierError, match=r"holds 4 nodes that are not ours; .*espalier graph adopt"):
        drained(graph_site)
    assert neo4j_server.run("MATCH (n) RETURN count(n) AS n") == [{"n": 4}]
    with graph_site.connect() as connection, drainer(graph_site, seize=True) as steps:
        contents = ownership.foreign_contents(steps.graph)
        assert {"labels": ["Actor"], "count": 2} in contents
        assert {"type": "HAS", "count": 1} in contents
        with pytest.raises(EspalierError, match="was not finished; run `espalier graph rebuild`"):
            ownership.verify(steps.graph, ownership.read_state(steps.session), steps.graph.read_marker())
        factories.concept(connection, "c1")
        assert ownership.start_over(steps.session, steps.graph, steps.held.token, steps.held.renew) == 4
        steps.run()
        assert differences(connection, neo4j_server.run) == []
    assert drained(graph_site).keys == 0


@pytest.mark.parametrize("set_back", ["token", "intended_version"])
def test_a_postgres_that_was_set_back_is_noticed_each_time_until_the_graph_is_rebuilt(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer, set_back: str
):
    for name in "abc":
        rename(connection, name)
        drained(graph_site)
    connection.execute(SQL("UPDATE espalier.graph_state SET {} = 0").format(Identifier(set_back)))
    connection.execute("UPDATE concepts SET name = 'restored' WHERE id = 'c1'")
    for _ in range(6):
        with pytest.raises(EspalierError, match=r"Postgres was set back: .*run `espalier graph rebuild`"):
            drained(graph_site)
    with drainer(graph_site, seize=True) as steps:
        ownership.start_over(steps.session, steps.graph, steps.held.token, steps.held.renew)
        steps.run()
    assert drained(graph_site).keys == 0
    assert differences(connection, neo4j_server.run) == []


def test_a_postgres_from_before_the_graph_was_rebuilt_is_another_database(graph_site: Site, connection: Connection):
    before = state(connection)
    with drainer(graph_site, seize=True) as steps:
        ownership.start_over(steps.session, steps.graph, steps.held.token, steps.held.renew)
    assert state(connection)["epoch"] != before["epoch"]
    connection.execute("UPDATE espalier.graph_state SET epoch = %s, token = 1000", [before["epoch"]])
    with pytest.raises(EspalierError, match="belongs to another database, or Postgres was set back"):
        drained(graph_site)


def test_a_graph_whose_server_lost_everything_is_filled_again(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    neo4j_server.empty()
    assert marks(connection) == []
    assert drained(graph_site).written == 1
    assert differences(connection, neo4j_server.run) == []


def test_the_graphs_own_schema_is_made_once_and_made_good_where_a_step_is_missing(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    def names() -> set[str]:
        rows = neo4j_server.run("SHOW INDEXES YIELD name, type, state WHERE type <> 'LOOKUP' RETURN name, state")
        assert {row["state"] for row in rows} == {"ONLINE"}
        return {row["name"] for row in rows}

    whole = names()
    assert whole == {
        f"espalier_{name}" for name in ("marker_id", "concept_id", "user_id", "domain_name", "concept_name")
    }
    neo4j_server.run("DROP CONSTRAINT espalier_user_id")
    neo4j_server.run("MATCH (l:_Espalier) SET l.schema = 2")
    drained(graph_site)
    assert names() == whole
    assert neo4j_server.run("MATCH (l:_Espalier) RETURN l.schema AS schema") == [{"schema": 5}]


def test_without_a_graph_the_refusal_is_one_line_that_says_what_to_do(graph_site: Site, tmp_path: Path):
    def refusal(**changes: Any) -> str:
        settings = graph_site.settings.model_copy(update=changes)
        with pytest.raises(dg.Failure) as failure, Graph(settings, Patience(connect=2)).session():
            pass
        line = failure.value.description or ""
        assert (failure.value.allow_retries, REFUSED in failure.value.metadata, "\n" in line) == (False, True, False)
        assert "geheim" not in line
        return line

    assert refusal(neo4j_password=SecretStr("geheim")).endswith("correct NEO4J_USER and NEO4J_PASSWORD")
    assert refusal(neo4j_uri="bolt://127.0.0.1:1").startswith("cannot connect to Neo4j at bolt://127.0.0.1:1: ")
    assert refusal(neo4j_uri="postgres://127.0.0.1:1").startswith("NEO4J_URI: ")
    assert refusal(neo4j_uri=None, home=tmp_path).endswith("run `espalier up`")
    (tmp_path / "neo4j").mkdir()
    neo4j_unavailable.remember(tmp_path, neo4j_unavailable.Neo4jUnavailable("no Java here; install Java 17"))
    assert refusal(neo4j_uri=None, home=tmp_path) == "no Java here; install Java 17"


def test_a_node_with_very_many_edges_is_deleted_in_pages_under_a_lease_that_is_prolonged(
    graph_site: Site, neo4j_server: Neo4jServer
):
    neo4j_server.run("CREATE (a:Hub), (b:Hub) WITH a, b UNWIND range(1, 25000) AS n CREATE (a)-[:LINK]->(b)")
    renewed: list[int] = []
    with drainer(graph_site, seize=True) as steps:

        def renew() -> None:
            steps.held.renew()
            renewed.append(neo4j_server.run("MATCH ()-[r:LINK]->() RETURN count(r) AS n")[0]["n"])

        assert ownership.start_over(steps.session, steps.graph, steps.held.token, renew) == 2
    assert renewed == [15_000, 5_000, 0, 0]
