"""Goes back to where a domain stood before the last migrate, as `espalier.migration_runs` has it."""

from migrations.connection import connect
from migrations.locks import PATIENCE_SECONDS
from migrations.preflight import look_at_record
from migrations.report import MigrationReport
from migrations.revisions import tenants_of
from migrations.runner import Watcher, explained, migrate
from migrations.state import current, relation_exists
from migrations.tenancy import is_on, without
from orchestration.errors import EspalierError
from orchestration.settings import Domain, Settings

_LAST = """
    SELECT report ->> 'from_revision', up.own FROM espalier.migration_runs CROSS JOIN LATERAL (
        SELECT bool_or(step ->> 'domain' = domain) AS own FROM jsonb_array_elements(report -> 'steps') AS step
        WHERE step ->> 'direction' = 'up' AND (step ->> 'domain' = domain OR %(isolated)s = step ->> 'domain')
    ) AS up
    WHERE domain = %(domain)s AND report ->> 'to_revision' = %(at)s AND up.own IS NOT NULL
    ORDER BY id DESC LIMIT 1
"""


def rollback(
    settings: Settings,
    domain: Domain,
    to: str | None = None,
    *,
    yes_delete_data: bool = False,
    on_step: Watcher | None = None,
    patience: float = PATIENCE_SECONDS,
) -> MigrationReport:
    """Take a domain down: to a revision, or to before the migrate that brought it to where it is.

    Raises:
        EspalierError: no such migrate is on record, the revision is not below, or something stands in the way.
    """
    goal = to or before_last_migrate(settings, domain)
    if goal is None:
        settings, goal = without(settings), "head"
    return migrate(settings, domain, goal, yes_delete_data=yes_delete_data, on_step=on_step, patience=patience)


def before_last_migrate(settings: Settings, domain: Domain) -> str | None:
    """Name the revision that the last migrate of a domain started from; None if it isolated the tenants and no more.

    Raises:
        EspalierError: none is on record that led to where the domain is.
    """
    with explained(domain), connect(settings.url("migrator")) as database, database.driver.transaction():
        driver = database.driver
        if not relation_exists(driver, "espalier", "migration_runs"):
            raise EspalierError(f"{domain}: was never migrated here, there is nothing to take back")
        look_at_record(driver, domain, settings.schema_of(domain))
        at = current(driver, domain)
        isolated = tenants_of(domain) if is_on(driver, domain) else None
        row = driver.execute(_LAST, {"domain": domain, "at": at, "isolated": isolated}).fetchone()
    if row is None:
        raise EspalierError(
            f"{domain}: no migrate is on record that led to {at or 'base'}; name the revision to go back to with --to"
        )
    return row[0] or "base" if row[1] else None
