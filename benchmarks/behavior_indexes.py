"""What the eleven indexes of the behavior plan gain and cost, beside what the plan promised (seed 001, 4).

    python -m benchmarks.behavior_indexes [--events 1000000] [--repetitions 3] [--sample 200]

Each query is measured with all eleven, without its own index, and without any of them; each write the same way. The
sides take turns; an index is dropped in a transaction that is taken back, so no side pays for another. Pages and WAL
say what no neighbour on the machine can change; medians of milliseconds stand beside them. Starts a Postgres of its own
in a temporary ESPALIER_HOME and removes it. Full-page images are off, so that WAL does not depend on when the last
checkpoint was: the pages that a write dirties are counted instead, each of which may cost up to 8 kB after one.
"""

import argparse
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL, Composed, Identifier

from assets.behavior.index_report import QUERIES, index_names
from assets.behavior.planned_indexes import PLANNED, TABLES, PlannedIndex
from benchmarks import behavior_data
from benchmarks.behavior_tables import ALL, NONE, Read, Reads, Write, Writes, report
from migrations import runner
from orchestration.cli.output import err, say
from orchestration.cli.site import NO_EXTERNAL_SERVER, serving
from orchestration.settings import Settings, load_settings

Connection = psycopg.Connection[DictRow]
# Of a table's rows, how many are inserted at once, and one in how many is updated.
BATCH, UPDATED = 0.01, 20
_SINCE = behavior_data.UNTIL - timedelta(days=30)
_READ = SQL("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ")
_WRITE = SQL("EXPLAIN (ANALYZE, BUFFERS, WAL, TIMING OFF, FORMAT JSON) ")
_HOT = SQL("SELECT pg_stat_get_xact_tuples_hot_updated(%(table)s::regclass) AS hot")
# What the application does with rows that are there; it never changes an event.
_UPDATES: Mapping[str, SQL] = {
    "behavioral_patterns": SQL(
        'UPDATE behavioral_patterns SET "lastSeenAt" = "lastSeenAt" + interval \'1 day\','
        ' "occurrenceCount" = "occurrenceCount" + 1 WHERE hashtext(id) %% {every} = 0'
    ),
    "struggle_predictions": SQL(
        'UPDATE struggle_predictions SET "predictionStatus" = \'CONFIRMED\', "actualOutcome" = true'
        " WHERE hashtext(id) %% {every} = 0"
    ),
    "recommendations": SQL("UPDATE recommendations SET status = 'VIEWED' WHERE hashtext(id) %% {every} = 0"),
    "personalization_configs": SQL(
        'UPDATE personalization_configs SET "timesSelected" = "timesSelected" + 1, "totalReward" = "totalReward" + 0.5,'
        ' "avgReward" = ("totalReward" + 0.5) / ("timesSelected" + 1) WHERE hashtext(id) %% {every} = 0'
    ),
}


@dataclass(frozen=True)
class Bench:
    """A server with rows on it; `admin` may order a checkpoint."""

    owner: Connection
    admin: Connection
    repetitions: int
    sample: int

    @contextmanager
    def without(self, dropped: Sequence[PlannedIndex]) -> Generator[None]:
        """Do without some indexes until the end of the block, in one transaction that leaves nothing behind."""
        with self.owner.transaction(force_rollback=True):
            for index in dropped:
                self.owner.execute(SQL("DROP INDEX {}").format(Identifier(index.name)))
            yield

    def explain(self, statement: Composed | SQL, values: Mapping[str, Any]) -> dict[str, Any]:
        """Run a statement and give what Postgres says of the run."""
        row = self.owner.execute(statement, values).fetchone()
        return row["QUERY PLAN"][0] if row else {}

    def values(self, index: PlannedIndex) -> list[dict[str, Any]]:
        """Draw values that queries of an index ask for: as often as rows have them, so active people more often."""
        columns = SQL(", ").join(map(Identifier, index.columns))
        drawn = SQL("SELECT {0} FROM {1} WHERE num_nulls({0}) = 0 ORDER BY md5(id) LIMIT {2}").format(
            columns, Identifier(index.table), self.sample
        )
        return [{**row, "since": _SINCE} for row in self.owner.execute(drawn).fetchall()]

    def read(self, index: PlannedIndex, asked: Sequence[Mapping[str, Any]]) -> Read:
        """Run an index's query for each of the drawn values."""
        found = [self.explain(_READ + QUERIES[index.query].text, values) for values in asked]
        plans, count = [one["Plan"] for one in found], len(found)
        pages = sum(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] for plan in plans)
        used = sum(index.name in index_names(plan) for plan in plans)
        ms = sum(one["Execution Time"] for one in found)
        return Read(ms / count, pages / count, round(sum(p["Actual Rows"] for p in plans)), used / count)

    def write(self, table: str, statement: Composed, dropped: Sequence[PlannedIndex]) -> Write:
        """Write a batch on clean pages, and take it back."""
        self.admin.execute("CHECKPOINT")
        with self.without(dropped):
            before = self.kept_in_place(table)
            said = self.explain(_WRITE + statement, {})
            kept = self.kept_in_place(table) - before
        self.owner.execute(SQL("VACUUM {}").format(Identifier(table)))
        plan = said["Plan"]
        rows = round(plan["Plans"][0]["Actual Rows"])
        return Write(
            said["Execution Time"],
            plan["WAL Bytes"] / rows,
            plan["Shared Dirtied Blocks"] / rows,
            kept / rows,
        )

    def kept_in_place(self, table: str) -> int:
        """Count the updates of this session after which the table's indexes needed no new entry."""
        row = self.owner.execute(_HOT, {"table": table}).fetchone()
        return row["hot"] if row else 0


def sides(table: str) -> dict[str, list[PlannedIndex]]:
    """Tell which indexes are dropped on each side: none, one of the table's, all of them."""
    of_table = [index for index in PLANNED if index.table == table]
    return {ALL: [], **{index.name: [index] for index in of_table}, NONE: of_table}


def read_all(bench: Bench, tell: Callable[[str], None]) -> Reads:
    """Measure every query with all indexes, without its own, without any; the first pass warms and is not counted."""
    found: dict[str, dict[str, list[Read]]] = {}
    for index in PLANNED:
        tell(f"reading: {index.query}")
        asked, every = bench.values(index), sides(index.table)
        mine = {name: every[name] for name in (ALL, index.name, NONE)}
        found[index.name] = {name: [] for name in mine}
        for repetition in range(bench.repetitions + 1):
            for name, dropped in mine.items():
                with bench.without(dropped):
                    once = bench.read(index, asked)
                if repetition:
                    found[index.name][name].append(once)
        refuse_other_rows(index, found[index.name])
    return found


def refuse_other_rows(index: PlannedIndex, found: Mapping[str, Sequence[Read]]) -> None:
    """An index may change how long a query takes, never what it finds."""
    if len({read.rows for reads in found.values() for read in reads}) > 1:
        raise AssertionError(f"{index.query}: the sides found different rows")


def write_all(bench: Bench, tell: Callable[[str], None]) -> Writes:
    """Measure the inserts of every table and its updates; the first pass makes room on the pages and is not counted."""
    found: dict[tuple[str, str], dict[str, list[Write]]] = {}
    for table in TABLES:
        for kind, statement in statements(table).items():
            tell(f"writing: {kind} {table}")
            of_side: dict[str, list[Write]] = {name: [] for name in sides(table)}
            for repetition in range(bench.repetitions + 1):
                for name, dropped in sides(table).items():
                    once = bench.write(table, statement, dropped)
                    if repetition:
                        of_side[name].append(once)
            found[table, kind] = of_side
    return found


def statements(table: str) -> dict[str, Composed]:
    """Give what is written into a table."""
    batch = SQL("INSERT INTO {} SELECT * FROM {}").format(Identifier(table), Identifier("bench", table))
    change = {"update": _UPDATES[table].format(every=UPDATED)} if table in _UPDATES else {}
    return {"insert": batch, **change}


def sizes(bench: Bench) -> dict[str, int]:
    """Give the bytes of each index as it was built."""
    asked = "SELECT pg_relation_size(%(name)s::regclass) AS bytes"
    found = {i.name: bench.owner.execute(asked, {"name": f'"{i.name}"'}).fetchone() for i in PLANNED}
    return {name: row["bytes"] for name, row in found.items() if row}


@contextmanager
def open_bench(settings: Settings, admin: str, events: int, repetitions: int, sample: int) -> Generator[Bench]:
    """Fill the domain as it was before the plan, and build the indexes as `espalier migrate` does."""
    runner.migrate(settings, "behavior", "behavior_0005")
    path = f'-c search_path="{settings.schema_of("behavior")}" -c TimeZone=UTC'
    with (
        Connection.connect(settings.url("migrator"), autocommit=True, options=path, row_factory=dict_row) as owner,
        Connection.connect(admin, autocommit=True, row_factory=dict_row) as privileged,
    ):
        behavior_data.load(owner, events, BATCH)
        runner.migrate(settings, "behavior")
        yield Bench(owner, privileged, repetitions, sample)


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    first = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.behavior_indexes", description=first)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--sample", type=int, default=200, help="values that each query is asked for")
    return parser.parse_args(arguments)


def run(bench: Bench, tell: Callable[[str], None]) -> str:
    """Measure everything, and write the tables."""
    return report(sizes(bench), read_all(bench, tell), write_all(bench, tell))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; nothing gates on time, so this is 0 whatever was measured."""
    chosen = read_arguments(arguments)
    with TemporaryDirectory(prefix="espalier-bench-") as folder:
        home = Path(folder) / "home"
        with serving(load_settings(home=home, **NO_EXTERNAL_SERVER)) as settings:
            admin = settings.url("bootstrap")
            with psycopg.connect(admin, autocommit=True) as server:
                server.execute("ALTER SYSTEM SET full_page_writes = off")
                server.execute("SELECT pg_reload_conf()")
            with open_bench(settings, admin, chosen.events, chosen.repetitions, chosen.sample) as bench:
                say(run(bench, lambda line: err.print(line, markup=False)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
