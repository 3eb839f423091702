"""Strays: what stands in the graph and is no element of the model, such as a wrong label, type or direction.

They have no key that the outbox could hold, so they are noted with the id that Neo4j gives them and removed by it. The
packed reads do not see them; a scan of all relationships is made only when the counts say that there are some.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sql
from assets.graph.packing import batches, is_key
from orchestration.graph import GraphSession
from orchestration.resources import Transaction

_QUERIES = sql.load("graph", "compare")
_CYPHER = sql.load("graph", "compare", "cypher")
NUL = "\0"
_PAGE = 5000
_ELEMENT_OF_LABEL = {"Concept": "concept", "Domain": "domain", "User": "user"}
_ENDS = {
    "mastered_by": ("User", "Concept"),
    "part_of": ("Concept", "Domain"),
    "prerequisite_of": ("Concept", "Concept"),
}


@dataclass(frozen=True)
class Stray:
    """An element that the model does not have: what it is nearest to, its ends where they are known, what is wrong."""

    element: str
    key1: str
    key2: str
    detail: str
    element_id: str
    found: Mapping[str, Any]


def plan(tx: Transaction, graph: GraphSession, params: Mapping[str, Any], edges_seen: int) -> None:
    """Note the strays of the whole graph; the relationships are only scanned when there are more than were seen."""
    _note(tx, params, map(_stray_node, graph.rows(_CYPHER["list_stray_nodes"], nul=NUL)))
    if graph.read(_CYPHER["count_elements"])[0]["relationships"] != edges_seen:
        rows = graph.rows(_CYPHER["list_stray_relationships"], nul=NUL)
        _note(tx, params, (stray_relationship(*row) for row in rows))


def plan_at(tx: Transaction, graph: GraphSession, params: Mapping[str, Any], key: str) -> None:
    """Note the stray relationships at the concept or user of a key."""
    rows = graph.rows(_CYPHER["list_stray_relationships_at"], id=key, nul=NUL)
    _note(tx, params, (stray_relationship(*row) for row in rows))


def _note(tx: Transaction, params: Mapping[str, Any], strays: Iterable[Stray]) -> None:
    for some in batches(strays, _PAGE):
        columns = {
            "elements": [stray.element for stray in some],
            "firsts": [stray.key1 for stray in some],
            "seconds": [stray.key2 for stray in some],
            "details": [stray.detail for stray in some],
            "element_ids": [stray.element_id for stray in some],
            "found": [json.dumps(stray.found) for stray in some],
        }
        tx.execute(_QUERIES["plan_strays"], {**params, **columns})


def _stray_node(row: list[Any]) -> Stray:
    """Say what a node is that is none of the model's."""
    element_id, labels, *values = row
    node = _Node(labels, *values)
    detail = "no_key" if labels == [node.label] else "wrong_label"
    element = _ELEMENT_OF_LABEL.get(node.label or "", "other")
    return Stray(element, _written(node.key), "", detail, element_id, {"labels": labels})


@dataclass(frozen=True)
class _Node:
    """A node with what could be its key."""

    labels: list[str]
    id: Any
    name: Any

    @property
    def label(self) -> str | None:
        """The one label of the model among the node's; none where there is none, or several."""
        ours = [label for label in self.labels if label in _ELEMENT_OF_LABEL]
        return ours[0] if len(ours) == 1 else None

    @property
    def key(self) -> Any:
        """The value by which the model finds such a node."""
        return self.name if self.label == "Domain" else self.id


def stray_relationship(element_id: str, type_: str, start_values: list[Any], end_values: list[Any]) -> Stray:
    """Say what a relationship is that is none of the model's: by its ends, where they are known, else by its type."""
    start, end = _Node(*start_values), _Node(*end_values)
    ends, named = (start.label, end.label), type_.lower()
    key1, key2 = _written(start.key), _written(end.key)
    found = {"type": type_, "start": start.labels, "end": end.labels}
    if None in ends or not (is_key(start.key) and is_key(end.key)):
        return Stray(named if named in _ENDS else "other", key1, key2, "orphan", element_id, found)
    if _ENDS.get(named) == ends[::-1]:
        return Stray(named, key2, key1, "wrong_direction", element_id, found)
    fitting = (element for element, between in _ENDS.items() if between == ends)
    return Stray(next(fitting, "other"), key1, key2, "wrong_type", element_id, found)


def _written(key: Any) -> str:
    """Write a key as Postgres can hold it, whatever it is."""
    return "" if key is None else str(key).replace(NUL, "\ufffd")
