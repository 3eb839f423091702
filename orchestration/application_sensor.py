"""The application migrations sensor: notices that the application has migrated its schema, and looks at ours again.

Prisma and Drizzle keep a row for each migration in a table of their own. At a new row each domain's schema is compared
with what we have on record; what differs is told to the webhook, and the schema's assets are run, so that it is red in
the UI before the night.
"""

import json
from collections.abc import Mapping
from typing import Any, LiteralString

import dagster as dg
from psycopg.sql import SQL, Identifier

from assets.table_asset import schema_key
from migrations import verify
from migrations.connection import Driver, connect
from orchestration.sensors import told
from orchestration.settings import Domain, Settings, load_settings

_TABLES: LiteralString = """
    SELECT n.nspname::text, c.relname::text, has_table_privilege(c.oid, 'SELECT')
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE (c.relname = '_prisma_migrations' AND n.nspname = ANY (%s))
       OR (c.relname = '__drizzle_migrations' AND n.nspname IN ('drizzle', 'public'))
    ORDER BY 1, 2
"""
# Prisma writes its row before a migration runs, and the time when it has succeeded.
_DONE: Mapping[str, LiteralString] = {
    "_prisma_migrations": "SELECT count(*) || '/' || coalesce(max(finished_at)::text, '') FROM {}"
    " WHERE finished_at IS NOT NULL",
    "__drizzle_migrations": "SELECT count(*) || '/' || coalesce(max(created_at)::text, '') FROM {}",
}
_CHECKED = ("required_objects_present_and_equal", "required_indexes_valid")


@dg.sensor(
    job_name="nightly_platform",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
    description="Compares the schemas with our record when Prisma or Drizzle has migrated, and tells what differs.",
)
def application_migrations_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason | dg.SensorResult:
    """Compare what the application's tools have done with what they had done at the last tick."""
    settings = load_settings()
    done, closed = migrations_done(settings)
    if closed:
        context.log.warning(f"role {settings.jobs_role} may not read {', '.join(closed)}; grant it SELECT")
    known, now = context.cursor, json.dumps(done, sort_keys=True)
    if known is None or known == now:
        context.update_cursor(now)
        return dg.SkipReason(f"{len(done)} tables of migrations, none has a new row")
    differing = {domain: found for domain in settings.domains if (found := differences(settings, domain))}
    if not differing or _tell(context, settings, message(differing)):
        context.update_cursor(now)
    keys = [schema_key(domain) for domain in settings.domains]
    # Asked for again while the webhook is away; Dagster starts one run for a key.
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=now, asset_selection=keys)])


def migrations_done(settings: Settings) -> tuple[dict[str, str], list[str]]:
    """Read how many migrations each tool has done and when the last; and which tables we may not read."""
    with connect(settings.url("jobs")) as database, database.driver.transaction():
        schemas = ["public", *(settings.schema_of(domain) for domain in settings.domains)]
        tables = database.driver.execute(_TABLES, [schemas]).fetchall()
        marks = {f"{s}.{t}": _mark(database.driver, s, t) for s, t, readable in tables if readable}
    return marks, [f"{schema}.{table}" for schema, table, readable in tables if not readable]


def _mark(driver: Driver, schema: str, table: str) -> str:
    row = driver.execute(SQL(_DONE[table]).format(Identifier(schema, table))).fetchone()
    return str(row and row[0])


def differences(settings: Settings, domain: Domain) -> list[str]:
    """Name what of a domain's schema is no longer as our record has it."""
    found = verify.inspect_domain(settings, domain)
    return [item for check in _CHECKED for item in found[check]]


def _tell(context: dg.SensorEvaluationContext, settings: Settings, body: dict[str, Any]) -> bool:
    context.log.error(body["text"])
    return told(context, settings, body)


def message(differing: Mapping[str, list[str]]) -> dict[str, Any]:
    """Say what differs, and how the application's tool is told of it."""
    said = "; ".join(f"{domain}: {', '.join(found[:10])}" for domain, found in differing.items())
    text = f"the application migrated its schema, and now differs: {said}; see `espalier coexist` and `espalier verify`"
    return {"text": text, "differences": dict(differing), "reason": "application migrations"}
