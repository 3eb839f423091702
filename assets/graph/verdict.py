"""The verdict on suspects: what is wrong, and what was only on its way.

Under the lease nobody else writes the graph. So a key is read from the graph first, then from one snapshot of the
tables and the outbox: if the outbox does not hold it, every change of it had arrived before, and a difference is drift.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sql
from assets.graph.compare import CYPHER, VALUES, Row, Search, copy_live, create_tables, shown, want
from assets.graph.compare import QUERIES as COMPARE
from assets.graph.lease import Lease
from orchestration.failpoints import failpoint
from orchestration.graph import GraphSession
from orchestration.resources import Session, Transaction

QUERIES = sql.load("graph", "reconcile")
PAGE = 2000
_FIND = {
    "concept": "find_concepts",
    "domain": "find_domains",
    "user": "find_users",
    "part_of": "find_part_of",
    "prerequisite_of": "find_prerequisite_of",
    "mastered_by": "find_mastered_by",
}


@dataclass
class Page:
    """Some suspects: the ids of their rows, and their keys by element."""

    ids: list[int] = field(default_factory=list[int])
    keys: dict[str, set[tuple[str, str]]] = field(default_factory=dict[str, set[tuple[str, str]]])

    def add(self, row: dict[str, Any]) -> None:
        """Take a suspect."""
        self.ids.append(row["id"])
        self.keys.setdefault(row["element"], set()).add((row["key1"], row["key2"]))


def judge(session: Session, graph: GraphSession, lease: Lease, search: Search) -> None:
    """Look at every suspect again; what is wrong is planned, what is in flight stays, the rest is forgotten."""
    for page in _pages(session, search):
        lease.renew()
        live = list(_read(graph, page))
        failpoint("graph_verdict.read")
        session.run(lambda tx, page=page, live=live: _judge_page(tx, search, page, live), repeatable_read=True)
    with session.transaction() as tx:
        tx.execute(QUERIES["name_wrong_directions"], search.params)


def _pages(session: Session, search: Search) -> Iterator[Page]:
    """Read the suspects, a range of ids at a time."""
    with session.transaction() as tx:
        bounds = tx.one(QUERIES["find_bounds"], search.params)
    for after in range(bounds["first"], bounds["last"], PAGE):
        page = Page()
        with session.transaction() as tx:
            until = min(after + PAGE, bounds["last"])
            for row in tx.all(QUERIES["next_page"], search.params | {"after": after, "until": until}):
                page.add(row)
        if page.ids:
            yield page


def _read(graph: GraphSession, page: Page) -> Iterator[Row]:
    """Read what the graph holds at the keys of a page, every copy of it."""
    for element, keys in page.keys.items():
        keys1, keys2 = (sorted({key[n] for key in keys}) for n in range(2))
        for key1, key2, element_id, values, degree in graph.rows(CYPHER[_FIND[element]], keys1=keys1, keys2=keys2):
            if (key1, key2) in keys:
                found = shown(element, values) if element in VALUES else "{}"
                yield (element, key1, key2, element_id, found, degree)


def _judge_page(tx: Transaction, search: Search, page: Page, live: list[Row]) -> None:
    create_tables(tx)
    with tx.connection.cursor() as cursor, cursor.copy(COMPARE["copy_page"].text) as copy:
        for element, keys in page.keys.items():
            for key in keys:
                copy.write_row((element, *key))
    copy_live(tx, live)
    want(tx, search, whole=False)
    tx.execute(COMPARE["want_people_of_page"], search.params)
    tx.execute(COMPARE["analyze_live"])
    tx.execute(QUERIES["judge_page"], search.params | {"ids": page.ids})
