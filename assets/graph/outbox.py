"""The outbox: the keys whose rows have changed in Postgres and are still to be written to the graph.

Triggers mark the keys of what an application writes; here are the marks that we make ourselves, and how much is
waiting. Taking keys out again is the drain's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sql
from orchestration.resources import Session, Transaction

Kind = Literal["concept", "prerequisite", "mastery", "kind"]
# A concept: (kind, id, ""). A prerequisite: (kind, the prerequisite's id, the id of the concept that needs it).
# A mastery record: (kind, the user's id, the concept's id). Every key of a kind: ("kind", that kind, "").
Key = tuple[str, str, str]
KINDS: Sequence[Literal["concept", "prerequisite", "mastery"]] = ("concept", "prerequisite", "mastery")

_QUERIES = sql.load("graph", "outbox")


@dataclass(frozen=True)
class Waiting:
    """What is in the outbox: marks that wait, the age of the oldest, and marks that were parked."""

    waiting: int
    parked: int
    lag_seconds: float
    waiting_since: datetime | None


def mark_dirty(tx: Transaction, keys: Iterable[Key]) -> None:
    """Mark keys, so that the drain makes the graph's elements equal to their rows, or deletes them."""
    rows = list(keys)
    tx.execute(
        _QUERIES["mark"],
        {"kinds": [k for k, _, _ in rows], "keys1": [k for _, k, _ in rows], "keys2": [k for _, _, k in rows]},
    )


def mark_everything(session: Session) -> None:
    """Mark every key of every kind, of Postgres and of the graph, in place of all marks that are there."""
    with session.transaction() as tx:
        tx.execute(_QUERIES["forget_all"])
        mark_dirty(tx, [("kind", kind, "") for kind in KINDS])


def measure(session: Session) -> Waiting:
    """Tell how much is waiting and for how long."""
    with session.transaction() as tx:
        return Waiting(**tx.one(_QUERIES["measure"]))


def is_anything_ready(session: Session) -> bool:
    """Tell whether a drain would find anything to do."""
    with session.transaction() as tx:
        return bool(tx.one(_QUERIES["is_anything_ready"])["ready"])
