"""The site a command works on: its settings, and the embedded server for as long as the command needs it."""

from collections.abc import Generator
from contextlib import contextmanager

from orchestration.cli.output import err
from orchestration.servers.postgres import embedded_postgres, make_home
from orchestration.settings import Settings, load_settings

# The demo is always embedded: whatever the environment says of a database is not for it.
NO_EXTERNAL_SERVER = {"DATABASE_URL": None, "DIRECT_DATABASE_URL": None, "DAGSTER_DATABASE_URL": None}


@contextmanager
def serving(settings: Settings, *, keep: bool = False) -> Generator[Settings]:
    """Have the site's server up: the embedded one is started when needed and stopped by its last user."""
    for notice in settings.notices:
        err.print(f"espalier: {notice}", markup=False)
    if settings.uses_embedded_server:
        with embedded_postgres(settings.home, keep=keep):
            yield settings
    else:
        make_home(settings.home)
        yield settings


@contextmanager
def site(*, keep: bool = False) -> Generator[Settings]:
    """Read the settings and have the server up."""
    with serving(load_settings(), keep=keep) as settings:
        yield settings
