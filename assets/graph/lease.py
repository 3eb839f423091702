"""The lease: one writer of the graph at a time, with a token that rises and that Neo4j itself checks.

Postgres says who may write, by its own clock; the fence in front of every write to Neo4j (`GraphSession.fenced`) stops
a writer that was held up and woke after its lease had been taken over. What is written is not here.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

import sql
from assets.graph import ownership
from assets.graph.session import execute_alone
from orchestration.errors import EspalierError
from orchestration.graph import Fenced, GraphSession
from orchestration.resources import Session

_QUERIES = sql.load("graph", "lease")


class LeaseHeld(EspalierError):
    """Somebody else writes the graph at the moment."""


@dataclass(frozen=True)
class Lease:
    """The right to write the graph, for some seconds from its last renewal."""

    session: Session
    token: int
    epoch: str
    seconds: float

    def renew(self, intended_version: int = 0) -> None:
        """Prolong the lease and record how far is about to be written; do it before each write.

        Raises:
            Fenced: the lease ran out and somebody else has taken it.
        """
        values = {"token": self.token, "seconds": self.seconds, "version": intended_version}
        if not execute_alone(self.session, _QUERIES["renew"], values):
            raise Fenced(f"the lease on the graph with token {self.token} was taken over; nothing was written")

    def release(self) -> None:
        """Let the next one write."""
        execute_alone(self.session, _QUERIES["release"], {"token": self.token})


@contextmanager
def hold(
    session: Session, graph: GraphSession, *, holder: str, seconds: float = 30, wait: float = 0, seize: bool = False
) -> Generator[Lease]:
    """Take the lease, verify that the graph is ours, and fence off whoever held it before.

    Args:
        session: where the lease is kept.
        graph: the graph that will be written.
        holder: who asks, as others will be told.
        seconds: how long the lease is good without a renewal.
        wait: how long to wait for one who holds it.
        seize: take the graph as it is instead of verifying it: for a rebuild, or a graph that is being adopted.

    Raises:
        LeaseHeld: somebody else holds it.
        EspalierError: the graph is not ours, or Postgres was set back.
    """
    lease = _take_when_free(session, graph, holder, seconds, wait, seize)
    try:
        yield lease
    finally:
        lease.release()


def _take_when_free(
    session: Session, graph: GraphSession, holder: str, seconds: float, wait: float, seize: bool
) -> Lease:
    for attempt in Retrying(
        retry=retry_if_exception_type(LeaseHeld), stop=stop_after_delay(wait), wait=wait_fixed(0.2), reraise=True
    ):
        with attempt:
            return take(session, graph, holder=holder, seconds=seconds, seize=seize)
    raise AssertionError("Retrying either returns or raises")


def take(session: Session, graph: GraphSession, *, holder: str, seconds: float = 30, seize: bool = False) -> Lease:
    """Take the lease as `hold` does, without waiting; the caller gives it back, or lets it run out.

    Raises:
        LeaseHeld: somebody else holds it.
        EspalierError: the graph is not ours, or Postgres was set back.
    """
    state = ownership.read_state(session)
    if state.held:
        raise LeaseHeld(f"the graph is being written by {state.holder} until {state.expires_at:%H:%M:%S} UTC; wait")
    marker = graph.read_marker()
    if not seize:
        ownership.verify(graph, state, marker)
    above = marker["token"] if marker and seize else 0
    values = {"token": state.token, "holder": holder, "seconds": seconds, "seize": seize, "above": above}
    taken = execute_alone(session, _QUERIES["take"], values)
    if not taken:
        raise LeaseHeld("the graph has just been taken by another writer; wait for it")
    return _with_graph(Lease(session, taken[0]["token"], taken[0]["epoch"], seconds), graph, seize)


def _with_graph(lease: Lease, graph: GraphSession, seize: bool) -> Lease:
    """Let the graph know of the new writer, or give the lease back."""
    try:
        if seize:
            ownership.seize(graph, lease.epoch, lease.token)
        else:
            ownership.settle(lease.session, graph, lease.epoch, lease.token)
    except BaseException:
        lease.release()
        raise
    return lease
