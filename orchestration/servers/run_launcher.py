"""Dagster's run launcher, safe against two daemons and able to say whether the process of a run still lives.

`dagster.yaml` names it. With Dagster's own, a run whose process was killed together with its code server (a power cut,
`kill -9`) counts as started for hours and holds its pools. With this one, run monitoring marks it as failed, and run
retries repeat it. Two daemons may take the same run from the queue, as each only looks before: one of them launches it.
"""

import platform
from collections.abc import Iterator

import psutil
from dagster import DagsterEventType, DagsterInstance, DagsterRun, DefaultRunLauncher
from dagster._core.events import EngineEventData
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus

from orchestration.servers.daemons import one_daemon_at_a_time

HOST_TAG = "espalier/host"
# Holds the run's own id: a retry has its parent's tags.
LAUNCHED_TAG = "espalier/launched"
_CLOCK_TOLERANCE_S = 2.0


def this_host() -> dict[str, str]:
    """Give the tag of a run whose processes are on this machine: only here do their pids mean anything."""
    return {HOST_TAG: platform.node()}


class WatchedRunLauncher(DefaultRunLauncher):
    """Launches runs as Dagster does, and looks after their processes on this machine."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Launch a run and note on which machine, unless another daemon has done so."""
        if self._claim(context.dagster_run.run_id):
            super().launch_run(context)

    def _claim(self, run_id: str) -> bool:
        with one_daemon_at_a_time(self._instance, {"run": run_id}):
            run = self._instance.get_run_by_id(run_id)
            if run is None or run.tags.get(LAUNCHED_TAG) == run_id:
                return False
            self._instance.add_run_tags(run_id, {**this_host(), LAUNCHED_TAG: run_id})
            return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Tell run monitoring that it may ask."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Report a run as failed when it ran on this machine and none of its processes lives."""
        workers = list(_workers(self._instance, run)) if run.tags.items() >= this_host().items() else []
        if not workers or any(_lives(pid, seen) for pid, seen in workers):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        pids = ", ".join(str(pid) for pid in sorted({pid for pid, _ in workers}))
        return CheckRunHealthResult(WorkerStatus.FAILED, f"its process ({pids} on {platform.node()}) has ended")


def _workers(instance: DagsterInstance, run: DagsterRun) -> Iterator[tuple[int, float]]:
    """Give the processes that reported for a run, each with the time at which it lived."""
    for entry in instance.all_logs(run.run_id, of_type=DagsterEventType.ENGINE_EVENT):
        data = entry.get_dagster_event().event_specific_data
        if isinstance(data, EngineEventData) and (pid := data.metadata.get("pid")):
            yield int(str(pid.value)), entry.timestamp


def _lives(pid: int, seen: float) -> bool:
    """Whether the process that lived at a time still does; a younger one only got its pid."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= seen + _CLOCK_TOLERANCE_S
    except psutil.NoSuchProcess:
        return False
