"""The repair of what a reconciliation planned: keys are marked dirty and drained, as any change is.

Only what has no key is removed here, by its element id, under the lease and behind the fence, and only if the statement
that removes it still finds it wrong. Killed anywhere, the next reconciliation goes on with what is left.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import sql
from assets.graph import lease
from assets.graph.compare import Search
from assets.graph.drain import drain_with
from assets.graph.strays import NUL
from orchestration.failpoints import failpoint
from orchestration.graph import GraphSession
from orchestration.resources import Session
from orchestration.settings import GraphPolicy

QUERIES = sql.load("graph", "reconcile")
CYPHER = sql.load("graph", "reconcile", "cypher")
# How long to wait for a drain that holds the lease.
PATIENCE_S = 60
_PAGE = 1000


class Repair:
    """The steps of a repair; `run` takes them in their order."""

    def __init__(self, session: Session, graph: GraphSession, search: Search, policy: GraphPolicy, holder: str) -> None:
        self._session, self._graph, self._search = session, graph, search
        self._policy, self._holder = policy, holder

    def run(self) -> None:
        """Remove what has no key, write the keys again, and remove the domains that are then empty."""
        with lease.hold(self._session, self._graph, holder=self._holder, wait=PATIENCE_S) as held:
            self._remove_strays(held)
            self._remove_duplicates(held)
        failpoint("graph_repair.removed")
        with self._session.transaction() as tx:
            tx.execute(QUERIES["mark_planned"], self._search.params)
        failpoint("graph_repair.marked")
        drain_with(self._session, self._graph, self._policy, holder=self._holder, wait=PATIENCE_S)
        with lease.hold(self._session, self._graph, holder=self._holder, wait=PATIENCE_S) as held:
            self._remove(held, "remove_unattached_domains", "list_unattached_domains")

    def _remove_strays(self, held: lease.Lease) -> None:
        self._remove(held, "strip_labels", "list_strays", what="labels")
        self._remove(held, "remove_stray_nodes", "list_strays", what="labels")
        self._remove(held, "remove_stray_relationships", "list_strays", what="type")

    def _remove_duplicates(self, held: lease.Lease) -> None:
        self._remove(held, "remove_duplicate_relationships", "list_duplicates", nodes=False)
        if self._remove(held, "remove_duplicate_nodes", "list_duplicates", nodes=True):
            self._graph.write(CYPHER["forget_schema"], token=held.token)

    def _remove(self, held: lease.Lease, removing: str, listing: str, **which: Any) -> int:
        """Remove what a listing names, page by page; give how many there were."""
        removed = 0
        for rows in self._pages(listing, which):
            held.renew()
            params = {"rows": rows, "nul": NUL}
            removed += self._graph.write(CYPHER[removing], params, token=held.token)[0]["removed"]
            failpoint("graph_repair.removed_page")
        return removed

    def _pages(self, listing: str, which: Mapping[str, Any]) -> Iterator[list[list[str]]]:
        """Read element ids page by page, each with that of the copy that is kept where there is one."""
        after = 0
        while True:
            with self._session.transaction() as tx:
                where = {**self._search.params, **which, "after": after, "size": _PAGE}
                rows = tx.all(QUERIES[listing], where)
            if not rows:
                return
            after = rows[-1]["id"]
            yield [[row["element_id"], row.get("kept", "")] for row in rows]
