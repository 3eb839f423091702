"""The reconciliation: find every difference between the graph and Postgres, repair it, prove that none is left.

Drain, compare, drain again, judge what was suspect, stop if it is too much, repair, and compare once more. What was
found is in `espalier.graph_drift` under the run's id. The steps are in `compare.py`, `verdict.py` and `repair.py`.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import sql
from assets.graph import lease, ownership
from assets.graph.compare import CYPHER as COMPARE
from assets.graph.compare import Search, find_suspects
from assets.graph.drain import NEEDS, TABLES, drain_with
from assets.graph.repair import PATIENCE_S, Repair
from assets.graph.scope import Scope
from assets.graph.verdict import judge
from orchestration.errors import EspalierError
from orchestration.graph import Graph, GraphSession
from orchestration.resources import Postgres, Session
from orchestration.settings import GraphPolicy

QUERIES = sql.load("graph", "reconcile")
# Removing a node takes away what hung on it, which the next comparison finds and the next round writes.
ROUNDS = 3
# A share of a tiny graph is less than one element; so many may be repaired without asking, unless the share is 0.
FEW = 20
DIFFERENCES = ("missing", "extra", "stale", "duplicate")


class BoundExceeded(EspalierError):
    """More differs than may be repaired without asking; nothing was changed."""


@dataclass(frozen=True)
class Step:
    """A line of the plan, or of the report: so many elements, what is wrong with them, what is or was done."""

    element: str
    difference: str
    detail: str
    state: str
    count: int
    action: str


@dataclass(frozen=True)
class Reconciliation:
    """What a reconciliation found, by difference, and what became of it.

    Attributes:
        repaired: what was repaired and is no longer found.
        left: what is still wrong after the last comparison; of a dry run, all of it.
        in_flight: what differs because its key is still in the outbox, parked keys among it.
        plan: the same by element, with what is done about it.
    """

    run_id: str
    missing: int
    extra: int
    stale: int
    duplicate: int
    repaired: int
    left: int
    in_flight: int
    plan: tuple[Step, ...]

    @property
    def found(self) -> int:
        """How many differences there were."""
        return self.missing + self.extra + self.stale + self.duplicate


def reconcile(
    postgres: Postgres,
    graph: Graph,
    *,
    kinds: Collection[str] | None = None,
    concept: str | None = None,
    user: str | None = None,
    dry_run: bool = False,
    bound: float | None = None,
    run_id: str | None = None,
    as_of: datetime | None = None,
) -> Reconciliation:
    """Compare the graph with Postgres, repair what differs and compare again.

    Args:
        postgres: where the truth is, and where what was found is kept.
        graph: the graph.
        kinds: only these kinds of elements; the whole graph if there are none.
        concept: only this concept and its edges.
        user: only this user and their edges.
        dry_run: change nothing; give the plan.
        bound: the share of the graph's elements above which nothing is repaired; by default the setting's.
        run_id: under which what was found is kept.
        as_of: the time that is kept with it.

    Raises:
        BoundExceeded: more differs than the bound; nothing was changed.
        EspalierError: the graph is not ours, or another writer did not end.
    """
    policy = postgres.settings.graph
    scope = Scope.of(kinds, concept, user)
    search = Search(run_id or uuid4().hex, as_of or datetime.now(UTC), scope, policy.leave_out)
    with postgres.session("community", needs=NEEDS, tables=TABLES) as session, graph.session() as live:
        work = _Work(session, live, search, policy, dry_run)
        work.begin()
        work.look()
        if work.count("planned"):
            work.stop_above(policy.drift_bound if bound is None else bound, 0 if bound is not None else FEW)
            work.repair_in_rounds()
        return work.report()


class _Work:
    """The steps of one reconciliation."""

    def __init__(
        self, session: Session, live: GraphSession, search: Search, policy: GraphPolicy, dry_run: bool
    ) -> None:
        self._session, self._live = session, live
        self._search, self._policy, self._dry_run = search, policy, dry_run
        self._holder = f"reconciliation {search.run_id[:8]}"
        self._allowed = 0

    def begin(self) -> None:
        """Verify that the graph is ours, and forget what earlier runs found."""
        marker = self._live.read_marker()
        ownership.verify(self._live, ownership.read_state(self._session), marker)
        if marker is None and self._dry_run:
            raise EspalierError("the graph is empty and nobody's: there is nothing to plan; run `espalier graph sync`")
        self._execute("forget_old_runs", days=self._policy.export_days)
        self._drain()

    def look(self) -> None:
        """Compare, and judge what is suspect once the outbox has been drained."""
        self._execute("forget_unsettled")
        find_suspects(self._session, self._live, self._search)
        if not self.count("in_flight"):
            return
        self._drain()
        with lease.hold(self._session, self._live, holder=self._holder, wait=PATIENCE_S) as held:
            judge(self._session, self._live, held, self._search)

    def _drain(self) -> None:
        if not self._dry_run:
            drain_with(self._session, self._live, self._policy, holder=self._holder, wait=PATIENCE_S)

    def stop_above(self, share: float, few: int) -> None:
        """Stop when more is planned than may be repaired without asking; a dry run only plans.

        Raises:
            BoundExceeded: names what was found, the bound, and how to go on.
        """
        counted = self._live.read(COMPARE["count_elements"])[0]
        missing = _total(step for step in self.steps() if step.difference == "missing")
        elements = counted["nodes"] + counted["relationships"] + missing
        self._allowed = max(int(share * elements), few if share else 0)
        self._stop_above_allowed(elements)

    def _stop_above_allowed(self, elements: int) -> None:
        planned = self.count("planned")
        if planned <= self._allowed or self._dry_run:
            return
        raise BoundExceeded(
            f"{planned} of the graph's {elements} elements differ, above the bound of {self._allowed}; nothing was "
            f"repaired. See them in espalier.graph_drift (run_id {self._search.run_id}), then run "
            "`espalier graph reconcile --yes`, or `espalier graph rebuild`"
        )

    def repair_in_rounds(self) -> None:
        """Repair and compare again until nothing differs, or it has been tried often enough."""
        rounds = 0 if self._dry_run else ROUNDS
        for _ in range(rounds):
            Repair(self._session, self._live, self._search, self._policy, self._holder).run()
            self._execute("set_repaired")
            self.look()
            self._execute("forget_failed_repairs")
            if not 0 < self.count("planned") <= self._allowed:
                break
        if rounds:
            self._execute("set_left")

    def steps(self) -> list[Step]:
        """Count what was found, by what it is and what is done about it."""
        with self._session.transaction() as tx:
            return [Step(**row) for row in tx.all(QUERIES["summarize"], self._search.params)]

    def count(self, state: str) -> int:
        """Count what is in a state."""
        return _in_state(self.steps(), state)

    def report(self) -> Reconciliation:
        """Tell what was found and what became of it."""
        steps = self.steps()
        settled = [step for step in steps if step.state != "in_flight"]
        found = {name: _total(step for step in settled if step.difference == name) for name in DIFFERENCES}
        return Reconciliation(
            self._search.run_id,
            **found,
            repaired=_in_state(steps, "repaired"),
            left=_in_state(steps, "left", "planned"),
            in_flight=_in_state(steps, "in_flight"),
            plan=tuple(steps),
        )

    def _execute(self, name: str, **params: Any) -> None:
        with self._session.transaction() as tx:
            tx.execute(QUERIES[name], self._search.params | params)


def _total(steps: Iterable[Step]) -> int:
    return sum(step.count for step in steps)


def _in_state(steps: Iterable[Step], *states: str) -> int:
    return _total(step for step in steps if step.state in states)
