"""How the outcomes of a run are shown: tables in Markdown, beside the targets.

`write` replaces what stands between the two marks of a document and leaves the prose around it.
"""

import os
import platform as machine
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks.comparison import Outcome, Side, Target
from benchmarks.meter import Cost
from benchmarks.sizes import Sizes
from orchestration.errors import EspalierError

BEGIN = "<!-- measured: written by `python -m benchmarks --write`, do not edit -->"
END = "<!-- end of what was measured -->"
_HEAD = (
    "",
    "way",
    "s",
    "s, from and to",
    "times the first",
    "server CPU s",
    "client CPU s",
    "WAL MB",
    "memory MB",
    "also",
)


def describe_run(server: str, sizes: Sizes, repetitions: int, scale: str) -> str:
    """Say on what was measured: machine, versions, sizes."""
    memory = psutil.virtual_memory().total / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in ("psycopg", "polars", "pandas"))
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores of {_processor()}, {memory:.0f} GB; {server}, settings "
        f"as shipped; Python {machine.python_version()}, {packages}. Scale `{scale}`: {sizes.users:,} users, "
        f"{sizes.doubts + sizes.answers:,} doubts and answers, {sizes.votes:,} votes, {sizes.xp_entries:,} rows of "
        f"xp_ledger, {sizes.reputation_entries:,} of reputation_ledger; {sizes.dialogues:,} dialogues of {sizes.days} "
        f"days. {repetitions} repetitions; medians."
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else machine.processor() or machine.machine()


def tables(outcomes: Sequence[Outcome]) -> str:
    """Give a table of targets, then one a job."""
    parts = [_targets(outcomes), *(_costs(outcome) for outcome in outcomes)]
    return "\n\n".join(parts)


def _targets(outcomes: Iterable[Outcome]) -> str:
    rows = [
        (f"`{outcome.job.title}`", target.text, _bound(target), _found(target, outcome), _verdict(target, outcome))
        for outcome in outcomes
        for target in outcome.job.targets
    ]
    return _table(("job", "what", "target", "measured", ""), rows)


def _bound(target: Target) -> str:
    return f"{'≥' if target.at_least else '≤'} {target.bound:g} {target.unit}"


def _found(target: Target, outcome: Outcome) -> str:
    return f"{_short(target.figure(outcome))} {target.unit}"


def _verdict(target: Target, outcome: Outcome) -> str:
    return "met" if target.met(outcome) else "**not met**"


def _costs(outcome: Outcome) -> str:
    job = outcome.job
    rows = [_side(outcome, side) for side in job.sides]
    return f"### `{job.title}`\n\nThe platform's side is {job.explained}\n\n{_table(_HEAD, rows)}"


def _side(outcome: Outcome, side: Side) -> tuple[str, ...]:
    costs = outcome.costs[side.name]
    seconds = sorted(cost.seconds for cost in costs)
    middle = sorted(costs, key=lambda cost: cost.seconds)[len(costs) // 2]
    memory = outcome.memory.get(side.name)
    return (
        side.name,
        side.way,
        _short(outcome.seconds(side.name)),
        f"{_short(seconds[0])}, {_short(seconds[-1])}",
        _short(outcome.ratio(side.name, outcome.job.sides[0].name)),
        _short(middle.server_cpu),
        _short(middle.client_cpu),
        _short(middle.wal_bytes / 1e6),
        "" if memory is None else _short(memory / 1e6),
        _also(middle),
    )


def _also(cost: Cost) -> str:
    """Name what the work reported; a sample with the factor by which its cost was scaled."""
    return ", ".join(
        f"scaled by {_short(value)}" if name == "scale" else f"{name.replace('_', ' ')} {_short(value)}"
        for name, value in cost.figures.items()
    )


def _short(value: float) -> str:
    """Three digits are all that a wall clock is good for."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(path: Path, measured: str) -> None:
    """Put what was measured into a document, between its marks.

    Raises:
        EspalierError: the document is not there, or has no marks.
    """
    text = path.read_text() if path.is_file() else ""
    if not (BEGIN in text and END in text):
        raise EspalierError(f"{path}: has no lines `{BEGIN}` and `{END}`; name the document that has them")
    head, rest = text.split(BEGIN, 1)
    path.write_text(f"{head}{BEGIN}\n\n{measured}\n\n{END}{rest.split(END, 1)[1]}")
