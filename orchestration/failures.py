"""Says in one line why a step failed: what the command line prints and the webhook is told.

Only the first line of the innermost error: further lines could hold values of rows.
"""

from dagster import DagsterEvent


def reason(event: DagsterEvent) -> str:
    """Give the asset of a failed step and the first line why."""
    failure = event.step_failure_data
    if failure.user_failure_data and failure.user_failure_data.description:
        return f"{asset_of(event)}: {first_line(failure.user_failure_data.description)}"
    error = failure.error
    while error and error.cause:
        error = error.cause
    return f"{asset_of(event)}: {first_line(error.message if error else '')}"


def asset_of(event: DagsterEvent) -> str:
    """Name the asset of a step: steps are called by their asset's key."""
    return (event.step_key or "the run").replace("__", "/", 1)


def first_line(text: str) -> str:
    """Give the first line of a message that says anything."""
    return text.strip().partition("\n")[0].strip() or "failed"
