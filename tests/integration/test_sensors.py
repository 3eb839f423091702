"""The run failure sensor on real runs in Dagster's storage: who is told of what, and how often."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import dagster as dg
import pytest
from dagster import DagsterInstance
from tenacity import wait_none

from orchestration import sensors
from orchestration.cli.runs import QUIET
from orchestration.sensors import run_failure_webhook
from tests.webhook import Webhook, listening

# The storage is Dagster's own code: one version of the server is enough.
pytestmark = pytest.mark.parametrize("server", [18], ids=["pg18"], indirect=True)

BROKEN = {"ops": {"work": {"config": {"broken": True}}}, **QUIET}
WHOLE = {"ops": {"work": {"config": {"broken": False}}}, **QUIET}


@dg.op(config_schema={"broken": bool})
def work(context: dg.OpExecutionContext) -> None:
    """Fail when told to, with a message whose second line is nobody's business."""
    if context.op_config["broken"]:
        raise ValueError("the ledger is not equal\nDETAIL: row (user-7, secret@test.example)")


@dg.job
def nightly_community() -> None:
    """Work."""
    work()


@dg.job
def nightly_rag() -> None:
    """Work."""
    work()


class BreakableConfig(dg.Config):
    """Whether an asset fails."""

    broken: bool = True


@dg.asset(key=["community", "vote_graph"])
def vote_graph(config: BreakableConfig) -> None:
    """Fail when told to."""
    if config.broken:
        raise ValueError("no votes")


@dg.asset(key=["community", "xp_ledger"])
def xp_ledger(config: BreakableConfig) -> None:
    """Fail when told to."""
    if config.broken:
        raise ValueError("no points")


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Generator[Webhook]:
    """A webhook that the settings name."""
    with listening() as webhook:
        monkeypatch.setenv("ESPALIER_WEBHOOK_URL", webhook.url)
        yield webhook


class Daemon:
    """Evaluates the sensor as Dagster's daemon does: tick after tick, with a cursor."""

    def __init__(self, instance: DagsterInstance) -> None:
        self.instance = instance
        self.cursor: str | None = None
        self.errors: list[str] = []
        self.ticks()

    def ticks(self) -> None:
        """Evaluate until there is nothing new."""
        before = ""
        while self.cursor != before:
            before = self.cursor
            with dg.build_sensor_context(instance=self.instance, cursor=self.cursor) as context:
                tick = run_failure_webhook.evaluate_tick(context)
            self.errors += [reaction.error.message for reaction in tick.dagster_run_reactions or [] if reaction.error]
            self.cursor = tick.cursor


@pytest.fixture
def daemon(instance: DagsterInstance) -> Daemon:
    """The daemon, started before anything has failed."""
    return Daemon(instance)


def execute(instance: DagsterInstance, job: dg.JobDefinition, broken: bool = True) -> str:
    """Run a job to its success or failure."""
    return job.execute_in_process(BROKEN if broken else WHOLE, instance, raise_on_error=False).run_id


def materialize(instance: DagsterInstance, asset: dg.AssetsDefinition, broken: bool = True) -> None:
    """Run one of two assets, which share Dagster's job for assets."""
    job = dg.Definitions([vote_graph, xp_ledger]).resolve_implicit_global_asset_job_def()
    config = {"ops": {asset.op.name: {"config": {"broken": broken}}}, **QUIET}
    job.execute_in_process(config, instance, asset_selection=[asset.key], raise_on_error=False)


def test_a_failure_is_told_with_its_job_and_the_first_line_why(
    instance: DagsterInstance, daemon: Daemon, webhook: Webhook
) -> None:
    run_id = execute(instance, nightly_community)
    daemon.ticks()
    (message,) = webhook.messages
    assert (message["job"], message["run_id"]) == ("nightly_community", run_id)
    assert message["reason"] == "work: ValueError: the ledger is not equal"
    assert message["text"] == f"nightly_community failed: {message['reason']}"


def test_an_incident_is_told_once_until_the_job_has_succeeded(
    instance: DagsterInstance, daemon: Daemon, webhook: Webhook
) -> None:
    execute(instance, nightly_community)
    daemon.ticks()
    execute(instance, nightly_community)
    execute(instance, nightly_community)
    daemon.ticks()
    assert len(webhook.messages) == 1
    execute(instance, nightly_community, broken=False)
    execute(instance, nightly_community)
    execute(instance, nightly_community)
    daemon.ticks()
    assert len(webhook.messages) == 2


def test_each_job_has_incidents_of_its_own(instance: DagsterInstance, daemon: Daemon, webhook: Webhook) -> None:
    execute(instance, nightly_community)
    execute(instance, nightly_rag)
    execute(instance, nightly_community, broken=False)
    execute(instance, nightly_rag)
    daemon.ticks()
    assert [message["job"] for message in webhook.messages] == ["nightly_community", "nightly_rag"]


def test_each_asset_has_incidents_of_its_own_although_they_share_a_job(
    instance: DagsterInstance, daemon: Daemon, webhook: Webhook
) -> None:
    materialize(instance, vote_graph)
    materialize(instance, xp_ledger)
    materialize(instance, xp_ledger, broken=False)
    materialize(instance, vote_graph)
    daemon.ticks()
    told = [message["text"].split(" failed: ")[0] for message in webhook.messages]
    assert told == ["community/vote_graph", "community/xp_ledger"]


def test_a_crash_is_told_only_when_its_retry_has_failed_too(
    instance: DagsterInstance, daemon: Daemon, webhook: Webhook
) -> None:
    crashed = instance.create_run_for_job(nightly_rag, run_config=BROKEN)
    instance.report_run_failed(crashed)
    daemon.ticks()
    assert webhook.messages == []
    run_id = execute(instance, nightly_rag)
    daemon.ticks()
    assert [message["run_id"] for message in webhook.messages] == [run_id]


def test_what_nobody_heard_of_is_told_at_the_next_failure(
    instance: DagsterInstance, daemon: Daemon, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ESPALIER_WEBHOOK_URL")
    execute(instance, nightly_rag)
    daemon.ticks()
    monkeypatch.setenv("ESPALIER_WEBHOOK_URL", webhook.url)
    run_id = execute(instance, nightly_rag)
    daemon.ticks()
    assert [message["run_id"] for message in webhook.messages] == [run_id]


def test_a_webhook_that_is_down_is_an_error_of_the_tick_and_asked_again_at_the_next_failure(
    instance: DagsterInstance, daemon: Daemon, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensors.post.retry, "wait", wait_none())
    webhook.answer = 503
    execute(instance, nightly_rag)
    daemon.ticks()
    assert ["503 Service Unavailable" in error for error in daemon.errors] == [True]
    webhook.answer = 204
    execute(instance, nightly_rag)
    daemon.ticks()
    assert len(webhook.messages) == 1


def test_two_daemons_at_once_tell_it_once(instance: DagsterInstance, daemon: Daemon, webhook: Webhook) -> None:
    daemons = [daemon, *(Daemon(instance) for _ in range(3))]
    execute(instance, nightly_rag)
    with ThreadPoolExecutor(len(daemons)) as threads:
        list(threads.map(Daemon.ticks, daemons))
    assert len(webhook.messages) == 1
    assert [each.errors for each in daemons] == [[]] * len(daemons)
