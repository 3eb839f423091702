"""What the graph shows of a row: reads the current rows of keys from Postgres, and makes the graph's elements equal.

Both sides in one place, so that the model is told once. Which keys, when and by whom is the drain's; whether the graph
is equal as a whole is the reconciliation's.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from psycopg.rows import tuple_row

import sql
from assets.graph.outbox import Key
from orchestration.graph import GraphTransaction
from orchestration.resources import Transaction

_ROWS = sql.load("graph", "drain")
_GRAPH = sql.load("graph", "drain", "cypher")
_WRITE_EDGES = {"prerequisite": "write_prerequisites", "mastery": "write_masteries"}


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


class Rows(NamedTuple):
    """Elements as the statements take them: a list of rows for each, made before anybody waits for the graph.

    Attributes:
        gone_prerequisites, gone_masteries: the ends of edges to delete.
        gone_users, gone_concepts: the ids of nodes to delete.
        concepts, prerequisites, masteries: the ids, then the properties, of what is to be there.
        kinds: how many elements there are of each kind.
        deleted: how many of them are to go.
    """

    gone_prerequisites: list[list[str]]
    gone_masteries: list[list[str]]
    gone_users: list[str]
    gone_concepts: list[str]
    concepts: list[list[Any]]
    prerequisites: list[list[Any]]
    masteries: list[list[Any]]
    kinds: Counter[str]
    deleted: int


def rows_of(elements: Sequence[Element]) -> Rows:
    """Arrange elements for the statements that write them."""
    gone = [element for element in elements if element.properties is None]
    return Rows(
        gone_prerequisites=[list(e.key[1:]) for e in gone if e.key[0] == "prerequisite"],
        gone_masteries=[list(e.key[1:]) for e in gone if e.key[0] == "mastery" and e.shown],
        gone_users=sorted({e.key[1] for e in gone if not e.shown}),
        gone_concepts=[e.key[1] for e in gone if e.key[0] == "concept"],
        concepts=[[e.key[1], *e.properties] for e in elements if e.key[0] == "concept" and e.properties is not None],
        prerequisites=_edges(elements, "prerequisite"),
        masteries=_edges(elements, "mastery"),
        kinds=Counter(element.key[0] for element in elements),
        deleted=len(gone),
    )


def _edges(elements: Iterable[Element], kind: str) -> list[list[Any]]:
    return [[*e.key[1:], *e.properties] for e in elements if e.key[0] == kind and e.properties is not None]


def write(tx: GraphTransaction, rows: Rows) -> set[Key]:
    """Make the graph hold these elements; give the keys of the edges that could not be written for want of an end."""
    _run(tx, "delete_prerequisites", rows=rows.gone_prerequisites)
    _run(tx, "delete_masteries", rows=rows.gone_masteries)
    _run(tx, "delete_users", ids=rows.gone_users)
    left = [name for row in _run(tx, "delete_concepts", ids=rows.gone_concepts) for name in row["domains"]]
    _write_concepts(tx, rows.concepts, left)
    prerequisites = _write_edges(tx, "prerequisite", rows.prerequisites)
    masteries = _write_edges(tx, "mastery", rows.masteries)
    _run(tx, "write_users", ids=sorted({user for _, user, _ in masteries}))
    return prerequisites | masteries


def _write_concepts(tx: GraphTransaction, rows: Sequence[Sequence[Any]], left: Sequence[str]) -> None:
    """Write concepts and what they are part of; remove the domains that this left empty."""
    domains = [[row[0], row[-1]] for row in rows]
    _run(tx, "write_concepts", rows=rows)
    moved = [row["domain"] for row in _run(tx, "leave_domains", rows=domains)]
    _run(tx, "join_domains", rows=[row for row in domains if row[1] is not None])
    _run(tx, "delete_empty_domains", names=sorted({*left, *moved}))


def _write_edges(tx: GraphTransaction, kind: str, rows: Sequence[Sequence[Any]]) -> set[Key]:
    """Write edges; where fewer were written than asked for, find out whose end is absent."""
    written = _run(tx, _WRITE_EDGES[kind], rows=rows)
    if not rows or written[0]["written"] == len(rows):
        return set()
    absent = {row["id"] for row in _run(tx, "find_absent_concepts", ids=sorted({end for r in rows for end in r[:2]}))}
    ends = slice(0, 2) if kind == "prerequisite" else slice(1, 2)
    return {(kind, row[0], row[1]) for row in rows if not absent.isdisjoint(row[ends])}


def _run(tx: GraphTransaction, name: str, **rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Run a statement over rows, unless there are none."""
    return tx.run(_GRAPH[name], **rows) if any(rows.values()) else []
