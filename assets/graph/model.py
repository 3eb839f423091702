"""What the graph shows of a row: reads the current rows of keys from Postgres, and makes the graph's elements equal.

Both sides in one place, so that the model is told once. Which keys, when and by whom is the drain's; whether the graph
is equal as a whole is the reconciliation's.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from psycopg.rows import tuple_row

import sql
from assets.graph.outbox import Key
from orchestration.graph import GraphTransaction
from orchestration.resources import Transaction

_ROWS = sql.load("graph", "drain")
_GRAPH = sql.load("graph", "drain", "cypher")


class Element(NamedTuple):
    """What the graph is to hold for a key.

    Attributes:
        key: the kind and the ids.
        properties: what a node or edge carries; None where it is to be deleted.
        shown: of a mastery record: whether its user is in the graph at all.
    """

    key: Key
    properties: Sequence[Any] | None
    shown: bool = True


class Taken(NamedTuple):
    """A mark with the current row of its key, as query `take` gives it."""

    version: int
    kind: str
    key1: str
    key2: str
    there: bool
    shown: bool
    name: str | None
    domain: str | None
    difficulty: int | None
    score: float | None
    at: int | None
    part_of: str | None


def take(tx: Transaction, after: int, size: int, leave_out: Collection[str]) -> list[Taken]:
    """Take marks and the rows of their keys in one snapshot. Tuples, not dicts: it is the way of every row."""
    values = {"after": after, "size": size, "leave_out": list(leave_out)}
    cursor = tx.connection.cursor(row_factory=tuple_row).execute(_ROWS["take"].text, values)
    return [Taken._make(row) for row in cursor]


def element(row: Taken) -> Element:
    """Tell what the graph is to hold for a key."""
    key = (row.kind, row.key1, row.key2)
    if row.kind == "mastery":
        return Element(key, (row.score, row.at) if row.there and row.shown else None, row.shown)
    if row.kind == "prerequisite":
        return Element(key, () if row.there else None)
    return Element(key, (row.name, row.domain, row.difficulty, row.at, row.part_of) if row.there else None)


def write(tx: GraphTransaction, elements: Sequence[Element]) -> set[Key]:
    """Make the graph hold these elements; give the keys of the edges that could not be written for want of an end."""
    gone = [element for element in elements if element.properties is None]
    there = [element for element in elements if element.properties is not None]
    _delete_edges(tx, gone)
    _run(tx, "delete_users", ids=sorted({e.key[1] for e in gone if not e.shown}))
    left = [name for row in _run(tx, "delete_concepts", ids=_ids(gone)) for name in row["domains"]]
    _write_concepts(tx, _of(there, "concept"), left)
    prerequisites = _write_edges(tx, "write_prerequisites", _of(there, "prerequisite"))
    masteries = _write_edges(tx, "write_masteries", _of(there, "mastery"))
    _run(tx, "write_users", ids=sorted({user for _, user, _ in masteries}))
    return prerequisites | masteries


def _delete_edges(tx: GraphTransaction, gone: Sequence[Element]) -> None:
    _run(tx, "delete_prerequisites", rows=[list(e.key[1:]) for e in _of(gone, "prerequisite")])
    _run(tx, "delete_masteries", rows=[list(e.key[1:]) for e in _of(gone, "mastery") if e.shown])


def _write_concepts(tx: GraphTransaction, concepts: Sequence[Element], left: Sequence[str]) -> None:
    """Write concepts and what they are part of; remove the domains that this left empty."""
    rows = [[e.key[1], *(e.properties or [])] for e in concepts]
    domains = [[row[0], row[-1]] for row in rows]
    _run(tx, "write_concepts", rows=rows)
    moved = [row["domain"] for row in _run(tx, "leave_domains", rows=domains)]
    _run(tx, "join_domains", rows=[row for row in domains if row[1] is not None])
    _run(tx, "delete_empty_domains", names=sorted({*left, *moved}))


def _write_edges(tx: GraphTransaction, name: str, edges: Sequence[Element]) -> set[Key]:
    """Write edges; where fewer were written than asked for, find out whose end is absent."""
    written = _run(tx, name, rows=[[*e.key[1:], *(e.properties or [])] for e in edges])
    if not edges or written[0]["written"] == len(edges):
        return set()
    ends = sorted({end for e in edges for end in e.key[1:]})
    absent = {row["id"] for row in _run(tx, "find_absent_concepts", ids=ends)}
    return {e.key for e in edges if not absent.isdisjoint(e.key[1:] if e.key[0] == "prerequisite" else e.key[2:])}


def _run(tx: GraphTransaction, name: str, **rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Run a statement over rows, unless there are none."""
    return tx.run(_GRAPH[name], **rows) if any(rows.values()) else []


def _of(elements: Iterable[Element], kind: str) -> list[Element]:
    return [element for element in elements if element.key[0] == kind]


def _ids(elements: Iterable[Element]) -> list[str]:
    return [element.key[1] for element in elements if element.key[0] == "concept"]
