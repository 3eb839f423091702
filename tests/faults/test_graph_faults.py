"""The drain under fire: servers killed, connections cut or silent, its own process killed or held up anywhere.

Each time it ends within bounds, and the next drain makes the graph equal. Real processes, a real proxy in front.
"""

import os
import signal
from collections.abc import Callable, Generator
from contextlib import suppress
from time import monotonic
from typing import Any, LiteralString

import dagster as dg
import neo4j
import psycopg
import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from assets.graph import drain as drains
from assets.graph import writing
from assets.graph.drain import drain
from orchestration.graph import Graph, GraphLost
from orchestration.patience import Patience
from orchestration.resources import Postgres
from orchestration.servers.neo4j import EmbeddedNeo4j
from orchestration.settings import Settings
from tests import factories
from tests.conftest import Connection, Site
from tests.faults.run_drain import run_drain, running_drain
from tests.graph_by_hand import differences
from tests.graph_drainers import drained, let_lease_run_out, marks
from tests.graph_fixtures import Neo4jServer
from tests.tcp_proxy import through_proxy

FAILPOINTS = [f"graph_drain.{step}" for step in ("read", "renewed", "written", "committed", "forgotten")]
SHORT = Patience(connect=3, transaction=3, silence=4)
LOST = (GraphLost, psycopg.OperationalError, dg.Failure)


@pytest.fixture
def connection(graph_site: Site) -> Generator[Connection]:
    """The application's connection."""
    with graph_site.connect() as connection:
        yield connection


def fill(connection: Connection, rows: int = 20) -> None:
    """Write concepts in a chain, and learners."""
    with connection.transaction():
        for n in range(rows):
            factories.concept(connection, f"c{n}", domain=f"domain {n % 3}")
            factories.mastery(connection, factories.user(connection, f"u{n}"), f"c{n}")
            if n:
                factories.prerequisite(connection, f"c{n}", f"c{n - 1}")


def within_a_minute(look: Callable[[], bool]) -> None:
    """Look again and again until it is so."""
    Retrying(retry=retry_if_result(lambda seen: not seen), stop=stop_after_delay(60), wait=wait_fixed(0.05))(look)


def change(connection: Connection, round: int) -> None:
    """Change something of every kind."""
    connection.execute("UPDATE concepts SET domain = %s WHERE id < 'c15'", [f"round {round}"])
    connection.execute('UPDATE mastery_records SET "masteryScore" = %s, "updatedAt" = now()', [1 / (1 + round)])
    connection.execute('DELETE FROM concept_prerequisites WHERE "conceptId" = %s', [f"c{round + 1}"])
    factories.concept(connection, f"new in round {round}")


@pytest.mark.parametrize("failpoint", [*FAILPOINTS, "graph_drain.expanded_rows"])
def test_a_drain_whose_process_is_killed_is_done_by_the_next_one(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer, failpoint: str
):
    fill(connection)
    drained(graph_site)
    if failpoint == "graph_drain.expanded_rows":
        connection.execute("TRUNCATE mastery_records")
    else:
        change(connection, 1)
    assert run_drain(graph_site, f"{failpoint}@1") == -signal.SIGKILL
    assert differences(connection, neo4j_server.run) != []
    assert marks(connection) != []
    let_lease_run_out(connection)
    assert drained(graph_site).left == 0
    assert differences(connection, neo4j_server.run) == []


def test_a_process_that_is_stopped_and_resumed_after_another_took_over_writes_nothing(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    """Stopped anywhere, perhaps inside its transaction, whose locks the server frees when its time is up."""
    drained(graph_site)
    fill(connection, 300)
    all_of_them = len(marks(connection))
    with running_drain(graph_site, batch_size=3) as process:
        within_a_minute(lambda: len(marks(connection)) < all_of_them)
        os.kill(process.pid, signal.SIGSTOP)
        let_lease_run_out(connection)
        connection.execute("UPDATE concepts SET name = 'fresh ' || id")
        assert drained(graph_site).left == 0
        connection.execute("UPDATE concepts SET name = 'fresher ' || id")
        os.kill(process.pid, signal.SIGCONT)
        assert process.wait(60) != 0
    drained(graph_site)
    assert differences(connection, neo4j_server.run) == []


class Fault:
    """Does something once, when a drain comes to a place."""

    def __init__(self, place: str, work: Callable[[], None]) -> None:
        self.place, self.work, self.happened = place, work, False

    def __call__(self, place: str) -> None:
        """Stand in for a failpoint."""
        if place == self.place and not self.happened:
            self.happened = True
            self.work()


def drain_under(fault: Fault, settings: Settings, site: Site) -> None:
    """Drain with a fault; it may fail, within the time that is allowed, and must not hang."""
    began = monotonic()
    with pytest.MonkeyPatch.context() as patch:
        for module in (drains, writing):
            patch.setattr(module, "failpoint", fault)
        with suppress(*LOST):
            drain(Postgres(settings), Graph(settings, SHORT), holder="test")
    assert fault.happened
    assert monotonic() - began < 20


@pytest.mark.parametrize("side", ["neo4j", "postgres"])
@pytest.mark.parametrize("fault", ["cut", "freeze"])
def test_a_connection_that_breaks_or_falls_silent_ends_the_drain_in_time_and_the_next_one_makes_it_good(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer, side: str, fault: str
):
    fill(connection)
    with through_proxy(graph_site, side) as (settings, proxy):
        for round, place in enumerate(FAILPOINTS):
            change(connection, round)
            drain_under(Fault(place, getattr(proxy, fault)), settings, graph_site)
            proxy.thaw()
            let_lease_run_out(connection)
            assert drain(Postgres(settings), Graph(settings, SHORT), holder="next").left == 0
            assert differences(connection, neo4j_server.run) == [], place


@pytest.fixture
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Generator[EmbeddedNeo4j]:
    """A Neo4j that a test may kill."""
    embedded = EmbeddedNeo4j(tmp_path_factory.mktemp("mortal"))
    embedded.start()
    yield embedded
    embedded.remove()


def address_of(embedded: EmbeddedNeo4j, site: Site) -> tuple[Settings, Callable[..., list[dict[str, Any]]]]:
    """Give the settings of a site whose graph is on a server of its own, and a way to ask that server."""
    address = Settings(home=embedded.home).neo4j()
    settings = site.settings.model_copy(
        update={"neo4j_uri": address.uri, "neo4j_user": address.user, "neo4j_password": address.password}
    )

    def run(query: LiteralString, **parameters: Any) -> list[dict[str, Any]]:
        auth = (address.user, address.password.get_secret_value())
        with neo4j.GraphDatabase.driver(address.uri, auth=auth) as driver, driver.session() as session:
            return session.run(query, parameters).data()

    return settings, run


@pytest.mark.parametrize("server", [18], ids=["pg18"], indirect=True)
@pytest.mark.parametrize("place", ["graph_drain.written", "graph_drain.committed"])
def test_a_neo4j_that_is_killed_in_mid_drain_comes_back_and_the_graph_is_made_equal(
    site: Site, mortal: EmbeddedNeo4j, place: str
):
    settings, _ = address_of(mortal, site)
    with site.connect() as connection:
        fill(connection)
        pid = mortal.pid
        assert pid
        drain_under(Fault(place, lambda: os.kill(pid, signal.SIGKILL)), settings, site)
        mortal.start()
        settings, run = address_of(mortal, site)
        let_lease_run_out(connection)
        assert drain(Postgres(settings), Graph(settings), holder="next").left == 0
        assert differences(connection, run) == []
