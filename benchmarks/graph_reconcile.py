"""What it costs to prove the graph: the comparison beside the bare read of the same edges, and drifts of every kind.

    python -m benchmarks.graph_reconcile [--users 100000] [--edges-a-user 10] [--drifts 1000] [--repetitions 3]

Starts a Postgres and a Neo4j of its own in a temporary ESPALIER_HOME, with the settings that the platform ships, and
removes them. Read and comparison take turns; the ratio is taken within a repetition, and the median counts. The drifts
are planted by `benchmarks/plant_drift.py`, a process that imports nothing of the platform.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import LiteralString

import neo4j
import psutil
import psycopg
from psycopg.sql import SQL, Identifier, Literal

from assets.graph.compare import read_people
from assets.graph.rebuild import rebuild
from assets.graph.reconcile import Reconciliation, reconcile
from benchmarks import plant_drift
from migrations import runner
from orchestration.cli.output import err, say
from orchestration.cli.site import NO_EXTERNAL_SERVER, serving
from orchestration.graph import Graph, connect_graph
from orchestration.resources import Postgres
from orchestration.settings import Settings, load_settings

CONCEPTS = 2_000
PACKED_READ: LiteralString = """
    MATCH (u:User)
    RETURN u.id,
           COLLECT { MATCH (u)-[m:MASTERED_BY]->(c:Concept) UNWIND [c.id, m.score, m.updatedAt] AS value RETURN value }
"""
TABLES = ("users", "concepts", "concept_prerequisites", "mastery_records")
FILL = (
    SQL(
        'INSERT INTO users (id, email, "updatedAt")'
        " SELECT 'u' || n, n::text, now() FROM generate_series(0, {users} - 1) AS n"
    ),
    SQL(
        'INSERT INTO concepts (id, name, domain, difficulty, "updatedAt")'
        " SELECT 'concept-' || n, 'Concept ' || n, 'Domain ' || n %% 50, n %% 10, now()"
        " FROM generate_series(0, {concepts} - 1) AS n"
    ),
    SQL(
        'INSERT INTO concept_prerequisites (id, "prerequisiteId", "conceptId")'
        " SELECT 'p' || n, 'concept-' || n / 2, 'concept-' || n FROM generate_series(1, {concepts} - 1) AS n"
    ),
    SQL(
        'INSERT INTO mastery_records (id, "userId", "conceptId", "masteryScore", "updatedAt")'
        " SELECT 'm' || n, 'u' || n / {each}, 'concept-' || (n / {each} * 13 + n %% {each} * 199) %% {concepts},"
        " random(), timestamp '2026-01-01' + n * interval '1 s' FROM generate_series(0, {users} * {each} - 1) AS n"
    ),
)


@dataclass
class Peak:
    """The highest private memory of this process, and of all processes of Postgres together, in MB."""

    client: float = 0
    server: float = 0

    def look(self, postmaster: psutil.Process) -> None:
        """Look once."""
        self.client = max(self.client, psutil.Process().memory_info().rss / 1e6)
        backends = [_private(process) for process in postmaster.children()]
        self.server = max(self.server, sum(backends))


def _private(process: psutil.Process) -> float:
    try:
        return process.memory_full_info().uss / 1e6
    except psutil.Error:
        return 0


def watched(postmaster: psutil.Process, work: Callable[[], object]) -> Peak:
    """Do work while its memory is watched."""
    peak, done = Peak(), threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            peak.look(postmaster)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        work()
    finally:
        done.set()
        watcher.join()
    return peak


def timed(work: Callable[[], object]) -> float:
    """Give the seconds that work takes."""
    started = perf_counter()
    work()
    return perf_counter() - started


def fill(settings: Settings, users: int, each: int) -> psutil.Process:
    """Fill the tables without marking anything: the rebuild writes it all. Give the server's process."""
    runner.migrate(settings, "community")
    sizes = {"users": Literal(users), "each": Literal(each), "concepts": Literal(CONCEPTS)}
    with psycopg.connect(settings.url("migrator"), autocommit=True) as owner:
        owner.execute("SELECT set_config('search_path', %s, false)", [settings.schema_of("community")])
        for table, statement in zip(TABLES, FILL, strict=True):
            name = Identifier(table)
            owner.execute(SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(name))
            owner.execute(statement.format(**sizes), {})
            owner.execute(SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(name))
            owner.execute(SQL("VACUUM (ANALYZE) {}").format(name))
        postmaster = psutil.Process(owner.info.backend_pid).parent()
    if postmaster is None:
        raise LookupError("the server's process is not of this machine")
    return postmaster


def read(settings: Settings) -> None:
    """Read all edges of users packed, a record a user, and do nothing with them."""
    address = settings.neo4j()
    auth = (address.user, address.password.get_secret_value())
    with neo4j.GraphDatabase.driver(address.uri, auth=auth) as driver, driver.session(fetch_size=5000) as session:
        for _ in session.run(PACKED_READ):
            pass


def read_in_groups(settings: Settings) -> None:
    """Read the same as the comparison reads it."""
    with connect_graph(settings) as graph:
        for _ in read_people(graph):
            pass


def compare(settings: Settings) -> Reconciliation:
    """Compare the whole graph as a run does that finds nothing."""
    return reconcile(Postgres(settings), Graph(settings))


def plant(settings: Settings, count: int) -> dict[str, int]:
    """Have a stranger plant drifts."""
    address = settings.neo4j()
    environment = {"PATH": os.environ["PATH"], "NEO4J_PASSWORD": address.password.get_secret_value()}
    command = [sys.executable, plant_drift.__file__, address.uri, address.user, str(count)]
    done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def marks_made(settings: Settings) -> int:
    """Tell how many marks have ever been made: a run that writes nothing makes none."""
    with psycopg.connect(settings.url("migrator")) as owner:
        row = owner.execute("SELECT last_value FROM espalier.graph_version").fetchone()
        return row[0] if row else 0


def measure(settings: Settings, chosen: argparse.Namespace) -> Iterator[str]:
    """Fill, rebuild, compare, plant, repair; give the lines of the report."""
    postmaster = fill(settings, chosen.users, chosen.edges_a_user)
    edges = chosen.users * chosen.edges_a_user
    _progress("rebuilding")
    seconds = timed(lambda: rebuild(Postgres(settings), Graph(settings)))
    yield f"{edges:,} edges of {chosen.users:,} users; rebuilt and compared in {seconds:.0f} s"
    works = (read, read_in_groups, compare)
    turns = [[timed(lambda work=work: work(settings)) for work in works] for _ in range(chosen.repetitions)]
    yield "s of the packed read, the read in groups, the comparison: " + "; ".join(
        ", ".join(f"{seconds:.1f}" for seconds in turn) for turn in turns
    )
    for n, name in enumerate(("the packed read (target ≤ 2)", "the read in groups")):
        yield f"comparison against {name}: {median(turn[2] / turn[n] for turn in turns):.2f} times"
    peak = watched(postmaster, lambda: compare(settings))
    yield f"memory: {peak.client:,.0f} MB of the process, {peak.server:,.0f} MB of Postgres (target ≤ 1,000)"
    yield from repair(settings, chosen.drifts)


def repair(settings: Settings, drifts: int) -> Iterator[str]:
    """Plant drifts, reconcile twice; give the lines of the report."""
    _progress("planting drifts")
    yield f"planted: {json.dumps(plant(settings, drifts))}"
    results: list[Reconciliation] = []
    seconds = timed(lambda: results.append(compare(settings)))
    yield f"found, repaired and compared again in {seconds:.1f} s:"
    yield from (f"  {s.element} {s.difference} {s.detail or '-'}: {s.count:,} {s.state}" for s in results[0].plan)
    before = marks_made(settings)
    again = timed(lambda: results.append(compare(settings)))
    for name, found in zip(("first", "second"), results, strict=True):
        yield f"{name} run: found {found.found:,}, repaired {found.repaired:,}, left {found.left:,}"
    yield f"second run: {again:.1f} s, {marks_made(settings) - before:,} marks made"


def _progress(line: str) -> None:
    err.print(line, markup=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark; nothing gates on time."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.graph_reconcile")
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--edges-a-user", type=int, default=10)
    parser.add_argument("--drifts", type=int, default=1_000)
    parser.add_argument("--repetitions", type=int, default=3)
    chosen = parser.parse_args(arguments)
    with TemporaryDirectory(prefix="espalier-bench-") as folder:
        home = Path(folder) / "home"
        with serving(load_settings(home=home, **NO_EXTERNAL_SERVER), graph=True) as settings:
            for line in measure(settings, chosen):
                say(line)
                sys.stdout.flush()


if __name__ == "__main__":
    main()
