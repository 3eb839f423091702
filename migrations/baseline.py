"""Adopts an application's schema as it stands: compares, then stamps. No row or object of the application is touched.

What is created is our own schema, with the record of what was found.
"""

from dataclasses import dataclass

from migrations import adoption, preflight
from migrations.connection import Database, connect
from migrations.grants.apply import apply_ours
from migrations.inspection.rights import unfit_roles
from migrations.inspection.site import Look, look
from migrations.inspection.takeover import matching
from migrations.locks import PATIENCE_SECONDS, sole_migrator
from migrations.revisions import history
from migrations.runner import Run, explained, nobody
from migrations.state import current
from orchestration.errors import EspalierError, some_of
from orchestration.settings import Domain, Settings


@dataclass(frozen=True)
class Baseline:
    """A domain that was adopted: where it stands, how many objects were found as wanted, what was left alone."""

    domain: str
    schema: str
    revision: str
    matching: int
    left_alone: list[str]
    already: bool = False


def baseline(settings: Settings, domain: Domain, *, patience: float = PATIENCE_SECONDS) -> Baseline:
    """Adopt a domain's schema; one that was adopted before is left as it is.

    Raises:
        EspalierError: what revisions or jobs of ours need is missing or different, or there is nothing to adopt.
    """
    url = settings.url("migrator")
    with explained(domain), connect(url) as database, sole_migrator(database, url, patience=patience):
        with database.driver.transaction():
            found = _adopted(settings, domain, database)
            if found:
                return found
            seen = _look(settings, domain, database)
        run = Run(settings, domain, database, False, nobody, patience)
        run.prepare_ours(seen.target.extensions)
        with database.driver.transaction():
            return _stamp(settings, domain, database)


def _adopted(settings: Settings, domain: Domain, database: Database) -> Baseline | None:
    preflight.look_at_server(database.driver, settings.jobs_role)
    schema = settings.schema_of(domain)
    record = preflight.look_at_record(database.driver, domain, schema)
    if record is None:
        return None
    at = current(database.driver, domain) or "base"
    if record.adopted_at is None:
        raise EspalierError(f"{domain}: Espalier built schema {schema} itself, at {at}; there is nothing to adopt")
    return Baseline(domain, schema, at, 0, [], already=True)


def _look(settings: Settings, domain: Domain, database: Database) -> Look:
    """Read, and refuse what cannot be adopted; takes no lock above ACCESS SHARE."""
    schema, role = settings.schema_of(domain), settings.jobs_role
    seen = look(database.driver, domain, schema)
    _refuse_empty(seen)
    missing = [difference for difference in seen.differences if difference.required]
    if missing:
        shown = some_of(missing, 5, separator="; ")
        raise EspalierError(
            f"{domain}: schema {schema} is not what revisions and jobs need: {shown}; nothing was changed; "
            f"`espalier inspect --domain {domain}` lists all"
        )
    unfit = unfit_roles(database.driver, schema, seen.reference.needed_tables, role)
    if unfit:
        raise EspalierError(f"{domain}: {unfit[0]}")
    return seen


def _refuse_empty(seen: Look) -> None:
    if seen.is_empty:
        name = seen.target.domain
        raise EspalierError(
            f"{name}: schema {seen.target.schema} has none of its tables, there is nothing to adopt; set "
            f"ESPALIER_{name.upper()}_SCHEMA to the application's schema, or build one with `espalier migrate`"
        )


def _stamp(settings: Settings, domain: Domain, database: Database) -> Baseline:
    """Look again in the transaction that writes the record: what was compared is what is stamped."""
    seen = _look(settings, domain, database)
    there = seen.decisions[: matching(seen.decisions)]
    revision = adoption.stamp(database.driver, seen, there, settings.jobs_role)
    apply_ours(database.driver, settings)
    wanted = seen.reference.expected([history(domain)[0].id, *(d.revision.id for d in there)])
    left = [str(difference) for difference in seen.differences]
    return Baseline(domain, seen.target.schema, revision, len(wanted) - len(left), left)
