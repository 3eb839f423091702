"""What the graph's triggers cost the application's writes: each kind of write with and without them, side by side.

    python -m benchmarks.graph_outbox [--seconds 3] [--repetitions 3] [--rows 50000]

Single-row commits are pgbench's, bulk statements are timed here. The sides take turns within a repetition, ratios are
taken within it, and their medians count. Somebody listens, as `espalier up` does. The third side notifies in every
transaction, as an outbox usually does: it is what the triggers do not do, and why. Starts a Postgres of its own in a
temporary ESPALIER_HOME, with the settings that the platform ships, and removes it.
"""

import argparse
import os
import re
import subprocess
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Literal, get_args

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from migrations import runner
from orchestration.cli.output import err, say
from orchestration.cli.site import NO_EXTERNAL_SERVER, serving
from orchestration.servers.postgres import EmbeddedPostgres
from orchestration.settings import Settings, load_settings

TABLES = ("concepts", "concept_prerequisites", "mastery_records", "users", "concept_attempts")
CONCEPTS = 100
SCORE = 'UPDATE mastery_records SET "masteryScore" = random()'
COUNT = 'UPDATE mastery_records SET "totalAttempts" = :n'
ATTEMPT = (
    'INSERT INTO concept_attempts (id, "userId", "conceptId", "isCorrect")'
    " VALUES (gen_random_uuid()::text, 'u' || :n % (:rows / {concepts}), 'c' || :n % {concepts}, true)"
)
ONE = " WHERE id = 'm' || (:n)::text"
ALWAYS = """
    CREATE OR REPLACE FUNCTION espalier.wake_graph() RETURNS void LANGUAGE plpgsql
    AS $$ BEGIN PERFORM pg_notify('espalier_graph', ''); END $$
"""
Side = Literal["without", "with", "notifying always"]
SIDES: tuple[Side, ...] = get_args(Side)
Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Commits:
    """Single-row transactions by pgbench: its clients, whether commits wait for the disk, the statement."""

    name: str
    statement: str
    clients: int = 1
    waits: bool = False


@dataclass(frozen=True)
class Bulk:
    """One statement over all rows."""

    name: str
    statement: SQL


WRITES: Sequence[Commits | Bulk] = (
    Commits("score of one record a commit, as shipped", SCORE + ONE, waits=True),
    Commits("the same, commits do not wait", SCORE + ONE),
    Commits("the same, 8 clients, as shipped", SCORE + ONE, clients=8, waits=True),
    Commits("the same, 8 clients, commits do not wait", SCORE + ONE, clients=8),
    Commits("a column that the graph does not show", COUNT + ONE),
    Commits("one attempt a commit, commits do not wait", ATTEMPT.replace("{concepts}", str(CONCEPTS))),
    Bulk("scores of all records in one statement", SQL('UPDATE mastery_records SET "masteryScore" = random()')),
    Bulk("a column that the graph does not show, all records", SQL('UPDATE mastery_records SET "totalAttempts" = 7')),
    Bulk(
        "opt-out of all users in one statement", SQL('UPDATE users SET "leaderboardOptOut" = NOT "leaderboardOptOut"')
    ),
)
FILL = (
    SQL(
        'INSERT INTO users (id, email, "updatedAt")'
        " SELECT 'u' || n, n::text, now() FROM generate_series(0, {rows} / {concepts} - 1) AS n"
    ),
    SQL(
        'INSERT INTO concepts (id, name, "updatedAt")'
        " SELECT 'c' || n, n::text, now() FROM generate_series(0, {concepts} - 1) AS n"
    ),
    SQL(
        'INSERT INTO mastery_records (id, "userId", "conceptId", "updatedAt")'
        " SELECT 'm' || n, 'u' || (n / {concepts}), 'c' || n % {concepts}, now()"
        " FROM generate_series(0, {rows} - 1) AS n"
    ),
)


@dataclass(frozen=True)
class Bench:
    """A server with rows on it, and how long each write is measured."""

    settings: Settings
    pgbench: Path
    owner: Connection
    wake_graph: str
    rows: int
    seconds: int

    @contextmanager
    def side(self, side: Side) -> Generator[None]:
        """Switch the triggers, clear away what the last side left, and listen."""
        for table in TABLES:
            switch = SQL("DISABLE" if side == "without" else "ENABLE")
            self.owner.execute(SQL("ALTER TABLE {} {} TRIGGER USER").format(Identifier(table), switch))
        self.owner.execute("TRUNCATE espalier.graph_outbox, espalier.mastery_dirty, concept_attempts")
        self.owner.execute("VACUUM mastery_records, users")
        with psycopg.connect(self.settings.url("migrator"), autocommit=True) as listener:
            listener.execute("LISTEN espalier_graph")
            if side == "notifying always":
                self.owner.execute(ALWAYS)
            yield
            self.owner.execute(self.wake_graph.encode())

    def measure(self, write: Commits | Bulk) -> float:
        """Give the milliseconds of a transaction of a client, or of the statement."""
        if isinstance(write, Commits):
            return self._commits(write)
        started = perf_counter()
        self.owner.execute(write.statement)
        return (perf_counter() - started) * 1000

    def _commits(self, write: Commits) -> float:
        script = f"\\set n random(0, {self.rows - 1})\n\\set rows {self.rows}\n{write.statement};\n"
        parts = conninfo_to_dict(self.settings.url("migrator"))
        names = {"host": "PGHOST", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
        options = f"-c search_path=community -c synchronous_commit={'on' if write.waits else 'off'}"
        done = subprocess.run(
            [
                self.pgbench,
                "-n",
                "-M",
                "prepared",
                "-c",
                str(write.clients),
                "-T",
                str(self.seconds),
                "-f",
                "/dev/stdin",
            ],
            input=script,
            env={**os.environ, **{names[k]: str(v) for k, v in parts.items() if k in names}, "PGOPTIONS": options},
            capture_output=True,
            text=True,
            check=True,
        )
        return float(re.findall(r"latency average = ([\d.]+) ms", done.stdout)[0])


@dataclass(frozen=True)
class Measured:
    """What a write costs on each side, in milliseconds, once a repetition."""

    name: str
    costs: Mapping[Side, Sequence[float]]

    def ratios(self, side: Side) -> list[float]:
        """Compare a side with the one without triggers, within each repetition."""
        return [cost / bare for cost, bare in zip(self.costs[side], self.costs["without"], strict=True)]


def compare(bench: Bench, write: Commits | Bulk, repetitions: int) -> Measured:
    """Measure a write on all sides in turns; every second repetition the other way round."""
    costs: dict[Side, list[float]] = {side: [] for side in SIDES}
    for repetition in range(repetitions):
        for side in SIDES[:: -1 if repetition % 2 else 1]:
            with bench.side(side):
                costs[side].append(bench.measure(write))
    return Measured(write.name, costs)


def table(found: Sequence[Measured]) -> str:
    """Show what was measured, in Markdown."""
    lines = [
        "| write | without, ms | with, ms | ratio | from, to | notifying always |",
        "| --- | ---: | ---: | ---: | --- | ---: |",
    ]
    for row in found:
        bare, ours = (median(row.costs[side]) for side in SIDES[:2])
        ratios, always = row.ratios("with"), median(row.ratios("notifying always"))
        span = f"{min(ratios):.2f}, {max(ratios):.2f}"
        lines.append(f"| {row.name} | {bare:.3f} | {ours:.3f} | {median(ratios):.2f} | {span} | {always:.2f} |")
    return "\n".join(lines)


@contextmanager
def open_bench(settings: Settings, pgbench: Path, rows: int, seconds: int) -> Generator[Bench]:
    """Migrate and fill the community domain on a server that runs."""
    runner.migrate(settings, "community")
    with psycopg.connect(settings.url("migrator"), autocommit=True, options="-c search_path=community") as owner:
        for statement in FILL:
            owner.execute(statement.format(rows=rows, concepts=CONCEPTS))
        owner.execute("VACUUM (ANALYZE) users, concepts, mastery_records")
        found = owner.execute("SELECT pg_get_functiondef('espalier.wake_graph()'::regprocedure)").fetchone()
        yield Bench(settings, pgbench, owner, str(found and found[0]), rows, seconds)


def run(bench: Bench, repetitions: int, tell: Callable[[str], None]) -> list[Measured]:
    """Measure every write."""
    found: list[Measured] = []
    for write in WRITES:
        tell(write.name)
        found.append(compare(bench, write, repetitions))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; nothing gates on time, so this is 0 whatever was measured."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.graph_outbox", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--rows", type=int, default=50_000)
    chosen = parser.parse_args(arguments)
    with TemporaryDirectory(prefix="espalier-bench-") as folder:
        home = Path(folder) / "home"
        with serving(load_settings(home=home, **NO_EXTERNAL_SERVER)) as settings:
            pgbench = EmbeddedPostgres(settings.home).bin("pgbench")
            with open_bench(settings, pgbench, chosen.rows, chosen.seconds) as bench:
                found = run(bench, chosen.repetitions, lambda line: err.print(line, markup=False))
    say(f"{chosen.rows:,} records; {chosen.repetitions} repetitions, medians.\n\n{table(found)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
