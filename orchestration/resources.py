"""The Postgres resource: how an asset reaches a domain's tables, and what is verified before it does.

Statements are in `sql/`; what an asset computes is in `assets/`. Nothing here holds a session setting beyond one
transaction, so reads and writes work through PgBouncer in transaction mode.
"""

from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import dagster as dg
import psycopg
from psycopg import IsolationLevel
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL, Identifier
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

import sql
from orchestration.errors import EspalierError
from orchestration.patience import Patience, cut_after, hang_up
from orchestration.settings import Domain, Settings, load_settings

_SESSIONS = sql.load("platform", "sessions")
_T = TypeVar("_T")
# Marks a failure as a refusal for a user's mistake: the command line leaves with 2 instead of 1.
REFUSED = "espalier/refused"

# A serialization failure, a deadlock, a lock that could not be had, a row that went away below a foreign key or came
# in front of a unique index after the snapshot: worth another try in place. A lost connection is left to the retry
# policy of the asset; anything else is not repeated.
RETRIED = (
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.ForeignKeyViolation,
    psycopg.errors.UniqueViolation,
)

# A server that is gone without a word is noticed within half a minute, not after the kernel's two hours.
_PATIENCE: Mapping[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}
# A peer that is there and silent: the kernel never gives it up. What is verified takes milliseconds.
_PATIENCE_S = Patience().silence

Connection = psycopg.Connection[DictRow]


class Transaction:
    """Named queries inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def execute(self, query: sql.Query, params: Mapping[str, Any] | None = None) -> psycopg.Cursor[DictRow]:
        """Run a named query with bound parameters and give its cursor (rows are dicts)."""
        return self.connection.execute(query.text, params or {})

    def all(self, query: sql.Query, params: Mapping[str, Any] | None = None) -> list[DictRow]:
        """Run a named query and give all its rows."""
        return self.execute(query, params).fetchall()

    def one(self, query: sql.Query, params: Mapping[str, Any] | None = None) -> DictRow:
        """Run a named query that gives exactly one row, such as a row of counts."""
        rows = self.all(query, params)
        if len(rows) != 1:
            raise LookupError(f"query {query.name} gave {len(rows)} rows where one was expected")
        return rows[0]

    def lock(self, name: str) -> None:
        """Take the lock of an asset or partition until the transaction ends.

        Raises:
            dagster.Failure: another run holds it; that run does the work, this one ends without a retry.
        """
        if not self.one(_SESSIONS["lock"], {"name": name})["held"]:
            raise dg.Failure(
                description=f"{name}: another run is writing it; wait for that run, nothing was changed by this one",
                allow_retries=False,
            )

    def fix_zone(self, asset_key: str, zone: str) -> None:
        """Hold a partitioned asset to the zone of its first materialization.

        Raises:
            dagster.Failure: the setting names another zone; its partition keys would mean other days.
        """
        fixed = self.one(_SESSIONS["fix_zone"], {"asset_key": asset_key, "zone": zone})["zone"]
        if fixed != zone:
            raise dg.Failure(
                description=f"{asset_key}: its partitions are days of {fixed}, the settings say {zone}; set it back",
                allow_retries=False,
            )


@dataclass(frozen=True)
class Session:
    """A connection that sees one domain. Every transaction sets its own path and time zone."""

    connection: Connection
    path: str
    row_security: str = field(default="off", kw_only=True)

    @property
    def server_version(self) -> int:
        """The server's version as a number: 180004 is 18.4."""
        return self.connection.info.server_version

    @contextmanager
    def transaction(self, *, repeatable_read: bool = False) -> Generator[Transaction]:
        """Open a transaction; with `repeatable_read` all its statements see one snapshot."""
        self.connection.set_isolation_level(IsolationLevel.REPEATABLE_READ if repeatable_read else None)
        with self.connection.transaction():
            transaction = Transaction(self.connection)
            transaction.execute(_SESSIONS["set_path"], {"path": self.path, "row_security": self.row_security})
            yield transaction

    def run(self, work: Callable[[Transaction], _T], *, repeatable_read: bool = False) -> _T:
        """Do `work` in a transaction, again when it collides with other writers (at most 5 times, with jitter)."""
        for attempt in Retrying(
            retry=retry_if_exception_type(RETRIED),
            stop=stop_after_attempt(5),
            wait=wait_random_exponential(multiplier=0.1, max=2),
            reraise=True,
        ):
            with attempt, self.transaction(repeatable_read=repeatable_read) as transaction:
                return work(transaction)
        raise AssertionError("Retrying either returns or raises")


class Postgres:
    """Gives assets their sessions. Connects when asked, never before, as the jobs role."""

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings

    @property
    def settings(self) -> Settings:
        """The settings given, else those of the environment at this moment."""
        return self._settings or load_settings()

    @contextmanager
    def session(self, domain: Domain, *, needs: str, tables: Collection[str]) -> Generator[Session]:
        """Connect and verify what an asset needs: the domain's schema, its revision, its tables.

        Args:
            domain: whose tables are meant by unqualified names.
            needs: the revision that must have been applied.
            tables: every table that is read or written; each must stand in the domain's own schema.

        Raises:
            dagster.Failure: something is missing; one line with the command to run, and no retry.
        """
        with ExitStack() as stack:
            try:
                connection = stack.enter_context(connect(self.settings.url("jobs")))
                schema = self.settings.schema_of(domain)
                with cut_after(_PATIENCE_S, partial(hang_up, connection)):
                    verify_site(connection, domain, schema)
                    verify_revision(connection, domain, needs)
                    verify_tables(connection, schema, tables)
                    path = search_path(connection, schema)
                    row_security = "on" if sees_through_policies(connection, schema, tables) else "off"
            except EspalierError as error:
                raise dg.Failure(str(error), metadata={REFUSED: True}, allow_retries=False) from error
            yield Session(connection, path, row_security=row_security)


@contextmanager
def connect(url: str) -> Generator[Connection]:
    """Open a connection in autocommit mode whose rows are dicts, without server-side prepared statements.

    Raises:
        EspalierError: the server cannot be reached or refuses; the line never holds the password.
    """
    try:
        connection = Connection.connect(url, autocommit=True, prepare_threshold=None, row_factory=dict_row, **_PATIENCE)
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        raise EspalierError(
            f"cannot connect to Postgres: {reason}; check DATABASE_URL or start ours with `espalier up`"
        ) from None
    with connection:
        yield connection


def search_path(connection: Connection, schema: str) -> str:
    """Quote the search path of a domain: its schema, the extensions' schema, and temporary tables last."""
    found = connection.execute(_SESSIONS["find_extension_schema"].text, {}).fetchone()
    names = [schema, found["schema"] if found else "extensions", "pg_temp"]
    return SQL(", ").join(Identifier(n) for n in dict.fromkeys(names)).as_string(connection)


def verify_site(connection: Connection, domain: Domain, schema: str) -> None:
    """Refuse a domain that was never migrated here, or that lives in another schema than the setting says."""
    try:
        row = connection.execute(_SESSIONS["find_site"].text, {"domain": domain}).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
        row = None
    if row is None:
        raise EspalierError(f"{domain}: not set up in this database; run `espalier migrate --domain {domain}`")
    if row["schema"] != schema:
        raise EspalierError(
            f"{domain}: lives in schema {row['schema']} of this database, the settings say {schema}; "
            f"set ESPALIER_{domain.upper()}_SCHEMA={row['schema']}"
        )


def verify_revision(connection: Connection, domain: Domain, needs: str) -> None:
    """Refuse to run before the revision that an asset needs; revisions of a domain are ordered by number."""
    table = Identifier("espalier", f"alembic_version_{domain}")
    row = connection.execute(SQL("SELECT version_num FROM {}").format(table)).fetchone()
    found = row["version_num"] if row else "nothing"
    if row is None or found < needs:
        raise EspalierError(
            f"{domain}: needs revision {needs}, found {found}; run `espalier migrate --domain {domain}`"
        )


def sees_through_policies(connection: Connection, schema: str, tables: Collection[str]) -> bool:
    """Whether tables are under row security and policies show this role every row of them; else they are not.

    Raises:
        EspalierError: rows of a table are hidden; what is derived from the rest would be wrong.
    """
    asked = {"schema": schema, "tables": list(tables)}
    found = connection.execute(_SESSIONS["find_policed_tables"].text, asked).fetchall()
    hidden = [row["name"] for row in found if not row["shown"]]
    if hidden:
        raise EspalierError(
            f"schema {schema}: row security hides rows of {', '.join(hidden)} from role {connection.info.user}; run "
            "`espalier migrate`, or give the role a policy FOR ALL USING (true)"
        )
    return bool(found)


def verify_tables(connection: Connection, schema: str, tables: Collection[str]) -> None:
    """Refuse when a table is not in the domain's schema: its namesake elsewhere must not be read instead."""
    absent = connection.execute(
        _SESSIONS["find_absent_tables"].text, {"schema": schema, "tables": list(tables)}
    ).fetchall()
    if not absent:
        return
    names = [row["name"] for row in absent]
    elsewhere = connection.execute(_SESSIONS["find_namesakes"].text, {"schema": schema, "tables": names}).fetchall()
    also = (
        f" (there are tables of that name in {', '.join(r['schema'] for r in elsewhere)}, not read)"
        if elsewhere
        else ""
    )
    raise EspalierError(
        f"schema {schema}: no table {', '.join(names)}{also}; restore it, or run `espalier migrate` on an empty schema"
    )
