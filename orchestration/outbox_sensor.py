"""The outbox lag sensor: tells the webhook once that the graph falls behind, and starts a drain.

The graph is followed by a process of its own; this is for the day when that process is not there or cannot cope. An
incident lasts from the first tick at which the lag is too long until the first at which it is not.
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from assets.graph.outbox import Waiting, measure
from assets.graph.session import open_session
from orchestration.patience import Patience
from orchestration.resources import Postgres
from orchestration.sensors import told
from orchestration.settings import load_settings

# While an incident lasts a drain is started at every tenth tick: a run stays in the event log for ever.
_TICKS_A_RUN = 10


@dataclass(frozen=True)
class Incident:
    """A lag that is too long, as the sensor's cursor remembers it: since when, for how many ticks, whether it was told.

    Attributes:
        since: when it was noticed; names the runs that are started for it.
        ticks: how many ticks it has lasted.
        told: whether the webhook took the message.
    """

    since: str
    ticks: int = 0
    told: bool = False


@dg.sensor(
    job_name="graph_drain",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
    description="Tells the webhook when the graph is more than graph.lag_alert_seconds behind, and starts a drain.",
)
def outbox_lag_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason | dg.SensorResult:
    """Compare the age of the oldest mark with what is allowed."""
    settings = load_settings()
    with open_session(Postgres(settings), Patience().silence) as session:
        waiting = measure(session)
    if waiting.lag_seconds <= settings.graph.lag_alert_seconds:
        context.update_cursor("")
        return dg.SkipReason(f"the graph is {waiting.lag_seconds:.0f} s behind, {waiting.waiting} marks wait")
    incident = Incident(**json.loads(context.cursor)) if context.cursor else Incident(datetime.now(UTC).isoformat())
    due = incident.ticks % _TICKS_A_RUN == 0
    runs = [dg.RunRequest(run_key=f"{incident.since}/{incident.ticks}")] if due else []
    incident = replace(
        incident, ticks=incident.ticks + 1, told=incident.told or told(context, settings, message(waiting))
    )
    context.update_cursor(json.dumps(asdict(incident)))
    return dg.SensorResult(run_requests=runs)


def message(waiting: Waiting) -> dict[str, Any]:
    """Say how far the graph is behind, and where to look."""
    text = (
        f"graph is {waiting.lag_seconds:.0f} s behind Postgres: {waiting.waiting} marks wait, {waiting.parked} are "
        "set aside; a drain was started, see `espalier status` for the process that should follow"
    )
    return {"text": text, "job": "graph_drain", "lag_seconds": waiting.lag_seconds, "reason": "outbox lag"}
