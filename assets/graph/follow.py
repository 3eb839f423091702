"""Follows Postgres: drains whenever something is marked, tells Dagster how the graph stands, survives either server.

Told of a mark by NOTIFY on a direct connection, and looking each second besides: a notification may be lost, or not be
sent at all. No run is made of it: a run costs seconds and stays in the event log for ever.
"""

import logging
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from time import monotonic
from typing import Any

import dagster as dg
import psycopg
from dagster import DagsterInstance
from dagster_postgres.utils import DagsterPostgresException
from neo4j.exceptions import Neo4jError
from sqlalchemy.exc import SQLAlchemyError
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_when_event_set, wait_exponential_jitter
from tenacity.nap import sleep_using_event

import sql
from assets.graph.drain import DrainResult, drain_with
from assets.graph.lease import LeaseHeld
from assets.graph.outbox import Waiting, is_anything_ready, measure
from assets.graph.session import open_session
from orchestration.errors import EspalierError, first_line
from orchestration.graph import Fenced, GraphSession, connect_graph
from orchestration.patience import Patience, cut_after, hang_up
from orchestration.resources import Postgres, Session, connect
from orchestration.settings import Settings

logger = logging.getLogger(__name__)

_QUERIES = sql.load("graph", "outbox")
# An outage, or a site that cannot be followed as it is: each may be over the next time.
_OUTAGES = (EspalierError, dg.Failure, psycopg.Error, Neo4jError)
_SWEEP_S = 60
_REPORT_S = 60
# Marks that come in quick succession are drained together.
_BREATH_S = 0.2

# Which kinds of keys an asset's elements come from.
ASSETS: Mapping[str, str] = {
    "concepts": "concept",
    "part_of": "concept",
    "prerequisite_of": "prerequisite",
    "mastered_by": "mastery",
}


def follow(
    settings: Settings, stop: Event, instance: DagsterInstance | None = None, patience: Patience | None = None
) -> None:
    """Keep the graph equal to Postgres until told to stop.

    Args:
        settings: where the servers are.
        stop: ends it, within about a second.
        instance: where to report; nowhere without one.
        patience: how long to wait for the servers.
    """
    follower = _Follower(settings, stop, _Reports(instance), patience or Patience())
    for attempt in Retrying(
        retry=retry_if_exception_type(_OUTAGES),
        wait=wait_exponential_jitter(multiplier=0.5, max=30),
        stop=stop_when_event_set(stop),
        sleep=sleep_using_event(stop),
        before_sleep=follower.tell_outage,
        retry_error_callback=lambda _: None,
    ):
        with attempt:
            follower.follow(attempt.retry_state)


@dataclass
class _Follower:
    settings: Settings
    stop: Event
    reports: "_Reports"
    patience: Patience
    told: str = ""
    swept_at: float = -_SWEEP_S

    def follow(self, state: RetryCallState) -> None:
        """Follow until told to stop or until a server is lost."""
        with self._connected() as (session, graph, listener):
            while not self.stop.is_set():
                self._drain(session, graph)
                self._tell_end_of_outage()
                state.attempt_number = 1  # the next outage begins with a short wait again
                self.reports.report(session)
                self.stop.wait(_BREATH_S)
                for _ in listener.notifies(timeout=1, stop_after=1):
                    pass

    @contextmanager
    def _connected(self) -> Generator[tuple[Session, GraphSession, psycopg.Connection[Any]]]:
        with ExitStack() as stack:
            session = stack.enter_context(open_session(Postgres(self.settings), self.patience.silence))
            graph = stack.enter_context(connect_graph(self.settings, self.patience))
            listener = stack.enter_context(connect(self.settings.url("migrator")))
            with cut_after(self.patience.silence, partial(hang_up, listener)):
                listener.execute(_QUERIES["listen"].text)
            yield session, graph, listener

    def _drain(self, session: Session, graph: GraphSession) -> None:
        """Drain if there is anything to do, which includes suspensions that end by the clock."""
        due = monotonic() - self.swept_at >= _SWEEP_S
        if not due and not is_anything_ready(session):
            return
        try:
            self.reports.add(drain_with(session, graph, self.settings.graph, holder="espalier graph sync --follow"))
            self.swept_at = monotonic()
        except (LeaseHeld, Fenced) as busy:
            logger.debug("%s", busy)

    def tell_outage(self, state: RetryCallState) -> None:
        """Say what is wrong, once until it is something else."""
        error = state.outcome and state.outcome.exception()
        said = first_line(getattr(error, "description", None) or str(error))
        if said != self.told:
            logger.warning("the graph does not follow: %s", said)
        self.told = said

    def _tell_end_of_outage(self) -> None:
        if self.told:
            logger.info("the graph follows again")
        self.told = ""


@dataclass
class _Reports:
    """Collects what was drained and reports it on the graph's assets, without a run."""

    instance: DagsterInstance | None
    keys: Counter[str] = field(default_factory=Counter[str])
    totals: Counter[str] = field(default_factory=Counter[str])
    reported_at: float = field(default_factory=monotonic)
    failing: bool = False

    def add(self, result: DrainResult) -> None:
        """Add what a drain did."""
        self.keys += Counter(result.kinds)
        self.totals += Counter(written=result.written, deleted=result.deleted, batches=result.batches)

    def report(self, session: Session) -> None:
        """Report once a minute, also that nothing had to be done: silence would mean that nobody follows."""
        if self.instance is None or monotonic() - self.reported_at < _REPORT_S:
            return
        self._report(self.instance, measure(session))
        self.reported_at = monotonic()
        self.keys.clear()
        self.totals.clear()

    def _report(self, instance: DagsterInstance, waiting: Waiting) -> None:
        """Tell Dagster; that its database is away is no reason not to follow."""
        try:
            for name, kind in ASSETS.items():
                instance.report_runless_asset_event(self._event(name, kind, waiting))
            self.failing = False
        except (SQLAlchemyError, DagsterPostgresException) as error:
            if not self.failing:
                logger.warning("Dagster was not told how the graph stands: %s", first_line(str(error)))
            self.failing = True

    def _event(self, name: str, kind: str, waiting: Waiting) -> dg.AssetMaterialization:
        return dg.AssetMaterialization(
            asset_key=dg.AssetKey(["graph", name]),
            description="Followed Postgres",
            metadata={
                "lag_seconds": round(waiting.lag_seconds, 3),
                "keys": self.keys[kind],
                "waiting": waiting.waiting,
                "parked": waiting.parked,
                "seconds": round(monotonic() - self.reported_at),
            },
        )
