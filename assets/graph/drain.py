"""The drain: takes dirty keys out of the outbox and makes the graph equal to their current rows, batch by batch.

A batch's marks and rows are read in one snapshot; the lease is renewed with the version that is meant; one transaction
of Neo4j, behind the fence, writes it; the marks that were taken go. Killed anywhere, it does the batch again, and a
second time changes nothing. While one is written, the next is read. When to drain is not decided here.
"""

import gc
from collections.abc import Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from assets.graph import lease
from assets.graph.batch import Batch, Outcome, finish, read_batch, sweep
from assets.graph.expand import expand
from assets.graph.outbox import Waiting, measure
from assets.graph.session import NEEDS as NEEDS
from assets.graph.session import TABLES as TABLES
from assets.graph.session import open_session
from assets.graph.writing import Refused, write, write_apart
from orchestration.failpoints import failpoint
from orchestration.graph import Graph, GraphSession
from orchestration.resources import Postgres, Session
from orchestration.settings import GraphPolicy


@dataclass(frozen=True)
class DrainResult:
    """What a drain did, and what it left: marks that came meanwhile or were parked, and the age of the oldest."""

    keys: int
    written: int
    deleted: int
    parked: int
    batches: int
    lag_seconds: float
    left: int
    kinds: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass
class Drainer:
    """The steps of the drain under a lease; `run` takes them in their order."""

    session: Session
    graph: GraphSession
    held: lease.Lease
    policy: GraphPolicy
    done: Outcome = field(default_factory=Outcome)
    batches: int = 0

    def sweep(self) -> None:
        """Mark the pairs of people whose suspension has ended since the last sweep."""
        sweep(self.session, self.held)

    def read(self, after: int = 0) -> Batch:
        """Take the next marks, and read the current rows of their keys in the same snapshot."""
        return read_batch(self.session, self.policy, after)

    def renew(self, batch: Batch) -> None:
        """Prolong the lease and say how far the next write will come.

        Raises:
            Fenced: somebody else has taken over.
        """
        self.held.renew(batch.last)

    def write(self, batch: Batch) -> Outcome:
        """Write a batch to Neo4j in one transaction.

        Raises:
            Fenced: somebody else has taken over; nothing was written.
            Refused: Neo4j cannot hold something in it; nothing was written.
        """
        return write(self.graph, self.held.token, batch.rows, batch.last)

    def write_apart(self, batch: Batch) -> Outcome:
        """Write a batch that was refused in ever smaller parts, until what cannot be written stands alone."""
        return write_apart(self.graph, self.held, batch.keys, batch.last)

    def finish(self, batch: Batch, outcome: Outcome) -> bool:
        """Forget the marks that were written, set aside those that could not be, expand marks of whole kinds.

        Returns:
            Whether that left something new to take.
        """
        expand(self.session, self.graph, batch.kinds, self.held)
        self.done.add(outcome)
        self.batches += 1
        return finish(self.session, self.held, batch, outcome)

    def run(self, *, until_empty: bool = True) -> None:
        """Drain batch after batch until the outbox has been caught up with; or a single batch."""
        self.sweep()
        with garbage_left_alone(), ThreadPoolExecutor(1, "espalier-drain") as writer:
            again = True
            while again:
                again = self._pass(writer, until_empty) and until_empty

    def _pass(self, writer: ThreadPoolExecutor, read_on: bool) -> bool:
        """Go through the outbox from its front; tell whether something new may be there.

        While a batch is being written, the following one is read and the one before it is finished. Reading comes
        first: it waits for Postgres while the writer needs the interpreter to send its rows.
        """
        batch, written, more = self._read_and_renew(), None, False
        while batch:
            writing = writer.submit(self.write, batch)
            following = self._read_and_renew(batch.last) if batch.full and read_on else None
            more |= self._finish(written)
            written = batch, self._outcome(writing, batch)
            failpoint("graph_drain.committed")
            more |= batch.after > 0
            batch = following
        more |= self._finish(written)
        return more

    def _read_and_renew(self, after: int = 0) -> Batch:
        """Read what is to be written next, and say so: all that need not wait for the write before it."""
        batch = self.read(after)
        failpoint("graph_drain.read")
        if batch:
            self.renew(batch)
            failpoint("graph_drain.renewed")
        return batch

    def _outcome(self, writing: Future[Outcome], batch: Batch) -> Outcome:
        try:
            return writing.result()
        except Refused:
            return self.write_apart(batch)

    def _finish(self, written: tuple[Batch, Outcome] | None) -> bool:
        if written is None:
            return False
        more = self.finish(*written)
        failpoint("graph_drain.forgotten")
        return more

    def result(self, waiting: Waiting) -> DrainResult:
        """Tell what was done, and what is waiting now."""
        return DrainResult(
            keys=self.done.written + self.done.deleted + len(self.done.parked),
            written=self.done.written,
            deleted=self.done.deleted,
            parked=len(self.done.parked),
            batches=self.batches,
            lag_seconds=waiting.lag_seconds,
            left=waiting.waiting + waiting.parked,
            kinds=dict(self.done.kinds),
        )


@contextmanager
def garbage_left_alone() -> Generator[None]:
    """Keep the collector from going through everything that Dagster has loaded for every few thousand small tuples.

    It took half of the time of a batch. What is made meanwhile is still looked through.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def drain(postgres: Postgres, graph: Graph, *, holder: str, until_empty: bool = True, wait: float = 0) -> DrainResult:
    """Make the graph equal to Postgres for all keys that are marked.

    Args:
        postgres: where the outbox and the rows are.
        graph: what is written.
        holder: who asks, as others are told while they wait.
        until_empty: until the outbox has been caught up with; else a single batch.
        wait: how many seconds to wait for another writer.

    Raises:
        LeaseHeld: another one writes.
        Fenced: another one has taken over.
        EspalierError: the graph is not ours, or Postgres was set back.
    """
    with open_session(postgres, graph.patience.silence) as session, graph.session() as g:
        return drain_with(session, g, graph.settings.graph, holder=holder, until_empty=until_empty, wait=wait)


def drain_with(
    session: Session,
    graph: GraphSession,
    policy: GraphPolicy,
    *,
    holder: str,
    until_empty: bool = True,
    wait: float = 0,
) -> DrainResult:
    """Do the same with connections that are open already."""
    with lease.hold(session, graph, holder=holder, wait=wait) as held:
        drainer = Drainer(session, graph, held, policy)
        drainer.run(until_empty=until_empty)
    return drainer.result(measure(session))
