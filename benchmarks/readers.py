"""Readers who look while the vote graph is refreshed: what they see must be the graph before or the graph after."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from psycopg.sql import SQL

from benchmarks.meter import Figures
from benchmarks.workbench import Connection, Workbench

Edges = Mapping[str, object]
_EDGES = SQL(
    """
    SELECT count(*) AS edges, coalesce(sum("voteCount"), 0) AS votes, coalesce(sum("upvoteCount"), 0) AS upvotes
    FROM vote_graph
    WHERE "voterId" = %s
    """
)
_VOTERS = SQL(
    """
    SELECT DISTINCT "userId" AS id FROM answer_votes WHERE id LIKE 'n%%' ORDER BY 1 LIMIT 20
    """
)


@dataclass
class Readers:
    """A thread that reads the edges of some voters in turn, each with what it saw and how long it waited."""

    bench: Workbench
    voters: Sequence[str] = ()
    seen: list[tuple[str, Edges, float]] = field(default_factory=list[tuple[str, Edges, float]])

    def __post_init__(self) -> None:
        self.voters = [row["id"] for row in self.bench.owner.execute(_VOTERS, {}).fetchall()]
        self._before = self._edges_of_all()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "Readers":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def figures(self) -> Figures:
        """Count the reads that saw neither graph, and give the longest wait in milliseconds."""
        after = self._edges_of_all()
        wrong = sum(edges not in (self._before[voter], after[voter]) for voter, edges, _ in self.seen)
        waits = [seconds for *_, seconds in self.seen]
        return {"reads": len(waits), "wrong_reads": wrong, "longest_read_ms": 1000 * max(waits, default=0)}

    def _read(self) -> None:
        with self.bench.owner_connection() as connection:
            while not self._stopped.is_set():
                for voter in self.voters:
                    started = perf_counter()
                    edges = _edges(connection, voter)
                    self.seen.append((voter, edges, perf_counter() - started))

    def _edges_of_all(self) -> dict[str, Edges]:
        return {voter: _edges(self.bench.owner, voter) for voter in self.voters}


def _edges(connection: Connection, voter: str) -> dict[str, Any]:
    return connection.execute(_EDGES, [voter]).fetchone() or {}
