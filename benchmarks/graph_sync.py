"""What syncing costs beside the bare driver: the same edges by the same statement, with and without all that is around.

    python -m benchmarks.graph_sync [--edges 250000] [--repetitions 5] [--batch 5000]

Bare: rows that are ready in memory, a transaction a batch. Ours: the drain, from marks in the outbox to marks that are
gone. Once the edges are new, once all of them are there and change. The sides take turns, the ratio is taken within a
repetition, and the median counts. Starts both servers in a temporary ESPALIER_HOME and removes them.
"""

import argparse
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, LiteralString

import neo4j
import psycopg
from psycopg.sql import SQL

import sql
from assets.graph.drain import drain_with
from assets.graph.session import open_session
from migrations import runner
from orchestration.cli.output import complain, err, say
from orchestration.cli.site import NO_EXTERNAL_SERVER, serving
from orchestration.errors import EspalierError
from orchestration.graph import GraphSession, connect_graph
from orchestration.patience import Patience
from orchestration.resources import Postgres, Session
from orchestration.settings import Settings, load_settings

CONCEPTS = 1000
WRITE = sql.load("graph", "drain", "cypher")["write_masteries"].literal
FILL = (
    SQL(
        'INSERT INTO users (id, email, "updatedAt")'
        " SELECT 'user-' || n, n::text, now() FROM generate_series(1, {edges} / 10) AS n"
    ),
    SQL(
        'INSERT INTO concepts (id, name, domain, "updatedAt")'
        " SELECT 'concept-' || n, 'Concept ' || n, 'domain ' || n % 20, now() FROM generate_series(1, {concepts}) AS n"
    ),
    SQL(
        'INSERT INTO mastery_records (id, "userId", "conceptId", "masteryScore", "updatedAt")'
        " SELECT n::text, 'user-' || 1 + n / 10, 'concept-' || 1 + n * 7 % {concepts}, random(), now()"
        " FROM generate_series(0, {edges} - 1) AS n"
    ),
    SQL("ANALYZE"),
)
MARK = SQL(
    "INSERT INTO espalier.graph_outbox (kind, key1, key2)"
    ' SELECT \'mastery\', "userId", "conceptId" FROM mastery_records ORDER BY 2, 3'
)
READ = SQL(
    'SELECT "userId", "conceptId", "masteryScore", (extract(epoch FROM "updatedAt") * 1000)::bigint'
    " FROM mastery_records ORDER BY 1, 2"
)
CHANGE = SQL('UPDATE mastery_records SET "masteryScore" = random()')


@dataclass(frozen=True)
class Bench:
    """A site that is filled, and both ways to write its graph."""

    settings: Settings
    owner: psycopg.Connection[tuple[Any, ...]]
    session: Session
    graph: GraphSession
    driver: neo4j.Driver

    def bare(self) -> float:
        """Write all edges with the driver alone; give the seconds."""
        rows = [list(row) for row in self.owner.execute(READ).fetchall()]
        size = self.settings.graph.batch_size
        began = perf_counter()
        with self.driver.session() as session:
            for first in range(0, len(rows), size):
                with session.begin_transaction() as transaction:
                    transaction.run(WRITE, rows=rows[first : first + size]).consume()
                    transaction.commit()
        return perf_counter() - began

    def ours(self) -> float:
        """Drain marks of all edges; give the seconds."""
        self.owner.execute("DELETE FROM espalier.graph_outbox")
        self.owner.execute("VACUUM ANALYZE espalier.graph_outbox")
        self.owner.execute(MARK)
        began = perf_counter()
        done = drain_with(self.session, self.graph, self.settings.graph, holder="benchmark")
        seconds = perf_counter() - began
        if done.left or done.parked:
            raise EspalierError(f"the drain left {done.left} marks; nothing was measured")
        return seconds

    def forget_edges(self) -> None:
        """Delete all edges of the graph; the nodes stay."""
        self.ask("MATCH (u:User) CALL (u) { MATCH (u)-[m]->() DELETE m } IN TRANSACTIONS OF 1000 ROWS")

    def count(self) -> int:
        """Count the edges."""
        return int(self.ask("MATCH ()-[m:MASTERED_BY]->() RETURN count(m) AS n")[0]["n"])

    def ask(self, query: LiteralString) -> list[dict[str, Any]]:
        """Run a query in a transaction of its own."""
        with self.driver.session() as session:
            return session.run(query).data()


@contextmanager
def open_bench(settings: Settings, edges: int) -> Generator[Bench]:
    """Migrate and fill a site, and bring it into the graph once."""
    runner.migrate(settings, "community")
    address = settings.neo4j()
    with ExitStack() as stack:
        owner = stack.enter_context(psycopg.connect(settings.url("migrator"), autocommit=True))
        owner.execute("SELECT set_config('search_path', %s, false)", [settings.schema_of("community")])
        for statement in FILL:
            owner.execute(statement.format(edges=edges, concepts=CONCEPTS))
        session = stack.enter_context(open_session(Postgres(settings), Patience().silence))
        graph = stack.enter_context(connect_graph(settings))
        open_driver: Callable[..., neo4j.Driver] = neo4j.GraphDatabase.driver
        driver = open_driver(address.uri, auth=(address.user, address.password.get_secret_value()))
        stack.enter_context(driver)
        drain_with(session, graph, settings.graph, holder="benchmark")
        yield Bench(settings, owner, session, graph, driver)


def measure(bench: Bench, edges: int, *, new: bool, ours_first: bool) -> tuple[float, float]:
    """Measure both sides once; give edges a second, bare and ours."""
    seconds: dict[bool, float] = {}
    for ours in (ours_first, not ours_first):
        if new:
            bench.forget_edges()
        else:
            bench.owner.execute(CHANGE)
        seconds[ours] = bench.ours() if ours else bench.bare()
        if bench.count() != edges:
            raise EspalierError(f"{bench.count()} edges where {edges} were to be written; nothing was measured")
    return edges / seconds[False], edges / seconds[True]


def compare(bench: Bench, edges: int, repetitions: int, *, new: bool) -> str:
    """Measure several times; give a row of a table."""
    rates = [measure(bench, edges, new=new, ours_first=n % 2 == 0) for n in range(repetitions)]
    for bare, ours in rates:
        err.print(f"bare {bare:,.0f}/s, ours {ours:,.0f}/s, {ours / bare:.2f}", markup=False)
    bare, ours = (median(rate[side] for rate in rates) for side in (0, 1))
    ratios = sorted(ours / bare for bare, ours in rates)
    what = "new edges" if new else "edges that change"
    return f"| {what} | {bare:,.0f} | {ours:,.0f} | {median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f}) |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; nothing gates on time, so this is 0 whatever was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.graph_sync")
    parser.add_argument("--edges", type=int, default=250_000, metavar="N")
    parser.add_argument("--repetitions", type=int, default=5, metavar="N")
    parser.add_argument("--batch", type=int, default=5000, metavar="N")
    chosen = parser.parse_args(arguments)
    with TemporaryDirectory(prefix="espalier-bench-") as folder:
        settings = load_settings(home=Path(folder) / "home", **NO_EXTERNAL_SERVER)
        policy = settings.graph.model_copy(update={"batch_size": chosen.batch})
        settings = settings.model_copy(update={"graph": policy})
        with serving(settings, graph_needed=True), open_bench(settings, chosen.edges) as bench:
            compare(bench, chosen.edges, 1, new=True)  # warms up both sides
            rows = [compare(bench, chosen.edges, chosen.repetitions, new=new) for new in (True, False)]
    say("\n".join(["| edges/s | bare driver | sync | ratio (range) |", "|---|---|---|---|", *rows]))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EspalierError as error:
        complain(str(error))
        sys.exit(2)
