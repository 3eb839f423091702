"""The comparison of the graph with Postgres by live values: which keys are suspect.

The graph is read packed and streamed by COPY into temporary tables; the join is SQL (`sql/graph/compare.sql`). All in
one transaction of bounded memory. What is suspect is judged in `verdict.py`: something may have been on its way.
"""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sql
from assets.graph import strays
from assets.graph.packing import HEADER, TRAILER, PackedEdges, batches, is_key
from assets.graph.scope import Scope
from orchestration.failpoints import failpoint
from orchestration.graph import GraphSession
from orchestration.resources import Session, Transaction

QUERIES = sql.load("graph", "compare")
CYPHER = sql.load("graph", "compare", "cypher")
# What an element shows besides its key, and of which type each value is.
VALUES: dict[str, tuple[tuple[str, type], ...]] = {
    "concept": (("name", str), ("domain", str), ("difficulty", int), ("createdAt", int)),
    "mastered_by": (("score", float), ("updatedAt", int)),
}
# So many users come in a record, and so many records at once: what this process holds is bounded by their edges.
_USERS, _RECORDS = 100, 10
# An element as it stands: what it is, its two keys, its id, what it shows, and how many edges hang on it. The last
# and the id are only read where copies are told apart.
Row = tuple[str, str, str, str | None, str, int]


@dataclass(frozen=True)
class Search:
    """One reconciliation: what it is called, when it began, what it looks at, who is left out of the graph."""

    run_id: str
    found_at: datetime
    scope: Scope
    leave_out: Sequence[str]

    @property
    def params(self) -> dict[str, Any]:
        """The parameters that the statements of a search share."""
        return {
            "run_id": self.run_id,
            "found_at": self.found_at,
            "leave_out": list(self.leave_out),
            "elements": self.scope.elements,
        }


def find_suspects(session: Session, graph: GraphSession, search: Search) -> int:
    """Note in `espalier.graph_drift` every key at which the two differ; give the number of edges that were read."""
    with session.transaction() as tx:
        if search.scope.concept is not None:
            return _suspect_neighbours(tx, graph, search, "concept", search.scope.concept)
        if search.scope.user is not None:
            return _suspect_neighbours(tx, graph, search, "user", search.scope.user)
        return _suspect_differences(tx, graph, search)


def _suspect_differences(tx: Transaction, graph: GraphSession, search: Search) -> int:
    tx.execute(QUERIES["give_hashes_memory"])
    edges = _compare_small_kinds(tx, graph, search)
    failpoint("graph_compare.suspected")
    if "mastered_by" in search.scope.kinds:
        edges += _compare_people(tx, graph, search)
    if search.scope.is_whole:
        strays.plan(tx, graph, search.params, edges)
    return edges


def _compare_small_kinds(tx: Transaction, graph: GraphSession, search: Search) -> int:
    """Compare concepts, domains and the edges between them, value by value."""
    create_tables(tx)
    edges = copy_live(tx, _read_small_kinds(graph, search.scope))
    want(tx, search, whole=True)
    tx.execute(QUERIES["analyze_live"])
    tx.execute(QUERIES["suspect_elements"], search.params)
    return edges


def _read_small_kinds(graph: GraphSession, scope: Scope) -> Iterator[Row]:
    if "concepts" in scope.kinds:
        for key, *values in graph.rows(CYPHER["read_concepts"]):
            yield ("concept", key, "", None, shown("concept", values), 0)
    if "part_of" in scope.kinds:
        for domain, concepts in graph.rows(CYPHER["read_domains"]):
            yield ("domain", domain, "", None, "{}", 0)
            yield from (("part_of", concept, domain, None, "{}", 0) for concept in concepts)
    if "prerequisite_of" in scope.kinds:
        for concept, needing in graph.rows(CYPHER["read_prerequisites"]):
            yield from (("prerequisite_of", concept, other, None, "{}", 0) for other in needing)


def shown(element: str, values: Sequence[Any]) -> str:
    """Write what an element shows as JSON, as the tables write what is expected."""
    return json.dumps({name: _plain(value, kind) for (name, kind), value in zip(VALUES[element], values, strict=True)})


def _plain(value: Any, kind: type) -> Any:
    """Give a value as it compares; one of another type never equals what is expected, and says what it is."""
    if value is None:
        return None
    if type(value) is not kind or (kind is str and "\0" in value):
        return f"{value!r} ({type(value).__name__})"
    if kind is float and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return value


def create_tables(tx: Transaction) -> None:
    """Create the temporary tables in which the two sides meet; they end with the transaction."""
    for name in ("create_page", "create_live", "create_wanted"):
        tx.execute(QUERIES[name])


def copy_live(tx: Transaction, rows: Iterable[Row]) -> int:
    """Stream elements of the graph into their table; give the number of edges. What has no key is a stray."""
    edges = 0
    with tx.connection.cursor() as cursor, cursor.copy(QUERIES["copy_live"].text) as copy:
        for row in rows:
            if is_key(row[1]) and is_key(row[2]):
                copy.write_row(row)
                edges += row[0] in ("part_of", "prerequisite_of", "mastered_by")
    return edges


def want(tx: Transaction, search: Search, *, whole: bool) -> None:
    """Fill the table of what should stand of concepts and the edges between them, whole or for the keys of a page."""
    tx.execute(QUERIES["want_concepts_and_edges"], search.params | {"whole": whole})


def _compare_people(tx: Transaction, graph: GraphSession, search: Search) -> int:
    """Compare users and what they master, by numbers."""
    for name in ("create_live_users", "create_live_concepts", "create_live_mastery"):
        tx.execute(QUERIES[name])
    packed = _copy_mastery(tx, graph)
    _copy_rows(tx, "copy_live_users", packed.users.rows())
    _copy_rows(tx, "copy_live_concepts", packed.concepts.rows())
    tx.execute(QUERIES["analyze_ends"])
    failpoint("graph_compare.read")
    tx.execute(QUERIES["suspect_users"], search.params | {"doubled": sorted(packed.doubled)})
    tx.execute(QUERIES["suspect_mastery"], search.params)
    return packed.edges


def _copy_mastery(tx: Transaction, graph: GraphSession) -> PackedEdges:
    with tx.connection.cursor() as cursor, cursor.copy(QUERIES["copy_live_mastery"].text) as copy:
        copy.write(HEADER)
        packed = PackedEdges(copy.write)
        for people in read_people(graph):
            packed.add(people)
        packed.flush()
        copy.write(TRAILER)
    return packed


def read_people(graph: GraphSession) -> Iterator[list[tuple[Any, list[Any]]]]:
    """Stream all users, each with the flat list of their edges, some at a time."""
    return (people for (people,) in graph.rows(CYPHER["read_people"], page=_RECORDS, group=_USERS))


def _copy_rows(tx: Transaction, name: str, rows: Iterable[Sequence[Any]]) -> None:
    with tx.connection.cursor() as cursor, cursor.copy(QUERIES[name].text) as copy:
        for row in rows:
            copy.write_row(row)


def _suspect_neighbours(tx: Transaction, graph: GraphSession, search: Search, what: str, key: str) -> int:
    """Suspect every key at one concept or user: there are few enough to look at each."""
    tx.execute(QUERIES[f"suspect_{what}"], search.params | {"id": key})
    found = 0
    for some in batches(graph.rows(CYPHER[f"list_keys_of_{what}"], id=key), 5000):
        found += len(some)
        keys = [row for row in some if row[0] in search.scope.elements and is_key(row[1]) and is_key(row[2])]
        elements, firsts, seconds = ([row[n] for row in keys] for n in range(3))
        named = {"elements": elements, "firsts": firsts, "seconds": seconds}
        tx.execute(QUERIES["suspect_keys"], search.params | named)
    strays.plan_at(tx, graph, search.params, key)
    return found
