"""What must hold before a migration changes anything: read first, refuse with one line, then prepare.

The server's version, the extension, our schema, the schema on record for the domain, the jobs role, neighbours' tables
in the way, objects of ours that went missing.
"""

from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import MetaData, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.dialects.postgresql import ENUM

from migrations import catalog, contracts, records
from migrations.catalog import Snapshot, Thing
from migrations.connection import OURS, Database, Driver, Target, server_name
from migrations.downgrade import count_lost, made_part, refuse_loss
from migrations.metadata import BASELINES, METADATA
from migrations.report import Finding
from migrations.revisions import Plan, applied, version_table
from migrations.state import Record, extension_schema, is_ours, record_of, relation_exists
from orchestration.errors import EspalierError, some_of

OLDEST = 160_000

_AVAILABLE = "SELECT default_version FROM pg_catalog.pg_available_extensions WHERE name = 'vector'"
_NEIGHBOURS = """
    SELECT c.relname::text FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = ANY (%(names)s)
    UNION
    SELECT t.typname::text FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
    WHERE n.nspname = %(schema)s AND t.typname = ANY (%(names)s)
    ORDER BY 1
"""


def look_at_server(driver: Driver, role: str) -> list[Finding]:
    """Refuse a server that is too old, a schema `espalier` that is not ours, a jobs role that is not there."""
    version = driver.info.server_version
    refuse_old_server(version, server_name(driver))
    ours = is_ours(driver)
    refuse_missing_role(driver, role)
    extension = extension_schema(driver)
    return [
        Finding("server", True, f"PostgreSQL {written(version)}, {server_name(driver)}"),
        Finding("vector", True, f"in schema {extension}" if extension else "is to be created"),
        Finding("espalier", True, "schema is there" if ours else "schema is to be created"),
        Finding("jobs role", True, role),
    ]


def look_at_record(driver: Driver, domain: str, schema: str) -> Record | None:
    """Read where the domain lives, and refuse a setting that says otherwise."""
    record = record_of(driver, domain)
    refuse_other_schema(driver, domain, schema, record)
    return record


def find_target(driver: Driver, domain: str, schema: str) -> Target:
    """Tell in which schemas the domain's names are found; pgvector may be still to come."""
    return Target(domain, schema, extension_schema(driver) or "extensions")


def look_upwards(driver: Driver, target: Target, start: str | None, way: Plan) -> None:
    """Refuse to build where a neighbour stands, or on what is gone."""
    if start is None and way.revisions:
        refuse_neighbours(driver, target)
    else:
        refuse_gone(driver, target, start)


def look_downwards(driver: Driver, target: Target, way: Plan, dumps: Path | None) -> None:
    """Refuse to drop what is not as it was created; without `dumps = None`, also to delete rows."""
    refuse_changed(driver, target, way)
    if dumps:
        goal = way.target or "base"
        losing = [made_part(driver, target.domain, revision) for revision in way.revisions]
        refuse_loss(count_lost(driver, losing), dumps, f"{target.domain}: going down to {goal}")


def refuse_old_server(version: int, server: str) -> None:
    """Refuse a server older than PostgreSQL 16; the version is a number like 160014."""
    if version < OLDEST:
        raise EspalierError(
            f"{server}: found PostgreSQL {written(version)}, needed is 16 or later; upgrade the server or name another "
            "one in DIRECT_DATABASE_URL"
        )


def written(version: int) -> str:
    """Write a server's version as people do: 160014 is 16.14."""
    return f"{version // 10_000}.{version % 10_000}"


def refuse_other_schema(driver: Driver, domain: str, schema: str, record: Record | None) -> None:
    """Refuse a setting that contradicts the record of this domain, or takes the schema of another one."""
    if record and record.schema != schema:
        raise EspalierError(
            f"{domain}: lives in schema {record.schema} of {server_name(driver)}, the settings say {schema}; set "
            f"ESPALIER_{domain.upper()}_SCHEMA={record.schema}"
        )
    if record or not relation_exists(driver, OURS, "domains"):
        return
    row = driver.execute("SELECT domain FROM espalier.domains WHERE schema = %s", [schema]).fetchone()
    if row:
        raise EspalierError(
            f"{domain}: schema {schema} holds the domain {row[0]} already; name another one in "
            f"ESPALIER_{domain.upper()}_SCHEMA"
        )


def refuse_missing_role(driver: Driver, role: str) -> None:
    """Refuse a jobs role that does not exist: grants would have no one to go to."""
    if not driver.execute("SELECT FROM pg_catalog.pg_roles WHERE rolname = %s", [role]).rowcount:
        raise EspalierError(
            f"{server_name(driver)}: no role {role}; create it, or set ESPALIER_JOBS_ROLE to the role in DATABASE_URL"
        )


def refuse_neighbours(driver: Driver, target: Target) -> None:
    """Refuse to build a domain where tables or types of its names stand already."""
    names = [*_relation_names(METADATA[target.domain]), *enum_labels(target.domain)]
    rows = driver.execute(_NEIGHBOURS, {"schema": target.schema, "names": names}).fetchall()
    if rows:
        found = some_of([row[0] for row in rows], 8)
        raise EspalierError(
            f"{target.domain}: schema {target.schema} of {server_name(driver)} has {found} already; nothing was "
            f"changed; set ESPALIER_{target.domain.upper()}_SCHEMA to an empty schema, or "
            "adopt what is there: `espalier inspect`"
        )


def _relation_names(metadata: MetaData) -> Iterator[str]:
    for table in metadata.tables.values():
        yield table.name
        yield from (str(index.name) for index in table.indexes)
        yield from (
            str(key.name) for key in table.constraints if isinstance(key, PrimaryKeyConstraint | UniqueConstraint)
        )


def refuse_gone(driver: Driver, target: Target, current: str | None) -> None:
    """Refuse to go on when tables that revisions build upon are gone: a namesake elsewhere would be altered instead."""
    if current is None:
        return
    recorded = records.expected(driver, target.domain, applied(target.domain, current))
    adopted = records.adopted(driver, target.domain)
    stamped = records.floor(driver, target.domain)
    baseline = None if stamped else BASELINES.get(target.domain)
    ours = {thing.name for thing in (*recorded, *adopted) if thing.kind == "table"}
    needed = ours | set(baseline.tables if baseline else ())
    found = {thing.name for thing in contracts.seen(driver, target.domain, target.schema) if thing.kind == "table"}
    if needed - found:
        raise EspalierError(
            f"{target.domain}: schema {target.schema} has no table {', '.join(sorted(needed - found))} although "
            f"revision {current} is applied; restore what was dropped"
        )


def refuse_changed(driver: Driver, target: Target, plan: Plan) -> None:
    """Refuse to go down over objects that are no longer as they were created, before the first step."""
    found = contracts.seen(driver, target.domain, target.schema)
    for revision in plan.revisions:
        if Thing("revision", revision.id) not in records.made_by(driver, target.domain, revision.id):
            records.refuse_unlike_record(revision.id, {}, found)
    recorded = records.expected(driver, target.domain, [r.id for r in plan.revisions])
    records.refuse_unlike_record(target.domain, recorded, found)
    _refuse_dependants(driver, target, found, {thing.name for thing in recorded if thing.kind == "table"})


def _refuse_dependants(driver: Driver, target: Target, found: Snapshot, tables: set[str]) -> None:
    """Refuse to drop tables on which a neighbour's objects hang, or to which they refer."""
    known = records.of_domain(driver, target.domain)
    theirs = [str(thing) for thing in found if thing.table in tables and thing not in known]
    theirs += catalog.dependants(driver, target.schema, tables)
    if theirs:
        raise EspalierError(
            f"{target.domain}: going down would also have to drop {', '.join(sorted(theirs)[:5])}, which Espalier did "
            "not create; nothing was changed; drop it yourself if it may go"
        )


def enum_labels(domain: str) -> dict[str, list[str]]:
    """List the enums that a domain's columns use, with their labels."""
    columns = (column for table in METADATA[domain].tables.values() for column in table.columns)
    types = (column.type for column in columns)
    return {str(found.name): list(found.enums) for found in types if isinstance(found, ENUM)}


def ensure_extension(driver: Driver) -> str:
    """Find pgvector, or create it in the schema `extensions`; gives its schema.

    Raises:
        EspalierError: it is not there and cannot be created.
    """
    found = extension_schema(driver)
    if found:
        return found
    available = driver.execute(_AVAILABLE).fetchone()
    if not available:
        raise EspalierError(
            f"{server_name(driver)}: the extension vector is not installed on this server; install pgvector there, or "
            "name another server in DIRECT_DATABASE_URL"
        )
    try:
        with driver.transaction():
            driver.execute("CREATE SCHEMA IF NOT EXISTS extensions")
            driver.execute("CREATE EXTENSION vector SCHEMA extensions")
    except psycopg.errors.InsufficientPrivilege:
        raise EspalierError(
            f"{server_name(driver)}: pgvector {available[0]} is on the server, not in this database, and role "
            f"{driver.info.user} may not create it; let a superuser run: CREATE SCHEMA IF NOT EXISTS extensions; "
            "CREATE EXTENSION vector SCHEMA extensions"
        ) from None
    return "extensions"


def ensure_ours(database: Database) -> None:
    """Make our schema together with its version table, which is the sign that it is ours."""
    with database.driver.transaction():
        if is_ours(database.driver):
            return
        database.driver.execute("CREATE SCHEMA espalier")
        make_version_table(database.driver, OURS)


def make_version_table(driver: Driver, domain: str) -> None:
    """Make the table that holds a domain's revision, as Alembic would."""
    driver.execute(
        SQL(
            "CREATE TABLE espalier.{} (version_num varchar(32) NOT NULL, CONSTRAINT {} PRIMARY KEY (version_num))"
        ).format(Identifier(version_table(domain)), Identifier(f"{version_table(domain)}_pkc"))
    )
