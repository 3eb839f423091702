"""How the measurements of the behavior plan's indexes are shown: tables in Markdown, beside what the plan promised."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

from assets.behavior.planned_indexes import PLANNED, PlannedIndex

ALL, NONE = "all eleven", "none"
# What the plan says of all indexes together: MB, and percent of a write.
PROMISED_MB, PROMISED_WRITES = (50, 100), 5


@dataclass(frozen=True)
class Read:
    """One pass over the sample: milliseconds and pages of a query, rows in all, in how many plans the index was."""

    ms: float
    pages: float
    rows: int
    used: float


@dataclass(frozen=True)
class Write:
    """One batch: milliseconds; for each row bytes of WAL, pages dirtied, and whether it kept its place in indexes."""

    ms: float
    wal: float
    dirtied: float
    hot: float


Reads = Mapping[str, Mapping[str, Sequence[Read]]]
Writes = Mapping[tuple[str, str], Mapping[str, Sequence[Write]]]
_T = TypeVar("_T", Read, Write)


def report(sizes: Mapping[str, int], reads: Reads, writes: Writes) -> str:
    """Give three tables: what each index gains, what each costs, what all of a table's cost."""
    total = sum(sizes.values()) / 1e6
    said = "more" if total > PROMISED_MB[1] else "less" if total < PROMISED_MB[0] else "as said"
    size = f"All eleven take {total:.1f} MB; the plan said {PROMISED_MB[0]} to {PROMISED_MB[1]}: {said}."
    return "\n\n".join([_gains(reads), _costs(sizes, writes), _tables(writes), size])


def _gains(reads: Reads) -> str:
    head = ("index", "in plans", "pages: none → all but it → all", "ms", "pages saved", "time saved", "the plan", "")
    return _table(head, (_gain(index, reads[index.name]) for index in PLANNED))


def _gain(index: PlannedIndex, sides: Mapping[str, Sequence[Read]]) -> Sequence[str]:
    order = (sides[NONE], sides[index.name], sides[ALL])
    saved = 100 * (1 - ratio(sides[ALL], sides[NONE], lambda read: read.ms))
    pages = 100 * (1 - ratio(sides[ALL], sides[NONE], lambda read: read.pages))
    low, high = index.gain
    return (
        f"`{index.name}`",
        f"{100 * median(read.used for read in sides[ALL]):.0f} %",
        " → ".join(f"{median(read.pages for read in side):.1f}" for side in order),
        " → ".join(f"{median(read.ms for read in side):.3f}" for side in order),
        f"{pages:.0f} %",
        f"{saved:.0f} %",
        f"{low} to {high} %",
        verdict(saved, index.gain),
    )


def verdict(saved: float, promised: tuple[int, int]) -> str:
    """Say how a gain in percent stands to what was promised."""
    if saved < promised[0]:
        return "**less**" if saved > 0 else "**no gain**"
    return "as said" if saved <= promised[1] else "more"


def _costs(sizes: Mapping[str, int], writes: Writes) -> str:
    head = (
        "index",
        "MB",
        "insert: WAL, bytes a row",
        "insert: time",
        "update: WAL, bytes a row",
        "update: time",
        "HOT",
    )
    return _table(head, (_cost(index, sizes[index.name], writes) for index in PLANNED))


def _cost(index: PlannedIndex, size: int, writes: Writes) -> Sequence[str]:
    cells = [f"`{index.name}`", f"{size / 1e6:.1f}"]
    for kind in ("insert", "update"):
        sides = writes.get((index.table, kind))
        cells += [*_more(sides[ALL], sides[index.name])] if sides else ["", ""]
    updates = writes.get((index.table, "update"))
    return [*cells, _hot(updates[index.name], updates[ALL]) if updates else ""]


def _more(with_it: Sequence[Write], without: Sequence[Write]) -> Iterator[str]:
    yield f"{median(w.wal for w in with_it) - median(w.wal for w in without):+.0f}"
    yield f"{100 * (ratio(with_it, without, lambda write: write.ms) - 1):+.0f} %"


def _hot(before: Sequence[Write], after: Sequence[Write]) -> str:
    return " → ".join(f"{100 * median(write.hot for write in side):.0f} %" for side in (before, after))


def _tables(writes: Writes) -> str:
    head = ("table", "ms", "time", "WAL, bytes a row", "WAL", "pages dirtied a row", "HOT", "the plan", "")
    return _table(head, (_whole(table, kind, sides) for (table, kind), sides in writes.items()))


def _whole(table: str, kind: str, sides: Mapping[str, Sequence[Write]]) -> Sequence[str]:
    before, after = sides[NONE], sides[ALL]
    longer = 100 * (ratio(after, before, lambda write: write.ms) - 1)
    more = 100 * (ratio(after, before, lambda write: write.wal) - 1)
    return (
        f"`{table}`, {kind}",
        " → ".join(f"{median(write.ms for write in side):.0f}" for side in (before, after)),
        f"{longer:+.0f} %",
        " → ".join(f"{median(write.wal for write in side):.0f}" for side in (before, after)),
        f"{more:+.0f} %",
        " → ".join(f"{median(write.dirtied for write in side):.2f}" for side in (before, after)),
        _hot(before, after),
        f"< {PROMISED_WRITES} %",
        "as said" if max(longer, more) < PROMISED_WRITES else "**more**",
    )


def ratio(some: Sequence[_T], others: Sequence[_T], figure: Callable[[_T], float]) -> float:
    """Compare two sides within each repetition, and give the median."""
    return median(figure(one) / figure(other) for one, other in zip(some, others, strict=True))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
