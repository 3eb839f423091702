"""Whether a domain's tenants are isolated by row security, and what a run of `migrate` is to do about it.

The isolation is a history of its own (`versions/<domain>_tenants`), taken up after the domain's and down before it: on
sites that we built unless a setting says otherwise, on adopted ones when it says so. `docs/tenants.md` has the rest.
"""

from psycopg.sql import SQL, Identifier

from migrations import records
from migrations.catalog import Snapshot
from migrations.connection import OURS, Driver, Target
from migrations.preflight import make_version_table
from migrations.report import Finding
from migrations.revisions import Plan, applied, head, plan, tenants_of, version_table
from migrations.state import current, relation_exists
from orchestration.errors import EspalierError
from orchestration.settings import Settings

_STRANGERS = """
    SELECT c.relname::text FROM pg_catalog.pg_policy AS p JOIN pg_catalog.pg_class AS c ON c.oid = p.polrelid
    WHERE c.relnamespace = to_regnamespace(quote_ident(%s)) AND p.polname = 'espalier_every_organization'
      AND NOT EXISTS (SELECT FROM unnest(p.polroles) AS o (role) WHERE pg_catalog.pg_has_role(o.role, 'USAGE'))
    ORDER BY 1
"""
_OWNED = """
    SELECT c.relname::text FROM pg_catalog.pg_class AS c
    WHERE c.relnamespace = to_regnamespace(quote_ident(%s)) AND c.relkind IN ('r', 'p')
      AND (pg_catalog.pg_has_role(%s, c.relowner, 'MEMBER') OR current_user = %s) ORDER BY 1
"""
ON = "on: the application connects as a role that owns nothing and enters its organization in each transaction"


def is_on(driver: Driver, domain: str) -> bool:
    """Whether tables of a domain are isolated, all of them or as many as an interrupted run has reached."""
    history = tenants_of(domain)
    return history is not None and current(driver, history) is not None


def way_of(driver: Driver, settings: Settings, domain: str, main: Plan, to: str, *, adopted: bool) -> Plan | None:
    """Plan what a run does with the isolation, beside the domain's own steps; None where there is nothing to decide."""
    history = tenants_of(domain)
    if history is None:
        return None
    at = current(driver, history)
    if main.direction == "down" or to == "base":
        return plan(history, at, "base")
    if main.target != head(domain):
        return None
    asked = settings.lms.tenant_isolation
    wanted = (at is not None or not adopted) if asked is None else asked
    return plan(history, at, "head" if wanted else "base")


def offline_way(
    settings: Settings, domain: str, origin: str | None, goal: str
) -> tuple[str | None, str | None, str] | None:
    """Tell which steps of the isolation belong to a printed script: from, to, and the direction."""
    history, asked = tenants_of(domain), settings.lms.tenant_isolation
    if history is None or asked is False:
        return None
    if goal == "base":
        return head(history), None, "down"
    return (None, head(history), "up") if goal == "head" and (asked or origin is None) else None


def without(settings: Settings) -> Settings:
    """Give the settings of a site that leaves its tenants to the application."""
    return settings.model_copy(update={"lms": settings.lms.model_copy(update={"tenant_isolation": False})})


def refuse_unfit_jobs(driver: Driver, schema: str, role: str, way: Plan | None) -> None:
    """Refuse to isolate tables which the jobs' role owns, as its policy would then show the owner every row.

    Raises:
        EspalierError: it does, or the migration runs as it.
    """
    if not way or way.direction == "down" or not way.revisions:
        return
    owned = driver.execute(_OWNED, [schema, role, role]).fetchall()
    if owned:
        raise EspalierError(
            f"tenant isolation: the jobs' role {role} is the migration's, or owns {owned[0][0]}; name another one "
            "in ESPALIER_JOBS_ROLE, or set ESPALIER_LMS__TENANT_ISOLATION=false"
        )


def begin(driver: Driver, domain: str, role: str, way: Plan | None) -> None:
    """Let the jobs read how far the isolation has come, also where a run does not get to its end."""
    history = tenants_of(domain)
    if not history or not way or way.direction == "down" or not way.revisions:
        return
    if not relation_exists(driver, OURS, version_table(history)):
        make_version_table(driver, history)
        grant = SQL("GRANT SELECT ON espalier.{} TO {}")
        driver.execute(grant.format(Identifier(version_table(history)), Identifier(role)))


def see_every_organization(driver: Driver, domain: str, schema: str) -> None:
    """Let the transaction at hand see the rows of all tenants: what a filtered read proves is false.

    Raises:
        EspalierError: the isolation was set up by another role, so that rows would stay hidden.
    """
    if not is_on(driver, domain):
        return
    hidden = driver.execute(_STRANGERS, [schema]).fetchall()
    if hidden:
        raise EspalierError(
            f"{domain}: the rows of {hidden[0][0]} are shown to the role that isolated them, not to "
            f"{driver.info.user}; name that role in DIRECT_DATABASE_URL"
        )
    driver.execute("SELECT set_config('row_security', 'on', true), espalier.enter_every_organization()")


def on_record(driver: Driver, domain: str) -> Snapshot:
    """Read what must be found of a domain and of its isolation, as far as each has come."""
    histories = [name for name in (domain, tenants_of(domain)) if name]
    found: Snapshot = {}
    for history in histories:
        found |= records.expected(driver, history, applied(history, current(driver, history)))
    return found


def told(driver: Driver, domain: str) -> list[Finding]:
    """Say in a run's report what an isolated domain asks of the application."""
    return [Finding("tenant isolation", True, ON)] if is_on(driver, domain) else []


def target_of(target: Target, jobs: str) -> Target:
    """Name the history of a domain's isolation as the target of steps."""
    return Target(f"{target.domain}_tenants", target.schema, target.extensions, jobs)
