"""The rebuild: the graph is emptied and written again from Postgres, under a new epoch, and then compared.

It is the answer to a Postgres that was set back by a restore, and to a graph of which too much differs. A graph that is
not ours is only emptied when it is adopted. The writing itself is the drain's.
"""

from dataclasses import dataclass

from assets.graph import lease, ownership
from assets.graph.drain import NEEDS, TABLES, DrainResult, drain_with
from assets.graph.reconcile import Reconciliation, reconcile
from assets.graph.repair import PATIENCE_S
from orchestration.failpoints import failpoint
from orchestration.graph import Graph
from orchestration.resources import Postgres

HOLDER = "rebuild"


@dataclass(frozen=True)
class Rebuild:
    """What a rebuild did: nodes deleted, what was written, the new epoch, and what the comparison found afterwards."""

    deleted: int
    drained: DrainResult
    epoch: str
    reconciliation: Reconciliation


def rebuild(postgres: Postgres, graph: Graph) -> Rebuild:
    """Empty our graph, write it again from Postgres and prove that the two are equal.

    Raises:
        EspalierError: the graph holds something and does not carry our marker.
    """
    with postgres.session("community", needs=NEEDS, tables=TABLES) as session, graph.session() as live:
        if live.read_marker() is None:
            ownership.verify(live, ownership.read_state(session), None)
    return adopt(postgres, graph)


def adopt(postgres: Postgres, graph: Graph) -> Rebuild:
    """Do the same with a graph whose contents are not ours: everything in it is deleted, and it becomes ours."""
    with postgres.session("community", needs=NEEDS, tables=TABLES) as session, graph.session() as live:
        with lease.hold(session, live, holder=HOLDER, wait=PATIENCE_S, seize=True) as held:
            deleted = ownership.start_over(session, live, held.token, held.renew)
        failpoint("graph_rebuild.emptied")
        drained = drain_with(session, live, postgres.settings.graph, holder=HOLDER, wait=PATIENCE_S)
    return Rebuild(deleted, drained, held.epoch, reconcile(postgres, graph))
