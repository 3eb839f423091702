"""The site's Neo4j for as long as a command needs it. Where it cannot be had, everything but the graph goes on.

What runs in it is not decided here; `espalier graph` has its commands in `graph_commands.py`.
"""

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, nullcontext
from threading import Event, Thread

from orchestration.cli.output import complain, working
from orchestration.errors import EspalierError
from orchestration.servers import neo4j_unavailable
from orchestration.servers.folders import prepare
from orchestration.servers.neo4j import EmbeddedNeo4j, Neo4jUnavailable, embedded_neo4j
from orchestration.settings import Settings

_LOOK_S, _LATER_S, _PATIENCE_S = 2.0, 60.0, 5.0
_FETCHING = "Fetching Neo4j, once for this machine"


@contextmanager
def graph_server(settings: Settings, *, wanted: bool = True, needed: bool = False) -> Generator[Callable[[], None]]:
    """Have the embedded Neo4j on its way up, if the site has a graph and no server of its own; give how to wait for it.

    Args:
        settings: the site.
        wanted: whether there is anything to do with it.
        needed: whether there is nothing to do without it.

    Raises:
        EspalierError: NEO4J_URI is given without a password.
        Neo4jUnavailable: it is needed and cannot be had.
    """
    with ExitStack() as stack:
        yield _launched(settings, stack, needed) if wanted and has_graph(settings) else _no_wait


@contextmanager
def kept_up(settings: Settings, stop: Event) -> Generator[None]:
    """Have the embedded Neo4j started again whenever it dies, until told to stop; a server that is not ours is not."""
    watcher = Thread(target=_watch, args=(EmbeddedNeo4j(settings.home), stop), daemon=True)
    if settings.uses_embedded_graph:
        watcher.start()
    try:
        yield
    finally:
        stop.set()
        if watcher.is_alive():
            watcher.join(_PATIENCE_S)


def _watch(server: EmbeddedNeo4j, stop: Event) -> None:
    pause = _LOOK_S
    while not stop.wait(pause):
        pause = _LOOK_S
        if server.pid is None:
            try:
                server.start()
            except EspalierError as error:
                complain(str(error))
                pause = _LATER_S


def has_graph(settings: Settings) -> bool:
    """Tell whether the site has a graph: it shows the community domain."""
    return "community" in settings.domains


def can_have_graph(settings: Settings) -> bool:
    """Tell whether there is a server for the site's graph."""
    embedded = settings.uses_embedded_graph
    return has_graph(settings) and not (embedded and neo4j_unavailable.reason(settings.home))


def _launched(settings: Settings, stack: ExitStack, needed: bool) -> Callable[[], None]:
    if not settings.uses_embedded_graph:
        settings.neo4j()
        return _no_wait
    prepare(settings.home, "neo4j")
    try:
        fetched = EmbeddedNeo4j(settings.home).is_fetched
        with nullcontext() if fetched else working(_FETCHING):
            server = stack.enter_context(embedded_neo4j(settings.home, wait=False))
    except Neo4jUnavailable as error:
        _go_on_without(error, needed)
        return _no_wait
    return lambda: _wait(server, needed)


def _wait(server: EmbeddedNeo4j, needed: bool) -> None:
    try:
        server.wait()
    except Neo4jUnavailable as error:
        _go_on_without(error, needed)


def _no_wait() -> None:
    """Wait for nothing: there is no server on its way up."""


def _go_on_without(error: Neo4jUnavailable, needed: bool) -> None:
    if needed:
        raise error
    complain(f"{error}; everything but the graph goes on")
