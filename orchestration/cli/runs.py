"""Runs Dagster jobs in this process, on the same instance as the UI, with progress on the terminal.

A run carries the origin of the code location, so that the UI shows it under its job and can run it again. Ctrl-C
cancels it: it is no failure that somebody should be told of or that the daemon should repeat.
"""

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, cast

import dagster as dg
from dagster import DagsterEvent, DagsterEventType, DagsterInstance
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.events import RunFailureReason
from dagster._core.execution.api import execute_run_iterator
from dagster._core.remote_origin import RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.workspace.load_target import WorkspaceFileTarget
from rich.console import Console
from sqlalchemy.exc import DBAPIError

from orchestration.cli.progress import progress_of
from orchestration.errors import EspalierError, first_line
from orchestration.failures import is_interruption, reason
from orchestration.resources import REFUSED
from orchestration.servers.processes import dagster_environment
from orchestration.servers.run_launcher import this_host
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
    selection: list[str] = field(default_factory=list[str])
    assets: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    failed_checks: list[str] = field(default_factory=list[str])
    reasons: list[str] = field(default_factory=list[str])

    @property
    def name(self) -> str:
        """What was run: the assets that were selected, else the job."""
        return ", ".join(self.selection) or self.job


@contextmanager
def dagster_instance(settings: Settings) -> Generator[DagsterInstance]:
    """Open the site's Dagster instance, the one that the UI shows.

    Raises:
        EspalierError: its database refuses what Dagster needs.
    """
    with _environment(dagster_environment(settings)):
        try:
            instance = DagsterInstance.from_config(str(PROJECT))
            keep_connections(instance)
        except DBAPIError as error:
            said = first_line(str(error.orig))
            raise EspalierError(f"Dagster's database: {said}; correct DAGSTER_DATABASE_URL or its role") from error
        try:
            yield instance
        finally:
            instance.dispose()


def keep_connections(instance: DagsterInstance) -> None:
    """Hold connections open, as the UI does: a run reports hundreds of events, each over one of its own otherwise."""
    instance.optimize_for_webserver(statement_timeout=60_000, pool_recycle=3600, max_overflow=20)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Generator[None]:
    """Set variables for what Dagster reads from the environment, and take them back."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            os.environ.pop(name, None)
        os.environ.update(before)


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
        console: where progress is shown; none for a quiet run.

    Raises:
        KeyboardInterrupt: the user ended it; the run is canceled.
    """
    subset = job.get_subset(asset_selection=frozenset(selection)) if selection else job
    run = _create_run(instance, subset, tags, selection, config)
    report = RunReport(job.name, run.run_id, selection=[key.to_user_string() for key in selection])
    started, ended = monotonic(), False
    events = execute_run_iterator(InMemoryJob(subset), run, instance)
    with progress_of(report.name, len(subset.nodes), console) as show:
        for event in events:
            if is_interruption(event):
                instance.report_run_canceling(run)
                break
            ended = ended or _is_end(event)
            _note(report, event)
            show(event)
    cast("Generator[DagsterEvent]", events).close()  # a run that is being canceled takes note of it here
    if not ended:
        raise KeyboardInterrupt
    report.seconds = monotonic() - started
    return report


def _create_run(
    instance: DagsterInstance,
    job: dg.JobDefinition,
    tags: Mapping[str, str],
    selection: Sequence[dg.AssetKey],
    config: Mapping[str, Any] | None,
) -> dg.DagsterRun:
    return instance.create_run_for_job(
        job_def=job,
        tags={**tags, **this_host()},  # lets the daemon notice when this process is killed
        run_config={**(config or {}), **QUIET},
        asset_selection=frozenset(selection) or None,
        remote_job_origin=_origin(job.name),
    )


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
        _note_failure(report, event)
    elif event.event_type == DagsterEventType.RUN_SUCCESS:
        report.succeeded = True
    elif event.event_type == DagsterEventType.RUN_FAILURE and not report.reasons:
        report.reasons.append(first_line(event.message or ""))


def _note_failure(report: RunReport, event: DagsterEvent) -> None:
    """Keep why a step failed; a run is refused when each of its failures is a user's mistake."""
    report.refused = _is_refusal(event) and (report.refused or not report.reasons)
    report.reasons.append(reason(event))


def _is_end(event: DagsterEvent) -> bool:
    """Tell whether a run came to its own end; one that was interrupted between two steps calls itself failed."""
    if event.event_type != DagsterEventType.RUN_FAILURE:
        return event.event_type == DagsterEventType.RUN_SUCCESS
    return event.job_failure_data.failure_reason != RunFailureReason.UNEXPECTED_TERMINATION


def _is_refusal(event: DagsterEvent) -> bool:
    """Tell whether a step was refused for a user's mistake."""
    failure = event.step_failure_data.user_failure_data
    return failure is not None and REFUSED in failure.metadata
