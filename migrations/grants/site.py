"""The list for a whole site, as a person asks for it: apply, print what would be done, take back."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import conninfo_to_dict

from migrations.connection import Driver, Target, connect, server_name
from migrations.grants.apply import apply, opt_in, opt_out, planned
from migrations.grants.places import is_adopted, roles_in_force
from migrations.grants.roles import creation
from migrations.locks import PATIENCE_SECONDS, TIMEOUTS, patiently, sole_migrator
from migrations.preflight import find_target, look_at_record
from migrations.state import is_ours
from orchestration.errors import EspalierError
from orchestration.settings import Domain, Settings

Work = Callable[[Driver, Settings, Target], list[str]]


def bring(settings: Settings, domain: Domain, *, patience: float = PATIENCE_SECONDS) -> list[str]:
    """Bring a domain to the list, in one transaction; an adopted site opts in with it. Tells what was changed.

    Raises:
        EspalierError: the domain is not set up, or Postgres refuses; nothing was changed.
    """
    return _in_one_transaction(settings, domain, _opt_in_and_apply, patience)


def take_back(settings: Settings, domain: Domain, *, patience: float = PATIENCE_SECONDS) -> list[str]:
    """Take back on an adopted site what opting in has brought.

    Raises:
        EspalierError: we have built the tables ourselves, or Postgres refuses; nothing was changed.
    """
    return _in_one_transaction(settings, domain, _opt_out, patience)


def script(settings: Settings, domain: Domain) -> list[str]:
    """Write the statements of `bring`, those for roles that are not there first, for whoever may make roles.

    Raises:
        EspalierError: the domain is not set up.
    """
    url = settings.url("migrator")
    with _explained(domain), connect(url) as database, database.driver.transaction():
        driver = database.driver
        driver.execute("SET TRANSACTION READ ONLY")
        target = _target(driver, settings, domain)
        there = roles_in_force(driver, settings, domain, asked=True)
        absent = {short: name for short, name in settings.role_names.items() if short not in there}
        migrator = str(conninfo_to_dict(url).get("user", ""))
        making = [f"-- role to be made: {statement.as_string()};" for statement in creation(absent, migrator)]
        return [*making, *(f"{s.as_string()};" for s in planned(driver, settings, target, asked=True).statements)]


def _opt_in_and_apply(driver: Driver, settings: Settings, target: Target) -> list[str]:
    opt_in(driver, settings, target)
    return apply(driver, settings, target)


def _opt_out(driver: Driver, settings: Settings, target: Target) -> list[str]:
    if not is_adopted(driver, target.domain):
        raise EspalierError(
            f"{target.domain}: Espalier built its tables, so the list is in force; there is nothing to revoke"
        )
    return opt_out(driver, settings, target)


def _in_one_transaction(settings: Settings, domain: Domain, work: Work, patience: float) -> list[str]:
    url, schema = settings.url("migrator"), settings.schema_of(domain)
    with _explained(domain), connect(url) as database, sole_migrator(database, url, patience=patience):
        driver = database.driver

        def once() -> list[str]:
            with driver.transaction():
                target = _target(driver, settings, domain)
                for statement in TIMEOUTS:
                    driver.execute(statement)
                return work(driver, settings, target)

        return patiently(once, "grants", schema, driver, on_retry=lambda _: None, patience=patience)[0]


def _target(driver: Driver, settings: Settings, domain: Domain) -> Target:
    schema = settings.schema_of(domain)
    if not is_ours(driver) or look_at_record(driver, domain, schema) is None:
        raise EspalierError(
            f"{domain}: not set up in {server_name(driver)}; run `espalier migrate --domain {domain}`, or `espalier "
            "baseline` for an application's tables"
        )
    return find_target(driver, domain, schema)


@contextmanager
def _explained(domain: str) -> Generator[None]:
    try:
        yield
    except psycopg.Error as error:
        said = " ".join(str(error).split())
        raise EspalierError(
            f"{domain}: Postgres says {said!r}; nothing was changed; correct the cause and run `espalier grants apply` "
            "again"
        ) from error
