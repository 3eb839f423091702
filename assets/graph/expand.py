"""Expands the mark of a whole kind into marks of keys: all that Postgres holds and all that the graph holds.

Such a mark is made by a TRUNCATE, by the triggers when they are created, and when a graph begins or is rebuilt. Each
page is a transaction of its own, and the mark itself goes last: what is marked twice is written twice, to no harm.
"""

from collections.abc import Iterable
from typing import Any

import sql
from assets.graph.lease import Lease
from assets.graph.outbox import Key, mark_dirty
from orchestration.failpoints import failpoint
from orchestration.graph import GraphSession
from orchestration.resources import Session

_ROWS = sql.load("graph", "drain")
_GRAPH = sql.load("graph", "drain", "cypher")
_PLURALS = {"concept": "concepts", "prerequisite": "prerequisites", "mastery": "masteries"}
_ROWS_A_PAGE, _NODES_A_PAGE = 50_000, 1_000


def expand(session: Session, graph: GraphSession, kinds: Iterable[str], held: Lease) -> None:
    """Mark every key of these kinds."""
    for kind in dict.fromkeys(kinds):
        _mark_rows(session, kind, held)
        failpoint("graph_drain.expanded_rows")
        _mark_elements(session, graph, kind, held)


def _mark_rows(session: Session, kind: str, held: Lease) -> None:
    query = _ROWS[f"mark_page_of_{_PLURALS[kind]}"]
    last: list[dict[str, Any]] = [{"after1": "", "after2": ""}]
    while last:
        held.renew()
        with session.transaction() as tx:
            last = tx.all(query, last[0] | {"size": _ROWS_A_PAGE})


def _mark_elements(session: Session, graph: GraphSession, kind: str, held: Lease) -> None:
    query, after = _GRAPH[f"page_of_{_PLURALS[kind]}"], ""
    while page := graph.read(query, after=after, size=_NODES_A_PAGE):
        held.renew()
        keys: list[Key] = [(kind, row["key"], other) for row in page for other in row["others"]]
        with session.transaction() as tx:
            mark_dirty(tx, keys)
        after = page[-1]["key"]
