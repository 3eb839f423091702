"""Asset reads and writes and the graph's drain through a real PgBouncer in transaction mode; migrations around it."""

import shutil
import tempfile
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest
from dagster import DagsterInstance
from pydantic import SecretStr

from assets.graph.drain import drain
from assets.graph.follow import follow
from assets.graph.reconcile import reconcile
from migrations import runner
from orchestration.errors import EspalierError
from orchestration.graph import Graph
from orchestration.resources import Postgres
from tests import factories
from tests.conftest import Materialize, Server, Site, figures
from tests.embedded import eventually
from tests.graph_fixtures import Neo4jServer
from tests.pooler import POOL_SIZE, Pooler, pooler_before

# A session of the follower's own on the server itself, as a client of the pooler has none.
LISTENING = """
    SELECT FROM pg_stat_activity
    WHERE datname = %(name)s AND usename = 'espalier_migrator' AND query LIKE 'LISTEN%%'
"""


@pytest.fixture(scope="module")
def pooler(server: Server) -> Generator[Pooler]:
    """A PgBouncer before the server; its folder is one that the server's user can enter."""
    folder = Path(tempfile.mkdtemp(prefix="espalier-pooler-"))
    with pooler_before(server, folder) as pooler:
        yield pooler
    shutil.rmtree(folder)


@pytest.fixture
def pooled(graph_site: Site, pooler: Pooler) -> Site:
    """A site whose DATABASE_URL leads through the pooler, and whose DIRECT_DATABASE_URL does not."""
    url = pooler.url("jobs", graph_site.database)
    settings = graph_site.settings.model_copy(update={"database_url": SecretStr(url)})
    return replace(graph_site, settings=settings)


def test_the_pooler_shares_its_sessions_and_knows_no_prepared_statements(pooled: Site, pooler: Pooler):
    """What the other tests would not notice: a pooler that is none."""
    url = pooled.settings.url("jobs")
    with psycopg.connect(url, autocommit=True) as one, psycopg.connect(url, autocommit=True) as other:
        sessions = {c.execute("SELECT pg_backend_pid()", prepare=False).fetchall()[0][0] for c in (one, other)}
    assert len(sessions) == 1
    assert [row["value"] for row in pooler.show("CONFIG") if row["key"] == "pool_mode"] == ["transaction"]


def test_assets_read_and_write_through_it(pooled: Site, pooler: Pooler, instance: DagsterInstance):
    with pooled.connect() as connection:
        factories.users(connection, "a", "b", "c")
        for voter, target in (("a", "b"), ("b", "a"), ("c", "a")):
            factories.vote(connection, voter, target)
        factories.points(connection, "a", 30)
    before = pooler.transactions(pooled.database)
    materialize = Materialize(pooled, instance)
    keys = ("community/vote_graph", "community/xp_ledger", "community/trust_scores")
    first, second = materialize(*keys), materialize(*keys)
    assert [figures(first, key)["rows_written"] for key in keys][0::2] == [3, 3]
    assert [figures(second, key)["rows_written"] for key in keys] == [0, 0, 0]
    assert pooler.transactions(pooled.database) > before


def test_a_partition_is_materialized_through_it(pooled: Site, instance: DagsterInstance):
    with pooled.connect("rag") as connection:
        learner = factories.learner(connection)
        factories.dialogue(connection, learner)
    result = Materialize(pooled, instance)("rag/rag_metrics_history", partition="2026-01-01")
    assert figures(result, "rag/rag_metrics_history")["rows_written"] == 1


def test_the_graph_is_drained_and_reconciled_through_it(pooled: Site, pooler: Pooler, neo4j_server: Neo4jServer):
    with pooled.connect() as connection:
        factories.users(connection, "u")
        for name in "abc":
            factories.concept(connection, name, domain="letters")
        factories.prerequisite(connection, "b", "a")
        factories.mastery(connection, "u", "a", 0.9)
    before = pooler.transactions(pooled.database)
    postgres, graph = Postgres(pooled.settings), Graph(pooled.settings)
    done = drain(postgres, graph, holder="test")
    assert (done.left, done.parked) == (0, 0)
    assert pooler.transactions(pooled.database) > before
    assert neo4j_server.run(
        "MATCH (:User)-[m:MASTERED_BY]->(c)-[:PREREQUISITE_OF]->(d) RETURN c.id, d.id, m.score"
    ) == [{"c.id": "a", "d.id": "b", "m.score": 0.9}]
    found = reconcile(postgres, graph)
    assert (found.found, found.left, found.in_flight) == (0, 0, 0)


def test_the_graph_follows_through_it_and_listens_around_it(pooled: Site, neo4j_server: Neo4jServer):
    stop = Event()
    follower = Thread(target=follow, args=(pooled.settings, stop))
    follower.start()
    try:
        with pooled.connect() as connection:
            eventually(lambda: connection.execute(LISTENING, {"name": pooled.database}).rowcount == 1)
            factories.concept(connection, "late")
        eventually(lambda: bool(neo4j_server.run("MATCH (c:Concept {id: 'late'}) RETURN c.id")))
    finally:
        stop.set()
        follower.join(60)
    assert not follower.is_alive()


def test_more_clients_than_sessions_wait_for_each_other(pooled: Site):
    """Each asks in a transaction of its own, so that none holds a session while it does something else."""
    postgres = Postgres(pooled.settings)

    def count(_: int) -> int:
        session = postgres.session("community", needs="community_0001", tables=["users"])
        with session as opened, opened.transaction() as tx:
            return len(tx.connection.execute("SELECT FROM users").fetchall())

    with ThreadPoolExecutor(4 * POOL_SIZE) as pool:
        assert set(pool.map(count, range(4 * POOL_SIZE))) == {0}


def test_a_migration_through_it_is_refused_and_one_around_it_is_not_held_up(pooled: Site, pooler: Pooler):
    """The refused one must leave no lock in the session that the pooler keeps."""
    through = pooler.url("migrator", pooled.database)
    wrong = pooled.settings.model_copy(update={"direct_database_url": SecretStr(through)})
    with pytest.raises(
        EspalierError, match=r"^DIRECT_DATABASE_URL: two connections to .* share a session, so a pooler"
    ):
        runner.migrate(wrong, "community")
    assert runner.migrate(pooled.settings, "community", patience=5).ok


def test_a_migration_is_refused_where_only_the_pooler_is_given(pooled: Site, pooler: Pooler):
    through = pooler.url("migrator", pooled.database)
    only = pooled.settings.model_copy(update={"database_url": SecretStr(through), "direct_database_url": None})
    with pytest.raises(EspalierError, match="share a session, so a pooler stands between"):
        runner.migrate(only, "community")
