"""A job done in several ways, their results compared for equality, then their costs, interleaved.

What the ways are is in the modules named after the tables; how results are shown is in `report.py`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

from psycopg.sql import SQL

from benchmarks.meter import Cost, Figures
from benchmarks.workbench import Statement, Workbench
from orchestration.errors import EspalierError
from orchestration.settings import Domain

Way = Literal["platform", "original", "lower bound", "polars + COPY", "pandas"]
Work = Callable[[Workbench], Figures]
Step = Callable[[Workbench], None]
NO_FIGURES: Figures = {}
SAMPLE = SQL("SELECT * FROM bench.sample")
A_FEW = SQL("SELECT * FROM bench.sample LIMIT 500")
EXPECTED = SQL("SELECT * FROM bench.expected")


def nothing(_bench: Workbench) -> None:
    """Leave everything as it is."""


@dataclass(frozen=True)
class Side:
    """One way to do a job.

    Attributes:
        name: unique in its job.
        work: what is measured; a figure `scale` says how many times the sample the whole work is.
        before: brings the tables to where the work starts; not measured.
        check: compares the result with the platform's (or keeps the platform's); raises `Different`.
        after: undoes what would disturb the next side; not measured.
        watched: whether the memory of the platform's backend is measured too, in a pass of its own.
    """

    name: str
    way: Way
    work: Work
    before: Step = nothing
    check: Step = nothing
    after: Step = nothing
    watched: bool = False


@dataclass(frozen=True)
class Target:
    """What a job is held to: a figure of its outcome and the bound it must keep."""

    text: str
    at_least: bool
    bound: float
    figure: Callable[["Outcome"], float]
    unit: str = "times"

    def met(self, outcome: "Outcome") -> bool:
        """Tell whether the figure keeps its bound."""
        found = self.figure(outcome)
        return found >= self.bound if self.at_least else found <= self.bound


@dataclass(frozen=True)
class Job:
    """A job of the platform with the other ways to do it, in the order in which they take turns.

    `prepare` is done once, before all.
    """

    title: str
    domain: Domain
    sides: Sequence[Side]
    targets: Sequence[Target]
    explained: str
    prepare: Step = nothing


@dataclass(frozen=True)
class Outcome:
    """The costs of a job's sides, one a repetition, and the memory of those that were watched."""

    job: Job
    costs: Mapping[str, Sequence[Cost]]
    memory: Mapping[str, int] = field(default_factory=dict[str, int])

    def seconds(self, side: str) -> float:
        """Give the median wall time."""
        return median(cost.seconds for cost in self.costs[side])

    def ratio(self, side: str, to: str) -> float:
        """Give the median of the ratios of wall time, each taken within one repetition."""
        pairs = zip(self.costs[side], self.costs[to], strict=True)
        return median(one.seconds / other.seconds for one, other in pairs)

    def highest(self, side: str, figure: str) -> float:
        """Give the highest value of a figure that a side reported."""
        return max(cost.figures[figure] for cost in self.costs[side])


class Different(EspalierError):
    """Two ways to do a job gave different results."""


def compare(bench: Workbench, job: Job, repetitions: int, say: Callable[[str], None]) -> Outcome:
    """Check that all sides give the same, then measure them in turns, then watch the memory of the platform's."""
    job.prepare(bench)
    for side in job.sides:
        _turn(bench, side, check=True)
        say(f"{job.title}: {side.name}: checked")
    costs: dict[str, list[Cost]] = {side.name: [] for side in job.sides}
    for number in range(repetitions):
        for side in job.sides:
            cost = _turn(bench, side)
            costs[side.name].append(cost)
            say(f"{job.title}: {side.name}: {number + 1} of {repetitions}: {cost.seconds:.3f} s")
    return Outcome(job, costs, _watch(bench, job.sides))


def _turn(bench: Workbench, side: Side, *, check: bool = False) -> Cost:
    side.before(bench)
    cost = bench.meter.measure(lambda: side.work(bench))
    if check:
        side.check(bench)
    side.after(bench)
    return cost.scaled(cost.figures.get("scale", 1))


def _watch(bench: Workbench, sides: Iterable[Side]) -> dict[str, int]:
    return {side.name: _memory(bench, side) for side in sides if side.watched}


def _memory(bench: Workbench, side: Side) -> int:
    side.before(bench)
    growth = bench.memory_growth(side.work)
    side.after(bench)
    return growth


def sample(bench: Workbench, rows: Statement) -> None:
    """Set aside what a loop over rows is measured on: it is given to the loop by `SAMPLE`, its search costs nothing."""
    bench.execute(SQL("DROP TABLE IF EXISTS bench.sample"))
    bench.execute(SQL("CREATE TABLE bench.sample AS {}").format(rows))


def keep(bench: Workbench, rows: Statement) -> None:
    """Keep the platform's result: the others' must equal it."""
    bench.execute(SQL("DROP TABLE IF EXISTS bench.expected"))
    bench.execute(SQL("CREATE TABLE bench.expected AS {}").format(rows))


def require_equal(bench: Workbench, side: str, found: Statement, expected: Statement = EXPECTED) -> None:
    """Compare two queries as multisets of rows.

    Raises:
        Different: says how many rows only one of the two has.
    """
    difference = SQL(
        """
        WITH found AS ({}), expected AS ({})
        SELECT (SELECT count(*) FROM (SELECT * FROM found EXCEPT ALL SELECT * FROM expected) AS f) AS more,
               (SELECT count(*) FROM (SELECT * FROM expected EXCEPT ALL SELECT * FROM found) AS e) AS missing,
               (SELECT count(*) FROM expected) AS rows
        """
    ).format(found, expected)
    row = bench.figures(difference)
    if row["more"] or row["missing"] or not row["rows"]:
        raise Different(
            f"{side}: {row['more']:.0f} rows that the platform has not, {row['missing']:.0f} missing of "
            f"{row['rows']:.0f}; the sides must be equal before their times mean anything"
        )
