"""A batch of the drain, on the side of Postgres: marks are taken, and afterwards forgotten or set aside.

Marks are taken without a lock and removed by their versions: the applications that write them never wait. What Neo4j
is told is in `writing`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import sql
from assets.graph import model
from assets.graph.lease import Lease
from assets.graph.model import Rows, Taken
from assets.graph.outbox import Key
from assets.graph.session import execute_alone
from orchestration.resources import Session, Transaction
from orchestration.settings import GraphPolicy

KIND = "kind"
MISSING_END = "an end of the edge is not in the graph"
_QUERIES = sql.load("graph", "drain")


@dataclass(frozen=True)
class Batch:
    """Marks that were taken, and what the graph is to hold for their keys.

    Attributes:
        marks: in the order of their versions.
        keys: a mark of each key that is to be written, concepts first, so that edges find their ends.
        rows: the same as the statements take it.
        after: the version behind which the batch begins.
        full: whether there may be more behind it.
    """

    marks: Sequence[Taken]
    keys: Sequence[Taken]
    rows: Rows
    after: int
    full: bool

    def __bool__(self) -> bool:
        return bool(self.marks)

    @property
    def last(self) -> int:
        """The highest version in it."""
        return self.marks[-1].version if self.marks else self.after

    @property
    def kinds(self) -> list[str]:
        """The whole kinds that are marked, which are to be expanded."""
        return [mark.key1 for mark in self.marks if mark.kind == KIND]


@dataclass
class Outcome:
    """What became of keys: how many were written or deleted, why others could not be, and how many of each kind."""

    written: int = 0
    deleted: int = 0
    parked: dict[Key, str] = field(default_factory=dict[Key, str])
    kinds: Counter[str] = field(default_factory=Counter[str])

    def add(self, other: "Outcome") -> None:
        """Add what became of others."""
        self.written += other.written
        self.deleted += other.deleted
        self.parked |= other.parked
        self.kinds += other.kinds


def sweep(session: Session, held: Lease) -> None:
    """Mark the pairs of people whose suspension has ended since the last sweep: no write tells of that."""
    with session.transaction() as tx:
        swept = tx.one(_QUERIES["mark_ended_suspensions"])
    execute_alone(session, _QUERIES["end_sweep"], swept | {"token": held.token})


def read_batch(session: Session, policy: GraphPolicy, after: int) -> Batch:
    """Take the marks behind a version, with the current rows of their keys in the same snapshot."""
    with session.transaction() as tx:
        marks = model.take(tx, after, policy.batch_size, policy.leave_out)
    current = {mark.key: mark for mark in marks if mark.kind != KIND}.values()
    keys = sorted(current, key=lambda mark: mark.kind != "concept")
    return Batch(marks, keys, model.rows_of(keys), after, len(marks) == policy.batch_size)


def finish(session: Session, held: Lease, batch: Batch, outcome: Outcome) -> bool:
    """Forget the marks that were written, set aside those that could not be, take back edges whose end has come.

    Returns:
        Whether that left something new to take.
    """
    with session.transaction() as tx:
        tx.execute(_QUERIES["need_not_wait"])
        _forget(tx, batch, outcome)
        _park(tx, held, batch, outcome)
        return _unpark(tx, batch, outcome) or bool(batch.kinds)


def _forget(tx: Transaction, batch: Batch, outcome: Outcome) -> None:
    """Forget marks by unbroken runs of versions, of which there are few: thousands of numbers take long to send."""
    versions = [mark.version for mark in batch.marks if not outcome.parked or mark.key not in outcome.parked]
    forgotten = set(versions)
    first = [version for version in versions if version - 1 not in forgotten]
    last = [version for version in versions if version + 1 not in forgotten]
    tx.execute(_QUERIES["forget"], {"first": first, "last": last})


def _park(tx: Transaction, held: Lease, batch: Batch, outcome: Outcome) -> None:
    parked = [mark for mark in batch.marks if mark.key in outcome.parked] if outcome.parked else []
    if parked:
        versions, reasons = [mark.version for mark in parked], [outcome.parked[mark.key] for mark in parked]
        tx.execute(_QUERIES["park"], {"versions": versions, "reasons": reasons, "token": held.token})


def _unpark(tx: Transaction, batch: Batch, outcome: Outcome) -> bool:
    """Let edges be tried again at once to which this batch brought a concept."""
    ids = [id for id, *_ in batch.rows.concepts if ("concept", id, "") not in outcome.parked]
    return bool(ids) and tx.execute(_QUERIES["unpark"], {"reason": MISSING_END, "ids": ids}).rowcount > 0
