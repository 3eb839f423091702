"""How a run's progress is shown: a bar on a terminal, a line for each asset elsewhere, such as in the log of CI."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from dagster import DagsterEvent, DagsterEventType
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from orchestration.failures import asset_of, reason

Show = Callable[[DagsterEvent], None]
ENDED = (DagsterEventType.STEP_SUCCESS, DagsterEventType.STEP_FAILURE, DagsterEventType.STEP_SKIPPED)


@contextmanager
def progress_of(name: str, steps: int, console: Console | None) -> Generator[Show]:
    """Give the function that is told each event of a run."""
    if console is None:
        yield _say_nothing
    elif not console.is_terminal:
        yield lambda event: _print(console, event)
    else:
        with _bar(console) as bar:
            task = bar.add_task(name, total=steps)
            yield lambda event: _draw(bar, task, event)


def _tell_retry(console: Console, event: DagsterEvent) -> None:
    """Say why nothing seems to happen for a while."""
    if event.event_type == DagsterEventType.STEP_UP_FOR_RETRY:
        seconds = event.step_retry_data.seconds_to_wait or 0
        console.print(f"  {reason(event)}; tried again in {seconds:.0f} s", markup=False, soft_wrap=True)


def _say_nothing(_: DagsterEvent) -> None:
    return


def _print(console: Console, event: DagsterEvent) -> None:
    _tell_retry(console, event)
    if event.event_type == DagsterEventType.STEP_SUCCESS:
        seconds = event.step_success_data.duration_ms / 1000
        console.print(f"  {asset_of(event)} done ({seconds:.1f} s)", markup=False, soft_wrap=True)


def _bar(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


def _draw(bar: Progress, task: TaskID, event: DagsterEvent) -> None:
    _tell_retry(bar.console, event)
    if event.event_type == DagsterEventType.STEP_START:
        bar.update(task, description=asset_of(event))
    elif event.event_type in ENDED:
        bar.advance(task)
