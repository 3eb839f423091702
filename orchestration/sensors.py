"""The run failure sensor: one message to a webhook for each incident, not for each failed run."""

from typing import Any

import dagster as dg
import httpx
from dagster import DagsterInstance
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from orchestration.settings import load_settings

FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]


@dg.run_failure_sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Posts a failed run to the webhook (ESPALIER_WEBHOOK_URL), once until the job succeeds again.",
)
def run_failure_webhook(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
    """Post the failure unless it will be retried, was told already, or nobody wants to hear of it."""
    webhook = load_settings().webhook_url
    if webhook is None:
        return dg.SkipReason("no webhook: ESPALIER_WEBHOOK_URL is not set")
    if context.dagster_run.tags.get("dagster/will_retry") == "true":
        return dg.SkipReason("the run will be retried")
    if was_failing_before(context.instance, context.dagster_run):
        return dg.SkipReason(f"{context.dagster_run.job_name} was failing before: the incident is known")
    post(webhook.get_secret_value(), message(context))
    return None


def was_failing_before(instance: DagsterInstance, run: dg.DagsterRun) -> bool:
    """Tell whether the job's last finished run before this one failed too."""
    finished = instance.get_run_records(dg.RunsFilter(job_name=run.job_name, statuses=FINISHED), limit=50)
    ids = [record.dagster_run.run_id for record in finished]
    earlier = finished[ids.index(run.run_id) + 1 :] if run.run_id in ids else finished
    return bool(earlier) and earlier[0].dagster_run.status == dg.DagsterRunStatus.FAILURE


def message(context: dg.RunFailureSensorContext) -> dict[str, Any]:
    """Say which job failed and the first line why; further lines could hold values of rows."""
    reasons = [e.step_failure_data.error for e in context.get_step_failure_events()]
    said = [reason.message for reason in reasons if reason] or [context.failure_event.message or "unknown"]
    reason = said[0].strip().splitlines()[0]
    run = context.dagster_run
    return {
        "text": f"{run.job_name} failed: {reason}",
        "job": run.job_name,
        "run_id": run.run_id,
        "reason": reason,
    }


@retry(
    retry=retry_if_exception_type(httpx.HTTPError),
    stop=stop_after_attempt(3),
    wait=wait_random_exponential(multiplier=0.5, max=5),
    reraise=True,
)
def post(url: str, body: dict[str, Any]) -> None:
    """Post a JSON message; an answer of 4xx or 5xx is an error, shown in the sensor's tick."""
    httpx.post(url, json=body, timeout=10).raise_for_status()
