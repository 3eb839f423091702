"""What the commands print: tables for people, JSON for scripts, one line on standard error for a mistake."""

import json
import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:  # it imports Dagster, which the small commands do without
    from orchestration.cli.runs import RunReport

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """Print a value as one JSON document; dates and paths as text."""
    say(json.dumps(value, default=str, indent=2))


def complain(line: str) -> None:
    """Print a mistake as one line on standard error, whatever it holds."""
    note(f"espalier: {' '.join(line.split())}")


def note(line: str) -> None:
    """Tell on standard error what goes on; standard output is for results."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def working(what: str) -> Generator[Callable[[str], None]]:
    """Show that something takes its time: a spinner on a terminal, one line elsewhere; give how to say more."""
    if err.is_terminal:
        with err.status(Text(what)) as spinner:
            yield lambda detail: spinner.update(Text(f"{what}: {detail}"))
    else:
        note(f"{what} ...")
        yield lambda _: None


def say(line: str) -> None:
    """Print a line as it is: rich would read marks into it."""
    print(line, flush=True)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; numbers are right-aligned."""
    listed = [list(row) for row in rows]
    table = Table(title=title, title_justify="left")
    for n, column in enumerate(columns):
        numeric = any(isinstance(row[n], int | float) for row in listed)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")  # a name is never cut off
    for row in listed:
        table.add_row(*(_cell(value) for value in row))
    out.print(table)


def _cell(value: object) -> Text:
    if isinstance(value, float):
        return Text(f"{value:.1f}")
    return Text(f"{value:,}" if isinstance(value, int) else str(value))


def print_run(report: "RunReport") -> None:
    """Print what a run did: a row for each asset, then the checks that failed."""
    rows = [(key, m.get("rows_written", "-"), m.get("dagster/row_count", "-")) for key, m in report.assets.items()]
    verdict = "done" if report.succeeded else "FAILED"
    title = f"{report.name}: {verdict} in {report.seconds:.1f} s, run {report.run_id[:8]}"
    if rows:
        print_table(title, ("asset", "rows written", "rows in table"), rows)
    else:
        say(title)
    for check in report.failed_checks:
        say(f"  check failed: {check}")


def finish(reports: "Sequence[RunReport]", document: Any | None = None) -> int:
    """Print what runs did, as the given document or for people, and why they failed; give the exit code.

    It is 2 when all that failed was refused for a user's mistake, 1 when something else failed.
    """
    if document is None:
        for report in reports:
            print_run(report)
    else:
        print_json(document)
    for reason in dict.fromkeys(reason for report in reports for reason in report.reasons):
        complain(reason)
    failed = [report for report in reports if not report.succeeded]
    return (2 if all(report.refused for report in failed) else 1) if failed else 0
