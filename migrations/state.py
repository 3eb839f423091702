"""What a database says about itself: whether our schema is there, where a domain lives, at which revision it is.

Reads only, works with the jobs role's rights, and leaves a transaction of the caller usable.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier

from migrations.connection import OURS, Driver, server_name
from migrations.revisions import after, version_table
from orchestration.errors import EspalierError

_EXTENSION = """
    SELECT n.nspname FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
    WHERE e.extname = 'vector'
"""


@dataclass(frozen=True)
class Record:
    """What `espalier.domains` says about a domain."""

    schema: str
    adopted_at: datetime | None


def current(conn: psycopg.Connection[Any], domain: str) -> str | None:
    """Tell which revision a domain is at; None if it was never migrated here."""
    if not relation_exists(conn, OURS, version_table(domain)):
        return None
    query = SQL("SELECT version_num FROM {}").format(Identifier(OURS, version_table(domain)))
    with conn.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(query).fetchone()
    return str(row[0]) if row else None


def pending(conn: psycopg.Connection[Any], domain: str) -> list[str]:
    """List the revisions of a domain that have not been applied, in order."""
    return after(domain, current(conn, domain))


def is_ours(driver: Driver) -> bool:
    """Whether our schema is set up here.

    Raises:
        EspalierError: there is a schema of that name that is not ours.
    """
    if not driver.execute("SELECT FROM pg_catalog.pg_namespace WHERE nspname = %s", [OURS]).rowcount:
        return False
    if relation_exists(driver, OURS, version_table(OURS)):
        return True
    raise EspalierError(
        f"{server_name(driver)}: a schema espalier is there that is not ours (it has no {version_table(OURS)}); rename "
        "it, or use another database"
    )


def record_of(driver: Driver, domain: str) -> Record | None:
    """Read where a domain lives in this database; None if it does not."""
    if not relation_exists(driver, OURS, "domains"):
        return None
    row = driver.execute("SELECT schema, adopted_at FROM espalier.domains WHERE domain = %s", [domain]).fetchone()
    return Record(row[0], row[1]) if row else None


def extension_schema(driver: Driver) -> str | None:
    """Name the schema of pgvector; None if it is not installed in this database."""
    row = driver.execute(_EXTENSION).fetchone()
    return row[0] if row else None


def relation_exists(driver: Driver, schema: str, name: str) -> bool:
    """Whether a schema has a relation of that name."""
    return bool(
        driver.execute(
            "SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s AND c.relname = %s",
            [schema, name],
        ).rowcount
    )
