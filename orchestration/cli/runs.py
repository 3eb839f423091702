"""Runs Dagster jobs in this process, on the same instance as the UI, with progress on the terminal.

A run carries the origin of the code location, so that the UI shows it under its job and can run it again.
"""

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import dagster as dg
from dagster import DagsterEvent, DagsterEventType, DagsterInstance
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run_iterator
from dagster._core.remote_origin import RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.workspace.load_target import WorkspaceFileTarget
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from orchestration.resources import REFUSED
from orchestration.servers.processes import dagster_environment
from orchestration.settings import PROJECT, Settings

REPOSITORY = "__repository__"
# The events are drawn as progress and kept in the instance; the console is not also given Dagster's log.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class RunReport:
    """What a run did: seconds, rows each asset wrote, checks that failed, and why it failed if it did."""

    job: str
    run_id: str
    seconds: float = 0.0
    succeeded: bool = False
    refused: bool = False
    assets: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    failed_checks: list[str] = field(default_factory=list[str])
    reasons: list[str] = field(default_factory=list[str])


@contextmanager
def dagster_instance(settings: Settings) -> Generator[DagsterInstance]:
    """Open the site's Dagster instance, the one that the UI shows."""
    os.environ.update(dagster_environment(settings))
    instance = DagsterInstance.from_config(str(PROJECT))
    try:
        yield instance
    finally:
        instance.dispose()


def run_job(
    instance: DagsterInstance,
    job: dg.JobDefinition,
    *,
    tags: Mapping[str, str],
    selection: Sequence[dg.AssetKey] = (),
    config: Mapping[str, Any] | None = None,
    console: Console | None = None,
) -> RunReport:
    """Execute a job as a run of the instance, in this process, and report what it did.

    Args:
        instance: where the run is recorded.
        job: the job; with `selection`, only these of its assets.
        tags: tags of the run, such as its partition.
        selection: assets to materialize; all of the job's when empty.
        config: run configuration.
        console: where progress is drawn; none for a quiet run.
    """
    subset = job.get_subset(asset_selection=frozenset(selection)) if selection else job
    run = instance.create_run_for_job(
        job_def=subset,
        tags=tags,
        run_config={**(config or {}), **QUIET},
        asset_selection=frozenset(selection) or None,
        remote_job_origin=_origin(job.name),
    )
    report, started = RunReport(job.name, run.run_id), monotonic()
    with _progress(console) as progress:
        task = progress.add_task(job.name, total=len(subset.nodes))
        for event in execute_run_iterator(InMemoryJob(subset), run, instance):
            _note(report, event)
            _draw(progress, task, event)
    report.seconds = monotonic() - started
    return report


def _origin(job_name: str) -> RemoteJobOrigin:
    (location,) = WorkspaceFileTarget([str(PROJECT / "workspace.yaml")]).create_origins()
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, REPOSITORY), job_name)


def _note(report: RunReport, event: DagsterEvent) -> None:
    if event.event_type == DagsterEventType.ASSET_MATERIALIZATION and event.asset_key:
        metadata = event.step_materialization_data.materialization.metadata
        report.assets[event.asset_key.to_user_string()] = {name: entry.value for name, entry in metadata.items()}
    elif event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION:
        check = event.asset_check_evaluation_data
        if not check.passed:
            report.failed_checks.append(
                f"{check.asset_key.to_user_string()}:{check.check_name} ({check.severity.value})"
            )
    elif event.event_type == DagsterEventType.STEP_FAILURE:
        report.reasons.append(_reason(event))
        report.refused |= _is_refusal(event)
    elif event.event_type == DagsterEventType.RUN_SUCCESS:
        report.succeeded = True
    elif event.event_type == DagsterEventType.RUN_FAILURE and not report.reasons:
        report.reasons.append((event.message or "failed").splitlines()[0])


def _is_refusal(event: DagsterEvent) -> bool:
    """Tell whether a step was refused for a user's mistake."""
    failure = event.step_failure_data.user_failure_data
    return failure is not None and REFUSED in failure.metadata


def _reason(event: DagsterEvent) -> str:
    """Give the first line of the innermost error of a step."""
    failure = event.step_failure_data
    if failure.user_failure_data and failure.user_failure_data.description:
        return f"{event.step_key}: {failure.user_failure_data.description}"
    error = failure.error
    while error and error.cause:
        error = error.cause
    return f"{event.step_key}: {(error.message if error else 'failed').strip().splitlines()[0]}"


def _progress(console: Console | None) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=console is None or not console.is_terminal,
        transient=True,
    )


def _draw(progress: Progress, task: Any, event: DagsterEvent) -> None:
    if event.event_type == DagsterEventType.STEP_START:
        progress.update(task, description=(event.step_key or "").replace("__", "/"))
    elif event.event_type in (
        DagsterEventType.STEP_SUCCESS,
        DagsterEventType.STEP_FAILURE,
        DagsterEventType.STEP_SKIPPED,
    ):
        progress.advance(task)
