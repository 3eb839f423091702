"""Dagster's run queue, safe against two daemons: the run of a schedule's tick is queued once.

`dagster.yaml` names it. Dagster's own check (has a run of this schedule, time and run key been created?) is not enough:
two daemons look before either has created its run. How a queued run is executed is Dagster's business.
"""

from collections.abc import Mapping

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter
from dagster._core.run_coordinator import QueuedRunCoordinator, SubmitRunContext
from dagster._core.storage.tags import (
    PARTITION_NAME_TAG,
    RUN_KEY_TAG,
    SCHEDULE_NAME_TAG,
    SCHEDULED_EXECUTION_TIME_TAG,
)

from orchestration.servers.daemons import one_daemon_at_a_time


class OneRunPerTick(QueuedRunCoordinator):
    """Queues what is submitted; of the runs that several daemons created for one tick only the first."""

    def submit_run(self, context: SubmitRunContext) -> DagsterRun:
        """Queue the run, or cancel it if its tick has a run that went ahead of it."""
        tick = tick_of(context.dagster_run)
        if not tick:
            return super().submit_run(context)
        with one_daemon_at_a_time(self._instance, tick):
            run = _reload(self._instance, context.dagster_run.run_id)
            if ahead := _run_ahead(self._instance, run, tick):
                return _cancel(self._instance, run, ahead)
            return super().submit_run(context._replace(dagster_run=run))


def tick_of(run: DagsterRun) -> dict[str, str]:
    """Give the tags that name the tick which asked for a run; none if no schedule did, or if it is a retry."""
    if run.parent_run_id or not run.tags.keys() >= {SCHEDULE_NAME_TAG, SCHEDULED_EXECUTION_TIME_TAG}:
        return {}
    names = (SCHEDULE_NAME_TAG, SCHEDULED_EXECUTION_TIME_TAG, RUN_KEY_TAG, PARTITION_NAME_TAG)
    return {name: run.tags[name] for name in names if name in run.tags}


def _reload(instance: DagsterInstance, run_id: str) -> DagsterRun:
    run = instance.get_run_by_id(run_id)
    if run is None:
        raise LookupError(f"run {run_id} was deleted before it could be queued")
    return run


def _run_ahead(instance: DagsterInstance, run: DagsterRun, tick: Mapping[str, str]) -> DagsterRun | None:
    """Find another run of the tick that was queued while this one was not; one only created does not count."""
    if run.status != DagsterRunStatus.NOT_STARTED:
        return None
    others = (o for o in instance.get_runs(RunsFilter(tags=tick)) if o.run_id != run.run_id and tick_of(o) == tick)
    return next((o for o in others if o.status != DagsterRunStatus.NOT_STARTED), None)


def _cancel(instance: DagsterInstance, run: DagsterRun, ahead: DagsterRun) -> DagsterRun:
    message = f"Run {ahead.run_id} was queued for the same tick: two daemons serve this instance; stop one of them."
    instance.report_run_canceled(run, message)
    return _reload(instance, run.run_id)
