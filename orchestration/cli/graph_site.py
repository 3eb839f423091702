"""What every command of the graph needs: both servers up, a user who is in the graph, refusals as one line."""

from collections.abc import Generator
from contextlib import contextmanager

import dagster as dg
from neo4j.exceptions import Neo4jError

import sql
from assets.graph import outbox, ownership
from orchestration.cli.output import note
from orchestration.cli.site import serving
from orchestration.errors import EspalierError, first_line
from orchestration.graph import GraphSession, connect_graph
from orchestration.resources import REFUSED, Postgres, Session
from orchestration.settings import Settings, load_settings

_PEOPLE = sql.load("graph", "people")
NEEDS = "community_0024"
_BEHIND_S = 10


@contextmanager
def asking(user: str | None = None) -> Generator[tuple[Settings, GraphSession]]:
    """Have the graph at hand for a question about nobody, or about a user who may be in it.

    Raises:
        EspalierError: there is no such user, or the policy keeps them out of the graph; the graph cannot be asked.
    """
    settings = graph_settings()
    with serving(settings, graph_needed=True), refusing():
        with Postgres(settings).session("community", needs=NEEDS, tables=["users"]) as session:
            if user is not None:
                refuse_absent(session, settings, user)
            waiting, state = outbox.measure(session), ownership.read_state(session)
        with connect_graph(settings) as g:
            _note_lag(waiting)
            _note_distrust(g, state)
            yield settings, g


def graph_settings() -> Settings:
    """Read the settings of a site that has a graph.

    Raises:
        EspalierError: it has none, as the domain that the graph shows is not enabled.
    """
    settings = load_settings()
    if "community" not in settings.domains:
        raise EspalierError("the graph shows the community domain, ESPALIER_DOMAINS has not; add community to it")
    return settings


@contextmanager
def refusing() -> Generator[None]:
    """Make one line of what the resources refuse and of what Neo4j says.

    Raises:
        EspalierError: something was refused.
    """
    try:
        yield
    except dg.Failure as failure:
        if REFUSED not in failure.metadata:
            raise
        raise EspalierError(failure.description or "refused") from failure
    except Neo4jError as error:
        said = first_line(error.message or str(error))
        raise EspalierError(f"Neo4j says {said!r}; if that took too long, ask for fewer --hops") from error


def refuse_absent(session: Session, settings: Settings, user: str) -> None:
    """Refuse a user whom nobody knows, or whom the policy keeps out of the graph.

    Raises:
        EspalierError: that is so; names the policy.
    """
    with session.transaction() as tx:
        found = tx.all(_PEOPLE["find_person"], {"user": user})
    if not found:
        raise EspalierError(f"no user {user!r} in {settings.schema_of('community')}.users; give an id")
    reasons = [reason for reason in settings.graph.leave_out if found[0][reason]]
    if reasons:
        raise EspalierError(f"user {user!r} is left out of the graph: {', '.join(reasons)} (graph.leave_out)")


def _note_lag(waiting: outbox.Waiting) -> None:
    if waiting.lag_seconds > _BEHIND_S:
        note(f"The graph is {waiting.lag_seconds:.0f} s behind Postgres: {waiting.waiting:,} changes are on their way.")


def _note_distrust(g: GraphSession, state: ownership.State) -> None:
    """Say that the answer comes from a graph that does not follow this Postgres."""
    try:
        ownership.verify(g, state, g.read_marker())
    except EspalierError as error:
        note(f"Do not trust this answer: {error}")
