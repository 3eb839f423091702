"""Derives the vote graph of a file of real votes, and compares it row by row with a plain computation.

    python -m benchmarks.real_votes FILE        (or: python benchmarks/real_votes.py FILE)

FILE has the columns source, target, weight, timestamp (epoch seconds), such as the rating networks of SNAP, with or
without a header. A weight above 0 is an upvote, below 0 a downvote; 0 is neither and is counted as left out. Each row
becomes a vote of user `source` on an answer of user `target`. Starts from an empty ESPALIER_HOME (a temporary one
unless the variable names another), migrates, loads by COPY, materializes through Dagster, compares, stops what it
started.
"""

import csv
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg.sql import SQL

from migrations import runner
from orchestration.cli.output import err, say
from orchestration.cli.run_commands import find_asset
from orchestration.cli.runs import RunReport, dagster_instance, run_job
from orchestration.cli.site import NO_EXTERNAL_SERVER, serving
from orchestration.definitions import build_definitions
from orchestration.errors import EspalierError
from orchestration.resources import Postgres
from orchestration.servers.neo4j import EmbeddedNeo4j
from orchestration.servers.postgres import EmbeddedPostgres
from orchestration.settings import Settings, load_settings

COLUMNS = ("source", "target", "weight", "timestamp")
EPOCH = datetime(2000, 1, 1)


@dataclass(frozen=True)
class Vote:
    """One usable row of the file; `at` is UTC, to the millisecond that the table holds."""

    voter: str
    target: str
    up: bool
    at: datetime


@dataclass(frozen=True)
class Edge:
    """One row of the vote graph."""

    votes: int
    up: int
    down: int
    reciprocity: float
    last_at: datetime


def read_votes(path: Path) -> tuple[list[Vote], dict[str, int]]:
    """Read the usable votes of a file, and count the rows left out by their reason."""
    votes: list[Vote] = []
    left_out: dict[str, int] = defaultdict(int)
    with path.open(newline="", encoding="utf-8-sig") as file:
        for row in _rows(path, csv.DictReader(file)):
            vote = _vote(row)
            if isinstance(vote, str):
                left_out[vote] += 1
            else:
                votes.append(vote)
    return votes, dict(left_out)


def _rows(path: Path, reader: "csv.DictReader[str]") -> Iterator[dict[str, str]]:
    found = [name.strip().lower() for name in reader.fieldnames or ()]
    if len(found) == len(COLUMNS) and found[0].isdigit():  # as SNAP publishes them: no header, the first line is a row
        yield dict(zip(COLUMNS, found, strict=True))
        found = list(COLUMNS)
    if not set(COLUMNS) <= set(found):
        raise EspalierError(f"{path}: columns {', '.join(COLUMNS)} are needed, found {', '.join(found) or 'none'}")
    reader.fieldnames = found
    yield from reader


def _vote(row: dict[str, str]) -> Vote | str:
    try:
        weight, seconds = float(row["weight"]), float(row["timestamp"])
        at = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    except (TypeError, ValueError, OverflowError, OSError):
        return "weight or timestamp is no number"
    if not row["source"] or not row["target"]:
        return "source or target is empty"
    if not weight:
        return "weight is 0: neither up nor down"
    return Vote(row["source"].strip(), row["target"].strip(), weight > 0, _to_milliseconds(at))


def _to_milliseconds(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def expected_graph(votes: Iterable[Vote]) -> dict[tuple[str, str], Edge]:
    """Compute the graph in plain Python: counts by pair, reciprocity 2·min(a, b) / (a + b), 0 towards oneself."""
    by_pair: dict[tuple[str, str], list[Vote]] = defaultdict(list)
    for vote in votes:
        by_pair[vote.voter, vote.target].append(vote)
    counts = {pair: len(found) for pair, found in by_pair.items()}
    return {pair: _edge(pair, found, counts) for pair, found in by_pair.items()}


def _edge(pair: tuple[str, str], votes: list[Vote], counts: dict[tuple[str, str], int]) -> Edge:
    there, back = len(votes), 0 if pair[0] == pair[1] else counts.get((pair[1], pair[0]), 0)
    up = sum(vote.up for vote in votes)
    return Edge(there, up, there - up, 2 * min(there, back) / (there + back), max(vote.at for vote in votes))


def load(connection: psycopg.Connection, votes: list[Vote]) -> None:
    """Load users, one doubt, and for every row an answer of the target with the vote of the source."""
    users = sorted({name for vote in votes for name in (vote.voter, vote.target)})
    with connection.transaction():
        _copy(
            connection,
            'COPY users (id, email, "updatedAt") FROM STDIN',
            ((user, f"{user}@example.invalid", EPOCH) for user in users),
        )
        _copy(
            connection,
            'COPY doubts (id, title, content, "authorId", "updatedAt") FROM STDIN',
            [("d", "t", "c", users[0], EPOCH)] if users else [],
        )
        _copy(
            connection,
            'COPY answers (id, content, "doubtId", "authorId", "updatedAt") FROM STDIN',
            ((f"a{n}", "c", "d", vote.target, EPOCH) for n, vote in enumerate(votes)),
        )
        _copy(
            connection,
            'COPY answer_votes (id, type, "userId", "answerId", "createdAt") FROM STDIN',
            ((f"v{n}", "UP" if vote.up else "DOWN", vote.voter, f"a{n}", vote.at) for n, vote in enumerate(votes)),
        )


def _copy(connection: psycopg.Connection, statement: LiteralString, rows: Iterable[tuple[object, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(SQL(statement)) as copy:
        for row in rows:
            copy.write_row(row)


def found_graph(connection: psycopg.Connection) -> dict[tuple[str, str], Edge]:
    """Fetch the graph that the platform derived."""
    rows = connection.execute(
        'SELECT "voterId", "targetUserId", "voteCount", "upvoteCount", "downvoteCount", reciprocity, "lastVoteAt"'
        " FROM vote_graph"
    )
    return {(voter, target): Edge(*figures) for voter, target, *figures in rows}


@contextmanager
def empty_home() -> Generator[Path]:
    """Give an empty ESPALIER_HOME: the one named by the environment, which must be empty, or a temporary one."""
    named = os.environ.get("ESPALIER_HOME")
    if named is None:
        with tempfile.TemporaryDirectory(prefix="espalier-") as folder:
            home = Path(folder) / "home"
            try:
                yield home
            finally:
                for server in (EmbeddedNeo4j(home), EmbeddedPostgres(home)):
                    server.remove()  # as root its data may lie outside
        return
    home = Path(named)
    if home.exists() and any(home.iterdir()):
        raise EspalierError(f"ESPALIER_HOME: {home} is not empty; name an empty folder or unset it")
    yield home


def run(settings: Settings, votes: list[Vote]) -> tuple[RunReport, RunReport, dict[tuple[str, str], Edge]]:
    """Migrate, load, materialize twice; give both reports and the graph."""
    runner.migrate(settings, "community")
    with psycopg.connect(settings.url("migrator")) as connection:
        connection.execute("SELECT set_config('search_path', %s, false)", [settings.schema_of("community")])
        load(connection, votes)
        connection.commit()
        first, second = _materialize(settings), _materialize(settings)
        return first, second, found_graph(connection)


def _materialize(settings: Settings) -> RunReport:
    definitions = build_definitions(settings, Postgres(settings))
    key = find_asset(definitions, "community/vote_graph")
    with dagster_instance(settings) as instance:
        report = run_job(
            instance, definitions.resolve_implicit_global_asset_job_def(), tags={}, selection=[key], console=err
        )
    if not report.succeeded:
        raise EspalierError(f"community/vote_graph failed: {'; '.join(report.reasons)}")
    return report


def report_lines(
    votes: list[Vote], left_out: dict[str, int], first: RunReport, second: RunReport, graph: dict[tuple[str, str], Edge]
) -> list[str]:
    """Say what was found, in the figures that the file's authors publish."""
    users = {name for vote in votes for name in (vote.voter, vote.target)}
    written = second.assets["community/vote_graph"]["rows_written"]
    return [
        f"{len(votes)} votes of {len(users)} users read"
        + "".join(f", {n} rows left out: {r}" for r, n in left_out.items()),
        f"community.vote_graph: {len(graph)} edges, {sum(e.down for e in graph.values())} downvotes,"
        f" {len(users)} users, {first.seconds:.1f} s; the second run wrote {written} rows in {second.seconds:.1f} s",
    ]


def main(arguments: list[str]) -> int:
    """Run the trial; 0 when the graph equals the plain computation row by row."""
    if len(arguments) != 1 or not Path(arguments[0]).is_file():
        raise EspalierError(f"name one existing file of votes, found {' '.join(arguments) or 'nothing'}")
    votes, left_out = read_votes(Path(arguments[0]))
    with (
        empty_home() as home,
        serving(load_settings(home=home, domains=("community",), **NO_EXTERNAL_SERVER)) as settings,
    ):
        first, second, graph = run(settings, votes)
    for line in report_lines(votes, left_out, first, second, graph):
        say(line)
    expected = expected_graph(votes)
    different = [pair for pair in graph.keys() | expected.keys() if graph.get(pair) != expected.get(pair)]
    for pair in sorted(different)[:5]:
        say(f"different: {pair}: computed {expected.get(pair)}, found {graph.get(pair)}")
    say(f"row by row: {len(different)} of {len(expected)} edges differ" if different else "row by row: equal")
    return 1 if different else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except EspalierError as error:
        print(f"real_votes: {error}", file=sys.stderr)
        sys.exit(2)
