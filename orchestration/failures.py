"""Says in one line why a step failed: what the command line prints and the webhook is told.

Only the first line of the innermost error: further lines could hold values of rows.
"""

from collections.abc import Iterator

from dagster import DagsterEvent, DagsterEventType
from dagster_shared.error import SerializableErrorInfo

from orchestration.errors import first_line

_INTERRUPTS = ("DagsterExecutionInterruptedError", "KeyboardInterrupt")


def reason(event: DagsterEvent) -> str:
    """Give the asset of a step that failed, or is to be tried again, and the first line why."""
    said = None
    if event.event_type == DagsterEventType.STEP_FAILURE and event.step_failure_data.user_failure_data:
        said = event.step_failure_data.user_failure_data.description
    causes = [error.message for error in _causes(event)]
    return f"{asset_of(event)}: {first_line(said or (causes[-1] if causes else ''))}"


def is_interruption(event: DagsterEvent) -> bool:
    """Tell whether a step ended because the user, or the system, ended the program."""
    return any(error.cls_name in _INTERRUPTS for error in _causes(event))


def asset_of(event: DagsterEvent) -> str:
    """Name the asset of a step: steps are called by their asset's key."""
    return (event.step_key or "the run").replace("__", "/", 1)


def _causes(event: DagsterEvent) -> Iterator[SerializableErrorInfo]:
    """Give the error of a step and its causes, the innermost last."""
    error = None
    if event.event_type == DagsterEventType.STEP_FAILURE:
        error = event.step_failure_data.error
    elif event.event_type == DagsterEventType.STEP_UP_FOR_RETRY:
        error = event.step_retry_data.error
    while error:
        yield error
        error = error.cause
