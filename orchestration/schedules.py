"""When the nightly jobs run: one cron expression and zone a job, from `espalier.toml`.

A tick asks for one run over yesterday and the days of late data before it; its time is what the run writes as `as_of`.
"""

from datetime import datetime, timedelta

import dagster as dg

from orchestration.jobs import AssetJob
from orchestration.partitions import AS_OF_TAG
from orchestration.settings import Schedule
from orchestration.zones import zone_info

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def range_of_days(at: datetime, zone: str, late_days: int) -> tuple[str, str]:
    """Give the first and last partition of a nightly run: yesterday in the zone, and `late_days` before it."""
    yesterday = at.astimezone(zone_info(zone)).date() - timedelta(days=1)
    return (yesterday - timedelta(days=late_days)).isoformat(), yesterday.isoformat()


def nightly_tags(at: datetime, zone: str | None, late_days: int) -> dict[str, str]:
    """Give the tags of a nightly run at a time: what it writes as `as_of`, and its days where it has any."""
    tags = {AS_OF_TAG: at.isoformat()}
    if zone is None:
        return tags
    start, end = range_of_days(at, zone, late_days)
    return tags | {RANGE_START: start, RANGE_END: end}


def nightly_schedule(job: AssetJob, when: Schedule, zone: str | None, late_days: int = 0) -> dg.ScheduleDefinition:
    """Make the schedule of a nightly job; `zone` is that of its partitions, None where it has none."""

    @dg.schedule(
        name=f"{job.name}_schedule",
        job=job,
        cron_schedule=when.cron,
        execution_timezone=when.zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        """Ask for one run of this tick; the run queue drops what a second scheduler asks for (run_coordinator.py)."""
        at = context.scheduled_execution_time
        return dg.RunRequest(run_key=f"{job.name}@{at.isoformat()}", tags=nightly_tags(at, zone, late_days))

    return tick
