"""The reconciliation under fire: Neo4j killed in mid-repair, its own process killed; the next one makes it good."""

import os
import signal
from contextlib import suppress
from time import monotonic
from typing import Any, LiteralString

import dagster as dg
import pytest

from assets.graph import repair
from assets.graph.reconcile import Reconciliation, reconcile
from orchestration.graph import Graph, GraphLost
from orchestration.resources import Postgres
from orchestration.settings import Settings
from tests.conftest import Connection, Site
from tests.faults.run_drain import run_reconciliation
from tests.faults.test_graph_faults import Fault, address_of, fill, mortal
from tests.graph_by_hand import differences
from tests.graph_drainers import drained, let_lease_run_out
from tests.graph_fixtures import Neo4jServer

__all__ = ["mortal"]

DRIFT: tuple[LiteralString, ...] = (
    "MATCH (:User)-[m:MASTERED_BY]->() SET m.score = -1.0",
    "MATCH (u:User)-[:MASTERED_BY]->(c:Concept) CREATE (u)-[:MASTERED_BY]->(c) CREATE (c)-[:MASTERED_BY]->(u)",
    "MATCH (c:Concept) SET c.name = 'Another'",
)


def reconciled(settings: Settings) -> Reconciliation:
    """Reconcile whatever it is."""
    return reconcile(Postgres(settings), Graph(settings), bound=1.0)


@pytest.mark.parametrize("server", [18], ids=["pg18"], indirect=True, scope="session")
@pytest.mark.parametrize("place", ["graph_repair.removed_page", "graph_repair.marked"])
def test_a_neo4j_that_is_killed_in_mid_repair_comes_back_and_the_next_run_finishes(
    site: Site, mortal: Any, monkeypatch: pytest.MonkeyPatch, place: str
):
    settings, run = address_of(mortal, site)
    with site.connect() as connection:
        fill(connection)
        reconciled(settings)
        for drift in DRIFT:
            run(drift)
        fault = Fault(place, lambda: os.kill(mortal.pid, signal.SIGKILL))
        monkeypatch.setattr(repair, "failpoint", fault)
        began = monotonic()
        with suppress(GraphLost, dg.Failure):
            reconciled(settings)
        assert fault.happened
        assert monotonic() - began < 60
        mortal.start()
        settings, run = address_of(mortal, site)
        assert differences(connection, run) != []
        let_lease_run_out(connection)
        assert reconciled(settings).left == 0
        assert differences(connection, run) == []
        assert reconciled(settings).found == 0


@pytest.mark.parametrize("place", ["graph_repair.removed_page", "graph_repair.marked", "graph_verdict.read"])
def test_a_reconciliation_whose_process_is_killed_is_done_by_the_next_one(
    graph_site: Site, neo4j_server: Neo4jServer, place: str
):
    with graph_site.connect() as connection:
        fill(connection)
        drained(graph_site)
        for drift in DRIFT:
            neo4j_server.run(drift)
        assert run_reconciliation(graph_site, place) == -signal.SIGKILL
        assert differences(connection, neo4j_server.run) != []
        let_lease_run_out(connection)
        assert_next_one_finishes(graph_site, connection, neo4j_server)


def assert_next_one_finishes(site: Site, connection: Connection, server: Neo4jServer) -> None:
    """Reconcile twice: the first makes it good, the second finds nothing."""
    assert reconciled(site.settings).left == 0
    assert differences(connection, server.run) == []
    assert reconciled(site.settings).found == 0
