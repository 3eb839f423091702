"""Loads the demo data into the domains' schemas by COPY, as the role that owns them; each domain in one transaction.

It loads into empty tables only, and nothing when the same data is there. Triggers and constraints stay on. What the
rows are is decided by the generators beside this module.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import date

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL, Identifier

import sql
from orchestration.demo import community, rag
from orchestration.demo.plan import LAST_DAY, SCALES, Plan, Scale, plan
from orchestration.demo.table import Block, Table
from orchestration.errors import EspalierError
from orchestration.settings import Domain, Settings

Progress = Callable[[str, int], None]
Connection = psycopg.Connection[DictRow]

# The revision at which a domain's demo data is loaded: before the trigger that copies points into the XP ledger, so
# that the backfill has something to do. Migrate on to the head afterwards. A domain that is not named has no demo data.
LOAD_AT: Mapping[Domain, str] = {"community": "community_0016", "rag": "head"}

_QUERIES = sql.load("platform", "demo")
_SESSIONS = sql.load("platform", "sessions")
_TABLES: Mapping[Domain, Callable[[Plan], tuple[Table, ...]]] = {"community": community.tables, "rag": rag.tables}


def generate_and_load(
    settings: Settings, scale: Scale, progress: Progress | None = None, *, last_day: date = LAST_DAY
) -> dict[str, int]:
    """Load the demo data of a scale into the enabled domains that do not have it yet.

    Args:
        settings: name the database (its migrator role), the domains and their schemas.
        scale: `small`, `medium` or `large`: 1 000, 20 000 or 200 000 users a domain.
        progress: called with a table (`community.users`) and the number of its rows that are in.
        last_day: the last day that has data; equal days give equal rows.

    Returns:
        The rows loaded by table; nothing of a domain whose demo data is there already.

    Raises:
        EspalierError: a table is absent, or holds rows that are not this demo's.
    """
    chosen = plan(scale, last_day)
    loaded: dict[str, int] = {}
    for domain in filter(_TABLES.__contains__, settings.domains):
        loaded |= _load_domain(settings, domain, chosen, progress or _no_progress)
    return loaded


def loaded_scale(settings: Settings, domain: Domain) -> Scale | None:
    """Tell which demo data a domain holds, if any (also before its first migration)."""
    with _transaction(settings, domain) as connection:
        if not _columns(connection, settings.schema_of(domain), "users"):
            return None
        hosts = _demo_hosts(connection)
    return next((scale for scale in SCALES if plan(scale).mail_host in hosts), None)


def _no_progress(_table: str, _rows: int) -> None:
    """Report nothing."""


def _load_domain(settings: Settings, domain: Domain, chosen: Plan, progress: Progress) -> dict[str, int]:
    with _transaction(settings, domain) as connection:
        connection.execute(_QUERIES["lock"].text)
        if _is_there(connection, settings, domain, chosen):
            return {}
        tables = _TABLES[domain](chosen)
        _refuse_rows(connection, settings, domain, tables)
        for table in tables:
            _copy(connection, settings.schema_of(domain), table, _report(progress, f"{domain}.{table.name}"))
        return {f"{domain}.{table.name}": table.rows for table in tables}


@contextmanager
def _transaction(settings: Settings, domain: Domain) -> Generator[Connection]:
    """Connect as the owner of the domain's schema; unqualified names mean its tables."""
    try:
        connection = Connection.connect(settings.url("migrator"), row_factory=dict_row)
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        raise EspalierError(f"demo: cannot connect to Postgres: {reason}; see `espalier status`") from None
    with connection:
        path = Identifier(settings.schema_of(domain)).as_string(connection) + ", pg_temp"
        connection.execute(_SESSIONS["set_path"].text, {"path": path, "row_security": "off"})
        yield connection


def _columns(connection: Connection, schema: str, table: str) -> set[str]:
    found = connection.execute(_QUERIES["find_columns"].text, {"schema": schema, "table": table})
    return {row["name"] for row in found}


def _demo_hosts(connection: Connection) -> set[str]:
    query = _QUERIES["find_hosts"].text.format(table=Identifier("users"))
    return {row["host"] for row in connection.execute(query, {"pattern": "%.demo.example"})}


def _is_there(connection: Connection, settings: Settings, domain: Domain, chosen: Plan) -> bool:
    """Tell whether this demo is loaded; refuse beside another one."""
    schema = settings.schema_of(domain)
    if not _columns(connection, schema, "users"):
        raise EspalierError(f"demo: schema {schema} has no table users; run `espalier migrate --domain {domain}`")
    hosts = _demo_hosts(connection)
    if hosts - {chosen.mail_host}:
        other = min(hosts - {chosen.mail_host}).split(".")[0]
        raise EspalierError(
            f"demo: schema {schema} holds the demo data of scale {other}, asked was {chosen.label}; take "
            f"--scale {other}, or another ESPALIER_HOME than {settings.home} for a second demo"
        )
    return bool(hosts)


def _refuse_rows(connection: Connection, settings: Settings, domain: Domain, tables: tuple[Table, ...]) -> None:
    for table in tables:
        query = _QUERIES["find_row"].text.format(table=Identifier(table.name))
        found = connection.execute(query).fetchone()
        if found and found["found"]:
            raise EspalierError(
                f"demo: table {table.name} of schema {settings.schema_of(domain)} holds rows that are not the demo's; "
                f"they stay as they are, load the demo with another ESPALIER_HOME than {settings.home}"
            )


def _report(progress: Progress, name: str) -> Callable[[int], None]:
    return lambda rows: progress(name, rows)


def _copy(connection: Connection, schema: str, table: Table, report: Callable[[int], None]) -> None:
    """Copy a table's rows, and gather its statistics: the jobs that follow plan with them."""
    present = _columns(connection, schema, table.name)
    columns = [name for name in table.columns() if name in present or name not in table.newer]
    done = 0
    report(done)
    for block in table.blocks():
        _copy_block(connection, table.name, {name: block[name] for name in columns})
        done += len(block[columns[0]])
        report(done)
    connection.execute(SQL("ANALYZE {}").format(Identifier(table.name)))


def _copy_block(connection: Connection, table: str, block: Block) -> None:
    """Copy one block: its foreign keys are checked at its end, so that the server does not pile them up."""
    names = SQL(", ").join(Identifier(name) for name in block)
    statement = SQL("COPY {} ({}) FROM STDIN").format(Identifier(table), names)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in zip(*block.values(), strict=True):
            copy.write_row(row)
