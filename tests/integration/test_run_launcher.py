"""Whether a run's process lives, as run monitoring learns it from the launcher that dagster.yaml names."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import dagster as dg
import pytest
from dagster import DagsterInstance, DagsterRun, DefaultRunLauncher
from dagster._core.events import EngineEventData
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus

from orchestration.servers import run_launcher
from orchestration.servers.run_launcher import HOST_TAG, WatchedRunLauncher, this_host


@dg.op
def nothing() -> None:
    """Do nothing."""


@dg.job
def short_job() -> None:
    """Have one step."""
    nothing()


@pytest.fixture(scope="module")
def ended() -> int:
    """Give the pid of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def run_of(instance: DagsterInstance, *pids: int, tags: dict[str, str] | None = None) -> DagsterRun:
    """Make a run for which these processes reported."""
    run = instance.create_run_for_job(short_job, tags=this_host() if tags is None else tags)
    for pid in pids:
        instance.report_engine_event(f"Started process for run (pid: {pid}).", run, EngineEventData.in_process(pid))
    return run


def check(instance: DagsterInstance, run: DagsterRun) -> CheckRunHealthResult:
    assert isinstance(instance.run_launcher, WatchedRunLauncher)
    assert instance.run_launcher.supports_check_run_worker_health
    return instance.run_launcher.check_run_worker_health(run)


def test_a_run_whose_process_ended_has_failed(instance: DagsterInstance, ended: int) -> None:
    result = check(instance, run_of(instance, ended))
    assert result.status is WorkerStatus.FAILED
    assert str(ended) in str(result.msg)


def test_a_run_of_which_one_process_lives_is_running(instance: DagsterInstance, ended: int) -> None:
    assert check(instance, run_of(instance, ended, os.getpid())).status is WorkerStatus.RUNNING


def test_a_run_that_no_process_reported_for_is_left_to_the_start_timeout(instance: DagsterInstance) -> None:
    assert check(instance, run_of(instance)).status is WorkerStatus.RUNNING


def test_a_run_of_another_machine_is_left_alone(instance: DagsterInstance, ended: int) -> None:
    for tags in ({}, {HOST_TAG: "another machine"}):
        assert check(instance, run_of(instance, ended, tags=tags)).status is WorkerStatus.RUNNING


def test_a_process_that_only_got_the_pid_does_not_count(
    instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(instance, os.getpid())
    monkeypatch.setattr(run_launcher, "_CLOCK_TOLERANCE_S", -1e9)  # as if this process were younger than its report
    assert check(instance, run).status is WorkerStatus.FAILED


def test_a_real_run_reports_its_process(instance: DagsterInstance) -> None:
    result = short_job.execute_in_process(instance=instance, tags=this_host())
    assert check(instance, result.dagster_run).status is WorkerStatus.RUNNING
    logs = instance.all_logs(result.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    assert any(str(os.getpid()) in entry.message for entry in logs)


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note for which runs Dagster's launcher would have started a process."""
    launched: list[str] = []

    def note(_self: DefaultRunLauncher, context: LaunchRunContext) -> None:
        launched.append(context.dagster_run.run_id)

    monkeypatch.setattr(DefaultRunLauncher, "launch_run", note)
    return launched


def test_of_daemons_that_took_the_same_run_from_the_queue_one_launches_it(
    instance: DagsterInstance, launched: list[str]
) -> None:
    run, daemons = instance.create_run_for_job(short_job), 4
    ready = Barrier(daemons)

    def launch() -> None:
        ready.wait()
        instance.run_launcher.launch_run(LaunchRunContext(dagster_run=run, workspace=None))

    with ThreadPoolExecutor(daemons) as threads:
        for done in [threads.submit(launch) for _ in range(daemons)]:
            done.result()
    assert launched == [run.run_id]


def test_a_retry_with_the_tags_of_its_parent_is_launched(instance: DagsterInstance, launched: list[str]) -> None:
    first = instance.create_run_for_job(short_job)
    instance.run_launcher.launch_run(LaunchRunContext(dagster_run=first, workspace=None))
    parent = instance.get_run_by_id(first.run_id)
    assert parent is not None
    retry = instance.create_run_for_job(short_job, tags=parent.tags)
    instance.run_launcher.launch_run(LaunchRunContext(dagster_run=retry, workspace=None))
    assert launched == [first.run_id, retry.run_id]
