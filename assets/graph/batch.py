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
from assets.graph.model import Element, Rows
from assets.graph.outbox import Key
from assets.graph.session import execute_alone
from orchestration.resources import Session, Transaction
from orchestration.settings import GraphPolicy

MISSING_END = "an end of the edge is not in the graph"
_QUERIES = sql.load("graph", "drain")


@dataclass(frozen=True)
class Batch:
    """Marks that were taken, and what the graph is to hold for their keys.

    Attributes:
        elements: what to write, concepts first.
        rows: the same as the statements take it.
        versions: the marks of each key.
        kinds: marks of whole kinds, which are to be expanded.
        after: the version behind which the batch begins.
        last: the highest version in it.
        full: whether there may be more behind it.
    """

    elements: Sequence[Element]
    rows: Rows
    versions: dict[Key, list[int]]
    kinds: dict[int, str]
    after: int
    last: int
    full: bool

    def __bool__(self) -> bool:
        return bool(self.versions or self.kinds)


@dataclass
class Outcome:
    """What became of elements: how many were written or deleted, why others could not be, and how many of each kind."""

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
        taken = model.take(tx, after, policy.batch_size, policy.leave_out)
    versions: dict[Key, list[int]] = {}
    elements: list[Element] = []
    for row in taken:
        key = (row.kind, row.key1, row.key2)
        if row.kind != "kind" and key not in versions:
            elements.append(model.element(row))
        versions.setdefault(key, []).append(row.version)
    return _batch(elements, versions, after, len(taken) == policy.batch_size)


def _batch(elements: list[Element], versions: dict[Key, list[int]], after: int, full: bool) -> Batch:
    """Put the concepts first, so that edges find their ends, and marks of kinds aside."""
    elements.sort(key=lambda element: element.key[0] != "concept")
    last = max((version for some in versions.values() for version in some), default=after)
    kinds = {version: key[1] for key, some in versions.items() if key[0] == "kind" for version in some}
    keys = {key: some for key, some in versions.items() if key[0] != "kind"}
    return Batch(elements, model.rows_of(elements), keys, kinds, after, last, full)


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
    written = [version for key, some in batch.versions.items() if key not in outcome.parked for version in some]
    tx.execute(_QUERIES["forget"], {"versions": [*written, *batch.kinds]})


def _park(tx: Transaction, held: Lease, batch: Batch, outcome: Outcome) -> None:
    if outcome.parked:
        parked = [(version, reason) for key, reason in outcome.parked.items() for version in batch.versions[key]]
        versions, reasons = zip(*parked, strict=True)
        tx.execute(_QUERIES["park"], {"versions": list(versions), "reasons": list(reasons), "token": held.token})


def _unpark(tx: Transaction, batch: Batch, outcome: Outcome) -> bool:
    """Let edges be tried again at once to which this batch brought a concept."""
    came = [e.key[1] for e in batch.elements if e.key[0] == "concept" and e.properties is not None]
    ids = [id for id in came if ("concept", id, "") not in outcome.parked]
    return bool(ids) and tx.execute(_QUERIES["unpark"], {"reason": MISSING_END, "ids": ids}).rowcount > 0
