"""The migrator's one connection to Postgres, and where a domain's names are looked for on it.

Alembic drives it through SQLAlchemy; our own statements go through the driver of the same connection, so that a step,
its guards and its records are one transaction. Which server is acceptable is decided in `preflight.py`.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.pq import TransactionStatus
from psycopg.sql import SQL, Identifier
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from orchestration.errors import EspalierError
from orchestration.settings import sqlalchemy_url

Driver = psycopg.Connection[Any]

OURS = "espalier"


@dataclass(frozen=True)
class Database:
    """One connection, seen through SQLAlchemy and through its driver."""

    alchemy: sa.Connection
    driver: Driver


@dataclass(frozen=True)
class Target:
    """A domain and the schemas in which its names are found."""

    domain: str
    schema: str
    extensions: str
    jobs: str = "espalier_jobs"

    @property
    def search_path(self) -> str:
        """The domain's schema, that of the extensions, and temporary tables last."""
        names = dict.fromkeys([self.schema, self.extensions, "pg_temp"])
        return SQL(", ").join(Identifier(name) for name in names).as_string()


@contextmanager
def connect(url: str) -> Generator[Database]:
    """Open the connection that a whole migration runs on; a server that is not there is one line, not a traceback.

    Raises:
        EspalierError: the server cannot be reached or refuses; the line never holds the password.
    """
    engine = sa.create_engine(
        sqlalchemy_url(url),
        poolclass=NullPool,
        connect_args={"prepare_threshold": None, "connect_timeout": 10, "application_name": "espalier migrate"},
    )
    try:
        alchemy = engine.connect()
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[-1]
        raise EspalierError(
            f"cannot connect to Postgres: {reason}; check DIRECT_DATABASE_URL or DATABASE_URL, or start ours with "
            "`espalier up`"
        ) from None
    with alchemy:
        driver = driver_of(alchemy)
        with driver.transaction():
            driver.execute("SELECT set_config('TimeZone', 'UTC', false), set_config('row_security', 'off', false)")
        yield Database(alchemy, driver)


def driver_of(alchemy: sa.Connection) -> Driver:
    """Give the psycopg connection below a SQLAlchemy one."""
    driver = alchemy.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError(f"expected a connection of psycopg 3, found {type(driver).__name__}")
    return driver  # pyright: ignore[reportUnknownVariableType] # isinstance() cannot name the type of the rows


def look_into(database: Database, target: Target) -> None:
    """Make unqualified names mean the domain's own, for SQL and for SQLAlchemy's reflection.

    The setting must outlive the transaction of a step that is tried again, so it has one of its own.
    """
    if database.driver.info.transaction_status is not TransactionStatus.IDLE:
        raise RuntimeError("a transaction is open: the search path would be lost with it")
    with database.driver.transaction():
        database.driver.execute("SELECT set_config('search_path', %s, false)", [target.search_path])
    database.alchemy.dialect.default_schema_name = target.schema


def server_name(driver: Driver) -> str:
    """Name the server and database for a message, without a password."""
    info = driver.info
    return f"{info.dbname} on {info.host}:{info.port}"
