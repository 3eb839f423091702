"""What the graph shows of a row: reads the current rows of keys from Postgres, and makes the graph's elements equal.

Both sides in one place, so that the model is told once. Which keys, when and by whom is the drain's; whether the graph
is equal as a whole is the reconciliation's.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from psycopg.rows import tuple_row

import sql
from assets.graph.outbox import Key
from orchestration.graph import GraphTransaction
from orchestration.resources import Transaction

_ROWS = sql.load("graph", "drain")
_GRAPH = sql.load("graph", "drain", "cypher")
_KINDS: Sequence[str] = ("concept", "prerequisite", "mastery")
_WRITE_EDGES = {"prerequisite": "write_prerequisites", "mastery": "write_masteries"}


class Taken(NamedTuple):
    """A mark with the current row of its key, as query `take` gives it.

    Attributes:
        there: whether the row is there.
        shown: of a mastery record: whether its user is in the graph at all.
    """

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

    @property
    def key(self) -> Key:
        """The kind and the ids."""
        return self.kind, self.key1, self.key2


def take(tx: Transaction, after: int, size: int, leave_out: Collection[str]) -> list[Taken]:
    """Take marks and the rows of their keys in one snapshot. Tuples, not dicts: it is the way of every row."""
    values = {"after": after, "size": size, "leave_out": list(leave_out)}
    cursor = tx.connection.cursor(binary=True, row_factory=tuple_row).execute(_ROWS["take"].text, values)
    return [Taken._make(row) for row in cursor]


class Rows(NamedTuple):
    """Keys as the statements take them: a list of rows for each, made before anybody waits for the graph.

    Attributes:
        gone_prerequisites, gone_masteries: the ends of edges to delete.
        gone_users, gone_concepts: the ids of nodes to delete.
        concepts, prerequisites, masteries: the ids, then the properties, of what is to be there.
        kinds: how many keys there are of each kind.
    """

    gone_prerequisites: list[list[str]]
    gone_masteries: list[list[str]]
    gone_users: list[str]
    gone_concepts: list[str]
    concepts: list[list[Any]]
    prerequisites: list[list[Any]]
    masteries: list[list[Any]]
    kinds: Counter[str]

    @property
    def deleted(self) -> int:
        """How many keys are to go."""
        return self.kinds.total() - len(self.concepts) - len(self.prerequisites) - len(self.masteries)


def rows_of(keys: Collection[Taken]) -> Rows:
    """Arrange keys, each of which is there once, for the statements that write them."""
    concepts, prerequisites, masteries = ([key for key in keys if key.kind == kind] for kind in _KINDS)
    return Rows(
        gone_prerequisites=[[key.key1, key.key2] for key in prerequisites if not key.there],
        gone_masteries=[[key.key1, key.key2] for key in masteries if key.shown and not key.there],
        gone_users=sorted({key.key1 for key in masteries if not key.shown}),
        gone_concepts=[key.key1 for key in concepts if not key.there],
        concepts=[[c.key1, c.name, c.domain, c.difficulty, c.at, c.part_of] for c in concepts if c.there],
        prerequisites=[[key.key1, key.key2] for key in prerequisites if key.there],
        masteries=[[m.key1, m.key2, m.score, m.at] for m in masteries if m.there and m.shown],
        kinds=+Counter(dict(zip(_KINDS, map(len, (concepts, prerequisites, masteries)), strict=True))),
    )


def write(tx: GraphTransaction, rows: Rows) -> set[Key]:
    """Make the graph hold these rows; give the keys of the edges that could not be written for want of an end."""
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
