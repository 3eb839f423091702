"""What the commands print: tables for people, JSON for scripts, one line on standard error for a mistake."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from orchestration.cli.runs import RunReport

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """Print a value as one JSON document; dates and paths as text."""
    out.print(json.dumps(value, default=str, indent=2), markup=False, soft_wrap=True)


def complain(line: str) -> None:
    """Print a mistake as one line on standard error, whatever it holds."""
    err.print(f"espalier: {' '.join(line.split())}", markup=False, soft_wrap=True)


def say(line: str) -> None:
    """Print a line as it is."""
    out.print(line, markup=False, soft_wrap=True)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; numbers are right-aligned."""
    listed = [list(row) for row in rows]
    table = Table(title=title, title_justify="left")
    for n, column in enumerate(columns):
        numeric = bool(listed) and all(isinstance(row[n], int | float) for row in listed)
        table.add_column(column, justify="right" if numeric else "left")
    for row in listed:
        table.add_row(*(_cell(value) for value in row))
    out.print(table)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def print_run(report: RunReport) -> None:
    """Print what a run did: a row for each asset, then the checks that failed and why it failed if it did."""
    rows = [(key, _number(m, "rows_written"), _number(m, "dagster/row_count")) for key, m in report.assets.items()]
    verdict = "done" if report.succeeded else "FAILED"
    print_table(f"{report.job}: {verdict} in {report.seconds:.1f} s", ("asset", "rows written", "rows in table"), rows)
    for check in report.failed_checks:
        say(f"  check failed: {check}")
    for reason in report.reasons:
        complain(reason)


def _number(metadata: dict[str, Any], name: str) -> int | str:
    value = metadata.get(name)
    return value if isinstance(value, int) else "-"
