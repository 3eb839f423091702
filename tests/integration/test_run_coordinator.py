"""Two daemons at one tick: whatever each created, one run is queued. On a real instance, in real concurrency."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import cast

import dagster as dg
import pytest
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.remote_origin import RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.run_coordinator import QueuedRunCoordinator, SubmitRunContext
from dagster._core.workspace.context import BaseWorkspaceRequestContext
from dagster._core.workspace.load_target import WorkspaceFileTarget

from orchestration.servers.run_coordinator import OneRunPerTick
from orchestration.settings import PROJECT

NOT_STARTED, QUEUED, CANCELED = DagsterRunStatus.NOT_STARTED, DagsterRunStatus.QUEUED, DagsterRunStatus.CANCELED
TICK = {
    "dagster/schedule_name": "nightly_rag_schedule",
    ".dagster/scheduled_execution_time": "2025-03-01T02:00:00+00:00",
    "dagster/run_key": "nightly_rag@2025-03-01T02:00:00+00:00",
}


@dg.op
def nothing() -> None:
    """Do nothing."""


@dg.job
def nightly_rag() -> None:
    """Have one step."""
    nothing()


def create(instance: DagsterInstance, tags: dict[str, str], parent: DagsterRun | None = None) -> DagsterRun:
    root = parent.run_id if parent else None
    location = WorkspaceFileTarget([str(PROJECT / "workspace.yaml")]).create_origins()[0]
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(location, "__repository__"), nightly_rag.name)
    return instance.create_run_for_job(
        nightly_rag, tags=tags, parent_run_id=root, root_run_id=root, remote_job_origin=origin
    )


def submit_at_once(coordinator: QueuedRunCoordinator, runs: Sequence[DagsterRun]) -> None:
    """Submit each run in a thread of its own, all at the same moment, as daemons that know nothing of each other."""
    start = Barrier(len(runs))
    workspace = cast("BaseWorkspaceRequestContext", None)  # the queue does not look at it

    def submit(run: DagsterRun) -> DagsterRun:
        start.wait(timeout=30)
        return coordinator.submit_run(SubmitRunContext(run, workspace))

    with ThreadPoolExecutor(len(runs)) as threads:
        list(threads.map(submit, runs))


def statuses(instance: DagsterInstance) -> Counter[DagsterRunStatus]:
    return Counter(run.status for run in instance.get_runs())


@pytest.fixture
def coordinator(instance: DagsterInstance) -> QueuedRunCoordinator:
    """Give the coordinator that dagster.yaml names."""
    assert isinstance(instance.run_coordinator, OneRunPerTick)
    return instance.run_coordinator


def test_of_the_runs_of_one_tick_one_is_queued(instance: DagsterInstance, coordinator: QueuedRunCoordinator) -> None:
    submit_at_once(coordinator, [create(instance, TICK) for _ in range(6)])
    assert statuses(instance) == {QUEUED: 1, CANCELED: 5}


def test_dagsters_own_queue_takes_them_all(instance: DagsterInstance) -> None:
    coordinator = QueuedRunCoordinator()
    coordinator.register_instance(instance)
    submit_at_once(coordinator, [create(instance, TICK) for _ in range(6)])
    assert statuses(instance) == {QUEUED: 6}


def test_one_run_that_two_daemons_submit_is_queued_once(
    instance: DagsterInstance, coordinator: QueuedRunCoordinator
) -> None:
    run = create(instance, TICK)
    submit_at_once(coordinator, [run] * 4)
    assert statuses(instance) == {QUEUED: 1}
    records = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.PIPELINE_ENQUEUED).records
    assert len(records) == 1


@pytest.mark.parametrize("tag", list(TICK))
def test_runs_of_other_ticks_are_queued(instance: DagsterInstance, coordinator: QueuedRunCoordinator, tag: str) -> None:
    submit_at_once(coordinator, [create(instance, tags) for tags in (TICK, TICK | {tag: "another"})])
    assert statuses(instance) == {QUEUED: 2}


def test_runs_that_no_schedule_asked_for_and_retries_are_queued(
    instance: DagsterInstance, coordinator: QueuedRunCoordinator
) -> None:
    first = create(instance, TICK)
    submit_at_once(coordinator, [first])
    submit_at_once(coordinator, [create(instance, {}), create(instance, {}), create(instance, TICK, parent=first)])
    assert statuses(instance) == {QUEUED: 4}


def test_a_run_that_was_only_created_does_not_stand_in_the_way(
    instance: DagsterInstance, coordinator: QueuedRunCoordinator
) -> None:
    create(instance, TICK)  # its daemon died before it submitted the run
    submit_at_once(coordinator, [create(instance, TICK)])
    assert statuses(instance) == {NOT_STARTED: 1, QUEUED: 1}


def test_a_canceled_run_says_which_went_ahead(instance: DagsterInstance, coordinator: QueuedRunCoordinator) -> None:
    first, second = create(instance, TICK), create(instance, TICK)
    submit_at_once(coordinator, [first])
    submit_at_once(coordinator, [second])
    messages = [entry.message for entry in instance.all_logs(second.run_id)]
    assert any(first.run_id in message and "two daemons" in message for message in messages)
