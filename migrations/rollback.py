"""Goes back to where a domain stood before the last migrate, as `espalier.migration_runs` has it."""

from migrations.connection import connect
from migrations.locks import PATIENCE_SECONDS
from migrations.preflight import look_at_record
from migrations.report import MigrationReport
from migrations.runner import Watcher, explained, migrate
from migrations.state import current, relation_exists
from orchestration.errors import EspalierError
from orchestration.settings import Domain, Settings

_LAST = """
    SELECT report ->> 'from_revision' FROM espalier.migration_runs
    WHERE domain = %s AND report ->> 'to_revision' = %s
      AND EXISTS (
          SELECT FROM jsonb_array_elements(report -> 'steps') AS step
          WHERE step ->> 'domain' = domain AND step ->> 'direction' = 'up'
      )
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
    return migrate(settings, domain, goal, yes_delete_data=yes_delete_data, on_step=on_step, patience=patience)


def before_last_migrate(settings: Settings, domain: Domain) -> str:
    """Name the revision that the last migrate of a domain started from.

    Raises:
        EspalierError: none is on record that led to where the domain is.
    """
    with explained(domain), connect(settings.url("migrator")) as database, database.driver.transaction():
        driver = database.driver
        if not relation_exists(driver, "espalier", "migration_runs"):
            raise EspalierError(f"{domain}: was never migrated here, there is nothing to take back")
        look_at_record(driver, domain, settings.schema_of(domain))
        at = current(driver, domain)
        row = driver.execute(_LAST, [domain, at]).fetchone()
    if row is None:
        raise EspalierError(
            f"{domain}: no migrate is on record that led to {at or 'base'}; name the revision to go back to with --to"
        )
    return row[0] or "base"
