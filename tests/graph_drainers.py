"""Drains for tests: a whole one, or one whose steps a test takes one by one, beside another.

What a graph must be is in `tests/graph_by_hand.py`.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from assets.graph import drain as drains
from assets.graph import lease
from assets.graph.drain import Drainer, DrainResult
from assets.graph.session import open_session
from orchestration.graph import Graph, connect_graph
from orchestration.settings import GraphPolicy
from tests.conftest import Connection, Site


def drained(site: Site, **options: Any) -> DrainResult:
    """Drain the outbox of a site."""
    return drains.drain(site.postgres, Graph(site.settings), holder="test", **options)


@contextmanager
def drainer(
    site: Site, holder: str = "test", policy: GraphPolicy | None = None, *, seize: bool = False
) -> Generator[Drainer]:
    """Give a drainer that holds the lease, for a test to take its steps."""
    with (
        open_session(site.postgres, 45) as session,
        connect_graph(site.settings) as graph,
        lease.hold(session, graph, holder=holder, seize=seize) as held,
    ):
        yield Drainer(session, graph, held, policy or site.settings.graph)


def drain_a_batch(steps: Drainer) -> bool:
    """Take the steps of one batch; tell whether there was anything in it."""
    batch = steps.read()
    steps.renew(batch)
    steps.finish(batch, steps.write(batch))
    return bool(batch)


def in_batches_of(site: Site, size: int) -> GraphPolicy:
    """The site's policy, with small batches."""
    return site.settings.graph.model_copy(update={"batch_size": size})


def let_lease_run_out(connection: Connection) -> None:
    """Let the time pass for which the lease is good."""
    connection.execute("UPDATE espalier.graph_state SET expires_at = clock_timestamp() - interval '1 second'")


def let_retries_be_due(connection: Connection) -> None:
    """Let the time pass for which marks were set aside."""
    connection.execute("UPDATE espalier.graph_outbox SET retry_at = clock_timestamp() WHERE retry_at IS NOT NULL")


def marks(connection: Connection) -> list[dict[str, Any]]:
    """Read what is in the outbox, in the order of the versions."""
    return connection.execute("SELECT * FROM espalier.graph_outbox ORDER BY version").fetchall()
