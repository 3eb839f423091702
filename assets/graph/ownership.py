"""Whose graph it is: only one that carries our marker, under this database's epoch, is ever written.

The marker (:_Espalier) holds the epoch, the highest token of a writer, how far was written, and the version of the
graph's own schema, whose steps are done here. Who may write at the moment is the lease's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sql
from assets.graph.outbox import mark_everything
from orchestration.errors import EspalierError
from orchestration.graph import GraphSession
from orchestration.resources import Session

_LEASE = sql.load("graph", "lease")
_QUERIES = sql.load("graph", "ownership", "cypher")
_STEPS = [query for name, query in _QUERIES.items() if name.startswith("schema_")]
_PAGE = 10_000


@dataclass(frozen=True)
class State:
    """What Postgres knows about the graph: the row of `espalier.graph_state`."""

    epoch: str
    token: int
    holder: str | None
    expires_at: datetime | None
    intended_version: int
    swept_until: datetime | None
    held: bool


def read_state(session: Session) -> State:
    """Read the state; whether the lease is held is decided by the clock of Postgres."""
    with session.transaction() as tx:
        return State(**tx.one(_LEASE["read_state"]))


def verify(graph: GraphSession, state: State, marker: dict[str, Any] | None) -> None:
    """Refuse a graph that is not ours to write; an empty one may become ours.

    Raises:
        EspalierError: it holds something and no marker, or its marker is further than this Postgres.
    """
    if marker is None:
        _refuse_contents(graph)
    elif marker["epoch"] != state.epoch:
        raise EspalierError(
            "the graph belongs to another database, or Postgres was set back to before the graph was rebuilt; "
            "check NEO4J_URI, or run `espalier graph rebuild`"
        )
    elif not marker["schema"]:
        raise EspalierError("a rebuild or adoption of the graph was not finished; run `espalier graph rebuild`")
    elif marker["token"] > state.token or marker["version"] > state.intended_version:
        raise EspalierError(
            f"Postgres was set back: the graph was written up to version {marker['version']} by writer "
            f"{marker['token']}, Postgres knows of {state.intended_version} by {state.token}; "
            "run `espalier graph rebuild`"
        )


def _refuse_contents(graph: GraphSession) -> None:
    nodes = graph.read(_QUERIES["count_everything"])[0]["nodes"]
    if nodes:
        raise EspalierError(
            f"the graph holds {nodes} nodes that are not ours; see them and make it ours with `espalier graph adopt`"
        )


def settle(session: Session, graph: GraphSession, epoch: str, token: int) -> None:
    """Fence off older writers; make the graph ours where it is not yet, and bring its schema up to date."""
    marker = graph.read_marker()
    if marker is None:
        mark_everything(session)
        with graph.unfenced() as tx:
            tx.run(_QUERIES["create_marker"], epoch=epoch, token=token)
    if marker is None or marker["schema"] < len(_STEPS):
        _migrate(graph, token)
    with graph.fenced(token):
        pass


def _migrate(graph: GraphSession, token: int) -> None:
    """Do the steps of the graph's own schema; each may be done again."""
    for step in _STEPS:
        graph.schema(step)
    graph.write(_QUERIES["set_schema"], {"schema": len(_STEPS)}, token=token)


def seize(graph: GraphSession, epoch: str, token: int) -> None:
    """Put our marker on a graph as it is; until `start_over` is through, nothing but that may write it."""
    graph.write_marker(epoch=epoch, token=token, version=0)


def start_over(session: Session, graph: GraphSession, token: int, renew: Callable[[], None]) -> int:
    """Empty a graph that was seized, make its schema, mark every key; give the number of nodes that were deleted.

    `renew` prolongs the lease: a big graph takes longer than one lasts.
    """
    _delete(graph, token, renew, "delete_some_relationships")
    deleted = _delete(graph, token, renew, "delete_some_nodes")
    mark_everything(session)
    _migrate(graph, token)
    return deleted


def _delete(graph: GraphSession, token: int, renew: Callable[[], None], query: str) -> int:
    """Delete page by page, each in a transaction of its own; give the number."""
    deleted = 0
    while page := graph.write(_QUERIES[query], {"size": _PAGE}, token=token)[0]["deleted"]:
        deleted += page
        renew()
    return deleted


def foreign_contents(graph: GraphSession) -> list[dict[str, Any]]:
    """List what is in the graph, by labels and by type: what a person must see before it is deleted."""
    return [*graph.read(_QUERIES["list_node_contents"]), *graph.read(_QUERIES["list_relationship_contents"])]
