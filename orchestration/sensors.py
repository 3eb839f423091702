"""The run failure sensor: one message to a webhook for each incident, not for each failed run.

An incident is the failing of a job, or of the assets that were selected, from the first failure that was told until
the same succeeds. What was told is kept in Dagster's storage (a tag would be copied when a run is repeated); two
daemons at once tell it once.
"""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import dagster as dg
import httpx
from dagster import DagsterInstance
from dagster_postgres import PostgresRunStorage
from sqlalchemy import text
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from orchestration.errors import first_line
from orchestration.failures import reason
from orchestration.settings import Settings, load_settings

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:incident, 20260101))")


@dg.run_failure_sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Posts a failed run to the webhook (ESPALIER_WEBHOOK_URL), once until the job succeeds again.",
)
def run_failure_webhook(context: dg.RunFailureSensorContext) -> None:
    """Post the failure unless it will be retried, was told already, or nobody wants to hear of it.

    It never skips: Dagster refuses a tick in which one run was acted upon and another skipped.
    """
    webhook, run = load_settings().webhook_url, context.dagster_run
    if webhook is None:
        context.log.info("no webhook: ESPALIER_WEBHOOK_URL is not set")
    elif run.tags.get("dagster/will_retry") == "true":
        context.log.info(f"run {run.run_id} will be retried")
    else:
        with _one_at_a_time(context.instance, subject(run)):
            _tell(context, webhook.get_secret_value())


def _tell(context: dg.RunFailureSensorContext, webhook: str) -> None:
    run = context.dagster_run
    if is_known(context.instance, run):
        context.log.info(f"{subject(run)} was failing before: the incident is known")
    else:
        post(webhook, message(context))
        remember(context.instance, run)


def subject(run: dg.DagsterRun) -> str:
    """Name what failed: the job, or the assets where some were selected (all of those share one job)."""
    selected = sorted(key.to_user_string() for key in run.asset_selection or ())
    return ", ".join(selected) or run.job_name


def is_known(instance: DagsterInstance, run: dg.DagsterRun) -> bool:
    """Tell whether a failure of the same was told and it has not succeeded between then and this run."""
    told = instance.run_storage.get_cursor_values({_place(run)}).get(_place(run))
    if told is None:
        return False
    between = dg.RunsFilter(
        job_name=run.job_name,
        statuses=[dg.DagsterRunStatus.SUCCESS],
        created_after=datetime.fromisoformat(told),
        created_before=_created(instance, run),
    )
    return not any(subject(other) == subject(run) for other in instance.get_runs(between))


def remember(instance: DagsterInstance, run: dg.DagsterRun) -> None:
    """Keep when the run was created whose failure was told."""
    instance.run_storage.set_cursor_values({_place(run): _created(instance, run).isoformat()})


def _place(run: dg.DagsterRun) -> str:
    return f"espalier/told/{subject(run)}"


def _created(instance: DagsterInstance, run: dg.DagsterRun) -> datetime:
    record = instance.get_run_record_by_id(run.run_id)
    if record is None:
        raise LookupError(f"run {run.run_id} was deleted before its failure could be told")
    return record.create_timestamp


def message(context: dg.RunFailureSensorContext) -> dict[str, Any]:
    """Say what failed and the first line why; further lines could hold values of rows."""
    run, failed = context.dagster_run, context.get_step_failure_events()
    why = reason(failed[0]) if failed else first_line(context.failure_event.message or "")
    return {"text": f"{subject(run)} failed: {why}", "job": run.job_name, "run_id": run.run_id, "reason": why}


@retry(
    retry=retry_if_exception_type(httpx.HTTPError),
    stop=stop_after_attempt(3),
    wait=wait_random_exponential(multiplier=0.5, max=5),
    reraise=True,
)
def post(url: str, body: dict[str, Any]) -> None:
    """Post a JSON message; an answer of 4xx or 5xx is an error, shown in the sensor's tick."""
    httpx.post(url, json=body, timeout=10).raise_for_status()


def told(context: dg.SensorEvaluationContext, settings: Settings, body: dict[str, Any]) -> bool:
    """Post a message if anybody wants it; give whether that is done with.

    A webhook that is away is written into the tick's log and is asked again at the next one: it must not keep a sensor
    from what else it does.
    """
    if settings.webhook_url is None:
        context.log.info("no webhook: ESPALIER_WEBHOOK_URL is not set")
        return True
    try:
        post(settings.webhook_url.get_secret_value(), body)
    except httpx.HTTPError as error:
        context.log.error(f"the webhook was not told, the next tick tries again: {first_line(str(error))}")
        return False
    return True


@contextmanager
def _one_at_a_time(instance: DagsterInstance, incident: str) -> Generator[None]:
    """Hold the incident's lock in Dagster's database; the end of the transaction releases it, whatever happens."""
    storage = instance.run_storage
    if not isinstance(storage, PostgresRunStorage):
        raise TypeError(f"dagster.yaml: storage is {type(storage).__name__}; the sensor needs postgres")
    with storage.connect() as connection:
        transaction = connection.execution_options(isolation_level="READ COMMITTED")  # Dagster's is autocommit
        transaction.execute(_LOCK, {"incident": incident})
        yield
