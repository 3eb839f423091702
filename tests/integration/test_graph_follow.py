"""Following Postgres: within seconds, through outages of either server, told of once; and the alarm when it lags."""

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterInstance
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from assets.graph import follow as following
from assets.graph.follow import follow
from orchestration import outbox_sensor, sensors
from orchestration.patience import Patience
from orchestration.settings import Settings
from tests import factories
from tests.conftest import Connection, Site
from tests.graph_by_hand import differences
from tests.graph_drainers import drained, drainer
from tests.graph_fixtures import Neo4jServer
from tests.tcp_proxy import through_proxy
from tests.webhook import Webhook, listening

SHORT = Patience(connect=2, transaction=2, silence=3)


@pytest.fixture
def connection(graph_site: Site) -> Generator[Connection]:
    """The application's connection."""
    with graph_site.connect() as connection:
        yield connection


def told(caplog: pytest.LogCaptureFixture, level: int = logging.DEBUG) -> list[str]:
    """Give what the follower logged."""
    records = [r for r in caplog.records if r.name == "assets.graph.follow" and r.levelno >= level]
    return [record.getMessage() for record in records]


def soon(look: Callable[[], bool]) -> None:
    """Look again and again until it is so."""
    Retrying(retry=retry_if_result(lambda seen: not seen), stop=stop_after_delay(60), wait=wait_fixed(0.05))(look)


@contextmanager
def followed(settings: Settings, instance: DagsterInstance | None = None) -> Generator[Thread]:
    """Have a thread follow; it must end soon after it was told to."""
    stop = Event()
    thread = Thread(target=follow, args=(settings, stop, instance, SHORT))
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()


def test_a_change_is_in_the_graph_within_seconds(graph_site: Site, connection: Connection, neo4j_server: Neo4jServer):
    with followed(graph_site.settings):
        for n in range(3):
            factories.mastery(connection, factories.user(connection), factories.concept(connection))
            soon(lambda: differences(connection, neo4j_server.run) == [])
            assert len(neo4j_server.run("MATCH (u:User) RETURN u.id")) == n + 1


@pytest.mark.parametrize("side", ["neo4j", "postgres"])
def test_an_outage_of_either_server_is_told_of_once_and_followed_by_what_was_missed(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer, side: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "assets.graph.follow")
    with through_proxy(graph_site, side) as (settings, proxy), followed(settings):
        factories.concept(connection, "before")
        soon(lambda: differences(connection, neo4j_server.run) == [])
        proxy.freeze()
        factories.concept(connection, "meanwhile")
        soon(lambda: told(caplog) != [])
        proxy.thaw()
        soon(lambda: differences(connection, neo4j_server.run) == [])
        soon(lambda: told(caplog)[-1] == "the graph follows again")
    said = [message for message in told(caplog) if message.startswith("the graph does not follow: ")]
    assert len(said) == len(set(said))


def test_what_cannot_be_followed_is_told_once_and_followed_when_it_is_put_right(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer, caplog: pytest.LogCaptureFixture
):
    neo4j_server.run("CREATE (:Film)")
    with followed(graph_site.settings):
        soon(lambda: told(caplog) != [])
        neo4j_server.run("MATCH (f:Film) DELETE f")
        factories.concept(connection, "c1")
        soon(lambda: differences(connection, neo4j_server.run) == [])
    (line,) = told(caplog, logging.WARNING)
    assert line.endswith("make it ours with `espalier graph adopt`")


def test_while_another_writes_it_waits_for_its_turn(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG, "assets.graph.follow")
    with drainer(graph_site, holder="reconcile"), followed(graph_site.settings):
        factories.concept(connection, "c1")
        soon(lambda: any("being written by reconcile" in message for message in told(caplog)))
        steps_are_over = Event()
    steps_are_over.set()
    with followed(graph_site.settings):
        soon(lambda: differences(connection, neo4j_server.run) == [])


def test_how_the_graph_stands_is_reported_on_its_assets_without_a_run(
    graph_site: Site, connection: Connection, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(following, "_REPORT_S", 0)
    for concept in ("c1", "c2"):
        factories.concept(connection, concept)
    factories.mastery(connection, factories.user(connection), "c1")

    def reported(asset: str) -> dict[str, Any]:
        event = instance.get_latest_materialization_event(dg.AssetKey(["graph", asset]))
        materialization = event.asset_materialization if event else None
        return {name: value.value for name, value in materialization.metadata.items()} if materialization else {}

    with followed(graph_site.settings, instance):
        soon(lambda: bool(reported("mastered_by")))
    assert instance.get_runs_count() == 0
    assert reported("concepts").keys() == {"lag_seconds", "keys", "waiting", "parked", "seconds"}
    assert reported("concepts")["keys"] >= 2
    assert reported("mastered_by")["waiting"] == reported("mastered_by")["parked"] == 0


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch, graph_site: Site) -> Generator[Webhook]:
    """A webhook that the settings of the site name."""
    with listening() as webhook:
        monkeypatch.setenv("ESPALIER_WEBHOOK_URL", webhook.url)
        monkeypatch.setenv("DATABASE_URL", graph_site.server.url("jobs", graph_site.database))
        monkeypatch.setattr(sensors.post.retry, "stop", stop_after_delay(0))
        yield webhook


class Ticks:
    """Evaluates the sensor as the daemon does, with its cursor."""

    def __init__(self, instance: DagsterInstance) -> None:
        self.instance, self.cursor, self.runs = instance, "", list[str | None]()

    def tick(self, times: int = 1) -> None:
        """Evaluate the sensor."""
        for _ in range(times):
            with dg.build_sensor_context(instance=self.instance, cursor=self.cursor) as context:
                tick = outbox_sensor.outbox_lag_sensor.evaluate_tick(context)
            self.cursor = tick.cursor or ""
            self.runs += [request.run_key for request in tick.run_requests or []]


def test_a_graph_that_falls_behind_is_told_once_an_incident_and_drained_now_and_then(
    graph_site: Site, connection: Connection, webhook: Webhook, instance: DagsterInstance
):
    ticks = Ticks(instance)
    drained(graph_site)
    factories.concept(connection, "c1")
    ticks.tick(2)
    assert (webhook.messages, ticks.runs) == ([], [])
    for incident in (1, 2):
        connection.execute("UPDATE espalier.graph_outbox SET marked_at = now() - interval '3 minutes'")
        ticks.tick(12)
        assert [message["text"][:16] for message in webhook.messages] == ["graph is 180 s b"] * incident
        assert len(set(ticks.runs)) == len(ticks.runs) == 2 * incident
        drained(graph_site)
        ticks.tick()
        factories.concept(connection)


def test_a_webhook_that_is_away_is_told_later_and_does_not_keep_the_drain_from_starting(
    graph_site: Site, connection: Connection, webhook: Webhook, instance: DagsterInstance
):
    ticks = Ticks(instance)
    drained(graph_site)
    factories.concept(connection, "c1")
    connection.execute("UPDATE espalier.graph_outbox SET marked_at = now() - interval '3 minutes'")
    webhook.answer = 503
    ticks.tick()
    assert (webhook.messages, len(ticks.runs)) == ([], 1)
    webhook.answer = 204
    ticks.tick(3)
    assert (len(webhook.messages), len(ticks.runs)) == (1, 1)


def test_what_was_set_aside_is_no_lag(
    graph_site: Site, connection: Connection, webhook: Webhook, instance: DagsterInstance
):
    factories.concept(connection, "bad", name="long " * 4000)
    drained(graph_site)
    connection.execute("UPDATE espalier.graph_outbox SET marked_at = now() - interval '1 day'")
    ticks = Ticks(instance)
    ticks.tick()
    assert (webhook.messages, ticks.runs) == ([], [])
