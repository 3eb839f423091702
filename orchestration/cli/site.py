"""The site a command works on: its settings, and its servers for as long as the command needs them."""

from collections.abc import Generator
from contextlib import contextmanager

import psycopg

from orchestration.cli.graph_server import graph_server
from orchestration.cli.output import complain
from orchestration.errors import EspalierError, first_line
from orchestration.servers.postgres import embedded_postgres, make_home
from orchestration.settings import Role, Settings, load_settings

# The demo is always embedded: whatever the environment says of a database is not for it.
NO_EXTERNAL_SERVER = dict.fromkeys(
    ("DATABASE_URL", "DIRECT_DATABASE_URL", "DAGSTER_DATABASE_URL", "NEO4J_URI", "NEO4J_PASSWORD")
)
_PATIENCE_S = 10


@contextmanager
def serving(
    settings: Settings, *, keep: bool = False, graph: bool = False, graph_needed: bool = False
) -> Generator[Settings]:
    """Have the site's servers up: an embedded one is started when needed and stopped by its last user.

    Neo4j is one of them only with `graph`, as it takes eight seconds; where it cannot be had the site does what it
    can, unless it is needed.

    Raises:
        EspalierError: a server that is not ours does not answer, or refuses us.
    """
    for notice in settings.notices:
        complain(notice)
    refuse_unreachable(settings)
    with (
        graph_server(settings, wanted=graph or graph_needed, needed=graph_needed) as wait_for_graph,
        _postgres(settings, keep=keep),
    ):
        wait_for_graph()
        yield settings


@contextmanager
def _postgres(settings: Settings, *, keep: bool) -> Generator[None]:
    """Have the embedded Postgres up, if the site needs it."""
    if settings.uses_embedded_server:
        with embedded_postgres(settings.home, keep=keep):
            yield
    else:
        make_home(settings.home)
        yield


@contextmanager
def site(*, keep: bool = False, graph: bool = False) -> Generator[Settings]:
    """Read the settings and have the servers up."""
    with serving(load_settings(), keep=keep, graph=graph) as settings:
        yield settings


def refuse_unreachable(settings: Settings) -> None:
    """Connect once to each server that is not ours, before anything is started or recorded.

    Raises:
        EspalierError: it does not answer or refuses; names the variable and the server, never the password.
    """
    for variable, role in external_servers(settings).items():
        try:
            psycopg.connect(settings.url(role), connect_timeout=_PATIENCE_S).close()
        except psycopg.OperationalError as error:
            said = first_line(str(error)).removeprefix("connection failed: ")
            raise EspalierError(f"{variable}: {said}; correct it, or start that server") from None


def external_servers(settings: Settings) -> dict[str, Role]:
    """Name the variables that give an address, with the role that it is for."""
    given: dict[str, tuple[Role, object]] = {
        "DATABASE_URL": ("jobs", settings.database_url),
        "DIRECT_DATABASE_URL": ("migrator", settings.direct_database_url),
        "DAGSTER_DATABASE_URL": ("dagster", settings.dagster_database_url),
    }
    return {variable: role for variable, (role, address) in given.items() if address}
