"""The site a command works on: its settings, and its servers for as long as the command needs them."""

from collections.abc import Generator
from contextlib import contextmanager

import psycopg

from orchestration.cli.output import complain
from orchestration.errors import EspalierError
from orchestration.failures import first_line
from orchestration.servers.postgres import embedded_postgres, make_home
from orchestration.settings import Role, Settings, load_settings

# The demo is always embedded: whatever the environment says of a database is not for it.
NO_EXTERNAL_SERVER = {"DATABASE_URL": None, "DIRECT_DATABASE_URL": None, "DAGSTER_DATABASE_URL": None}
_PATIENCE_S = 10


@contextmanager
def serving(settings: Settings, *, keep: bool = False) -> Generator[Settings]:
    """Have the site's servers up: the embedded one is started when needed and stopped by its last user.

    Raises:
        EspalierError: a server that is not ours does not answer, or refuses us.
    """
    for notice in settings.notices:
        complain(notice)
    refuse_unreachable(settings)
    if settings.uses_embedded_server:
        with embedded_postgres(settings.home, keep=keep):
            yield settings
    else:
        make_home(settings.home)
        yield settings


@contextmanager
def site(*, keep: bool = False) -> Generator[Settings]:
    """Read the settings and have the servers up."""
    with serving(load_settings(), keep=keep) as settings:
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
