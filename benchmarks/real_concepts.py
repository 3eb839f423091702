"""Puts a real curriculum into Postgres and the graph, and compares both with a plain computation on the same file.

    python -m benchmarks.real_concepts FILE        (or: python benchmarks/real_concepts.py FILE)

FILE is an exercise table of the form of the Junyi Academy's (see `concept_file.py`). Starts from an empty
ESPALIER_HOME (a temporary one unless the variable names another), migrates, loads by COPY, quarantines what cannot be
used, lets the outbox bring it into Neo4j, names every cycle, compares the graph with Postgres element by element and
200 random questions with networkx, stops what it started.
"""

import csv
import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import LiteralString

import neo4j
import networkx as nx
import psycopg
from psycopg.sql import SQL
from psycopg.types.json import Jsonb

from assets.graph import cycles, drain, paths
from assets.graph.reconcile import Reconciliation, reconcile
from benchmarks.concept_file import ConceptFile, read_concepts, split_names, unusable
from benchmarks.real_votes import empty_home
from migrations import runner
from orchestration.cli.output import say
from orchestration.cli.site import NO_EXTERNAL_SERVER, serving
from orchestration.errors import EspalierError
from orchestration.graph import Graph, GraphSession, connect_graph
from orchestration.resources import Postgres
from orchestration.settings import Settings, load_settings

EPOCH = datetime(2000, 1, 1)
QUESTIONS = 100
SEED = 20260101
_WHOLE: tuple[LiteralString, ...] = (
    "MATCH (c:Concept) RETURN c.id, c.name, c.domain, c.difficulty, c.createdAt",
    "MATCH (p:Concept)-[:PREREQUISITE_OF]->(c:Concept) RETURN p.id, c.id",
    "MATCH (c:Concept)-[:PART_OF]->(d:Domain) RETURN c.id, d.name",
)


def load(connection: psycopg.Connection, file: ConceptFile) -> None:
    """Load concepts and prerequisites, and into quarantine what the file says beside them, in one transaction."""
    with connection.transaction():
        _copy(
            connection,
            'COPY concepts (id, name, description, domain, difficulty, "createdAt", "updatedAt") FROM STDIN',
            (
                (c.id, c.id, c.title, c.domain, c.difficulty, c.created_at or EPOCH, c.created_at or EPOCH)
                for c in file.concepts.values()
            ),
        )
        _copy(
            connection,
            'COPY concept_prerequisites (id, "conceptId", "prerequisiteId") FROM STDIN',
            ((f"prerequisite {n}", concept, other) for n, (concept, other) in enumerate(sorted(file.edges))),
        )
        _copy(
            connection,
            "COPY espalier.quarantine (domain, source_table, source_key, reason, payload, first_seen, last_seen)"
            " FROM STDIN",
            _quarantined(file),
        )


def _quarantined(file: ConceptFile) -> Iterator[tuple[object, ...]]:
    now = datetime.now(UTC)
    for row in dict.fromkeys((r.table, r.key, r.reason) for r in file.left_out):
        payload = next(r.payload for r in file.left_out if (r.table, r.key, r.reason) == row)
        yield ("community", *row, Jsonb(payload), now, now)


def _copy(connection: psycopg.Connection, statement: LiteralString, rows: Iterable[tuple[object, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(SQL(statement)) as copy:
        for row in rows:
            copy.write_row(row)


def plain_graph(path: Path) -> "nx.DiGraph[str]":
    """Read the same file the plain way: a node a name, an edge from each prerequisite; of two rows the first counts."""
    rows: dict[str, dict[str, str]] = {}
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        for row in csv.DictReader(file, restkey="?"):
            clean = {key.strip(): value for key, value in row.items()}
            name = clean["name"].strip()
            if unusable(name, clean) is None:
                rows.setdefault(name, clean)
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(rows)
    edges = ((other, name) for name, row in rows.items() for other in split_names(row["prerequisites"] or ""))
    graph.add_edges_from(edge for edge in edges if edge[0] in rows)
    return graph


@dataclass(frozen=True)
class Elements:
    """All of a curriculum as sets that two stores can be compared by."""

    concepts: set[tuple[object, ...]]
    prerequisites: set[tuple[object, ...]]
    domains: set[tuple[object, ...]]

    def differences(self, other: "Elements") -> int:
        """Count what only one of the two has."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return sum(len(mine ^ theirs) for mine, theirs in pairs)


def in_postgres(connection: psycopg.Connection) -> Elements:
    """Fetch the curriculum from Postgres; times as the milliseconds that the graph keeps."""
    concepts = connection.execute(
        'SELECT id, name, domain, difficulty, (extract(epoch FROM "createdAt") * 1000)::bigint FROM concepts'
    )
    edges = connection.execute('SELECT "prerequisiteId", "conceptId" FROM concept_prerequisites')
    domains = connection.execute("SELECT id, domain FROM concepts WHERE domain IS NOT NULL")
    return Elements(set(concepts), set(edges), set(domains))


def in_neo4j(settings: Settings) -> Elements:
    """Fetch the curriculum from Neo4j by the bare driver; a doubled element would show in the counts."""
    address = settings.neo4j()
    auth = (address.user, address.password.get_secret_value())
    with neo4j.GraphDatabase.driver(address.uri, auth=auth) as driver:
        return Elements(*(_distinct(driver.execute_query(question).records) for question in _WHOLE))


def _distinct(records: list[neo4j.Record]) -> set[tuple[object, ...]]:
    """Make a set, marking what occurs more than once so that it differs."""
    counts = Counter(tuple(record.values()) for record in records)
    return {values if n == 1 else (*values, n) for values, n in counts.items()}


def wrong_answers(g: GraphSession, plain: "nx.DiGraph[str]", max_hops: int) -> list[str]:
    """Ask random questions of the graph and of networkx; give those that were answered differently."""
    draw = random.Random(SEED)  # noqa: S311 -- questions of a trial, no secret
    names = sorted(plain)
    wrong = [_wrong_hops(g, plain, draw.choice(names), draw.randint(1, max_hops)) for _ in range(QUESTIONS)]
    wrong += [_wrong_chain(g, plain, *_pair(draw, plain, names), max_hops) for _ in range(QUESTIONS)]
    return [line for line in wrong if line]


def _wrong_hops(g: GraphSession, plain: "nx.DiGraph[str]", name: str, hops: int) -> str | None:
    expected = dict(nx.single_source_shortest_path_length(plain.reverse(copy=False), name, cutoff=hops))
    del expected[name]
    answer = paths.prerequisites(g, paths.find_concept(g, name), hops)
    found = {p.id: p.distance for p in answer.prerequisites}
    return None if found == expected else f"{hops} hops before {name}: {len(expected)} expected, found {len(found)}"


def _pair(draw: random.Random, plain: "nx.DiGraph[str]", names: list[str]) -> tuple[str, str]:
    """Draw two concepts; every other time two of which one leads to the other, where the second has any."""
    end = draw.choice(names)
    above = sorted(nx.ancestors(plain, end)) if draw.random() < 0.5 else []
    return draw.choice(above or names), end


def _wrong_chain(g: GraphSession, plain: "nx.DiGraph[str]", start: str, end: str, max_hops: int) -> str | None:
    lengths = dict(nx.single_source_shortest_path_length(plain, start, cutoff=max_hops))
    chain = paths.shortest_chain(g, start, end, max_hops)
    found = len(chain) - 1 if chain else None
    real = not chain or nx.is_path(plain, [concept.id for concept in chain])
    return None if found == lengths.get(end) and real else f"{start} to {end}: {lengths.get(end)} hops, found {found}"


@dataclass(frozen=True)
class Trial:
    """What came of a file."""

    seconds: float
    drained: drain.DrainResult
    stored: Elements
    graph: Elements
    proof: Reconciliation
    wrong: list[str]


def run(settings: Settings, file: ConceptFile, plain: "nx.DiGraph[str]") -> Trial:
    """Migrate, load, drain, reconcile, compare, ask."""
    runner.migrate(settings, "community")
    postgres, graph = Postgres(settings), Graph(settings)
    with psycopg.connect(settings.url("migrator")) as connection:
        connection.execute("SELECT set_config('search_path', %s, false)", [settings.schema_of("community")])
        load(connection, file)
        connection.commit()
        started = monotonic()
        drained = drain.drain(postgres, graph, holder="real_concepts")
        seconds = monotonic() - started
        stored = in_postgres(connection)
    proof = reconcile(postgres, graph)
    with connect_graph(settings) as g:
        wrong = wrong_answers(g, plain, settings.graph.max_hops)
    return Trial(seconds, drained, stored, in_neo4j(settings), proof, wrong)


def report_lines(file: ConceptFile, trial: Trial, found: list[list[str]]) -> Iterator[str]:
    """Say what was read, left out, written, and found to be circular."""
    for row in sorted(file.left_out, key=lambda row: int(str(row.payload["line"]))):
        yield f"quarantined: {row.table}, {row.key}: {row.reason}"
    yield f"{len(file.concepts)} concepts, {len(file.edges)} prerequisites, {len(file.left_out)} in quarantine"
    for cycle in found:
        yield f"cycle: {cycles.written(cycle, {})}"
    yield f"{len(found)} cycles"
    yield (
        f"Neo4j: {trial.drained.written} elements written in {trial.seconds:.1f} s, {trial.drained.parked} parked,"
        f" {trial.drained.left} left; {len(trial.graph.domains)} concepts in {_distinct_domains(trial.graph)} domains"
    )


def _distinct_domains(elements: Elements) -> int:
    return len({domain for _, domain, *_ in elements.domains})


def problems(plain: "nx.DiGraph[str]", trial: Trial, found: list[list[str]]) -> Iterator[str]:
    """Name everything that is not as it must be."""
    if trial.stored.differences(trial.graph):
        yield f"{trial.stored.differences(trial.graph)} elements differ between Postgres and Neo4j"
    if trial.proof.found or trial.proof.left or trial.proof.in_flight:
        yield f"the reconciliation found {trial.proof.found}, left {trial.proof.left}"
    nodes, edges = {row[0] for row in trial.graph.concepts}, trial.graph.prerequisites
    if nodes != set(plain) or edges != set(plain.edges):
        yield f"the file has {len(plain)} concepts and {len(plain.edges)} edges, Neo4j {len(nodes)} and {len(edges)}"
    yield from trial.wrong
    yield from wrong_cycles(plain, found)


def wrong_cycles(plain: "nx.DiGraph[str]", found: list[list[str]]) -> Iterator[str]:
    """Hold the cycles that were found against networkx: each is one, and each concept that is in any is in one."""
    for cycle in found:
        if not nx.is_path(plain, [*cycle, cycle[0]]):
            yield f"no cycle: {' → '.join(cycle)}"
    knots = [k for k in nx.strongly_connected_components(plain) if len(k) > 1 or plain.has_edge(*(2 * list(k)))]
    missed = {name for knot in knots for name in knot} - {name for cycle in found for name in cycle}
    if missed:
        yield f"in a cycle, and in none that was reported: {', '.join(sorted(missed))}"


def main(arguments: list[str]) -> int:
    """Run the trial; 0 when the graph, the table and the plain computation are equal."""
    if len(arguments) != 1 or not Path(arguments[0]).is_file():
        raise EspalierError(f"name one existing file, found {' '.join(arguments) or 'nothing'}")
    path = Path(arguments[0])
    file, plain = read_concepts(path), plain_graph(path)
    with (
        empty_home() as home,
        serving(load_settings(home=home, domains=("community",), **NO_EXTERNAL_SERVER), graph=True) as settings,
    ):
        trial = run(settings, file, plain)
        found = cycles.find_cycles((str(start), str(end)) for start, end, *_ in trial.graph.prerequisites)
    for line in report_lines(file, trial, found):
        say(line)
    wrong = list(problems(plain, trial, found))
    for line in wrong[:10]:
        say(f"WRONG: {line}")
    questions = f"{QUESTIONS} questions of hops and {QUESTIONS} of shortest paths answered as networkx does"
    say("not equal" if wrong else f"Neo4j, Postgres and the file: equal; {questions}")
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except EspalierError as error:
        print(f"real_concepts: {error}", file=sys.stderr)
        sys.exit(2)
