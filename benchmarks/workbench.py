"""What the sides of a benchmark work with: the platform's sessions, a connection of the tables' owner, the meter.

The platform works as the jobs role through its own sessions, everything else as the owner. Which work is compared is
in the modules named after the tables.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL, Composed, Identifier

from assets.community.vote_graph import VOTE_GRAPH
from assets.rag.rag_metrics_history import RAG_METRICS_HISTORY
from assets.table_asset import TableAsset
from benchmarks import data
from benchmarks.meter import MemoryWatch, Meter
from benchmarks.sizes import Sizes
from migrations import runner
from orchestration.resources import Postgres, Session, Transaction
from orchestration.settings import Domain, Settings

Connection = psycopg.Connection[DictRow]
Statement = SQL | Composed
_ASSETS: Mapping[Domain, TableAsset] = {"community": VOTE_GRAPH, "rag": RAG_METRICS_HISTORY}


@dataclass(frozen=True)
class TimedSession(Session):
    """A session of the platform that notes how long each of its transactions took."""

    seconds: list[float] = field(default_factory=list[float])

    @contextmanager
    def transaction(self, *, repeatable_read: bool = False) -> Generator[Transaction]:
        """Open a transaction as the platform does."""
        started = perf_counter()
        with super().transaction(repeatable_read=repeatable_read) as transaction:
            yield transaction
        self.seconds.append(perf_counter() - started)


@dataclass(frozen=True)
class Workbench:
    """One domain of a site, filled and ready.

    Attributes:
        owner: a connection in autocommit mode whose path is the domain's schema; tables of the benchmark's own are in
            schema `bench`.
        session: what assets are given.
    """

    settings: Settings
    sizes: Sizes
    domain: Domain
    owner: Connection
    session: TimedSession
    meter: Meter

    def execute(self, statement: Statement, **parameters: object) -> None:
        """Run a statement as the owner."""
        self.owner.execute(statement, parameters)

    def figures(self, statement: Statement, **parameters: object) -> dict[str, float]:
        """Run a statement that gives one row of numbers."""
        row = self.owner.execute(statement, parameters).fetchone()
        return {name: float(value or 0) for name, value in (row or {}).items()}

    @contextmanager
    def not_waiting(self) -> Generator[None]:
        """Let the owner's commits not wait for the disk: a loop that commits each row is not to measure the disk."""
        self.owner.execute("SET synchronous_commit TO off")
        yield
        self.owner.execute("RESET synchronous_commit")

    def vacuum(self, *tables: str) -> None:
        """Clear dead rows away and gather statistics, so that no run pays for the one before."""
        for table in tables:
            self.owner.execute(SQL("VACUUM (ANALYZE) {}").format(Identifier(table)))

    def memory_growth(self, work: Callable[["Workbench"], object]) -> int:
        """Do work in a new session of the platform, and give the growth of its backend's memory in bytes."""
        with open_session(self.settings, self.domain) as session:
            with MemoryWatch(session.connection.info.backend_pid) as watch:
                work(replace(self, session=session))
            return watch.growth

    @contextmanager
    def owner_connection(self) -> Generator[Connection]:
        """Open another connection like `owner`."""
        with open_owner(self.settings, self.domain) as connection:
            yield connection


@contextmanager
def open_workbench(settings: Settings, domain: Domain, sizes: Sizes) -> Generator[Workbench]:
    """Migrate and fill a domain that is empty, and open what its benchmarks need; the server must run."""
    runner.migrate(settings, domain)
    with ExitStack() as stack:
        owner = stack.enter_context(open_owner(settings, domain))
        _fill(owner, domain, sizes)
        session = stack.enter_context(open_session(settings, domain))
        yield Workbench(settings, sizes, domain, owner, session, Meter(owner))


def _fill(owner: Connection, domain: Domain, sizes: Sizes) -> None:
    owner.execute("CREATE SCHEMA IF NOT EXISTS bench")
    load, tables = {
        "community": (data.load_community, data.COMMUNITY_TABLES),
        "rag": (data.load_rag, data.RAG_TABLES),
    }[domain]
    load(owner, sizes)
    for table in tables:
        owner.execute(SQL("VACUUM (ANALYZE) {}").format(Identifier(table)))


@contextmanager
def open_owner(settings: Settings, domain: Domain) -> Generator[Connection]:
    """Connect as the owner of the domain's tables, in UTC, in autocommit mode."""
    with Connection.connect(settings.url("migrator"), autocommit=True, row_factory=dict_row) as connection:
        path = Identifier(settings.schema_of(domain)).as_string(connection) + ", extensions, pg_temp"
        connection.execute("SELECT set_config('search_path', %s, false), set_config('TimeZone', 'UTC', false)", [path])
        yield connection


@contextmanager
def open_session(settings: Settings, domain: Domain) -> Generator[TimedSession]:
    """Open a session as the domain's assets do."""
    with _ASSETS[domain].session(Postgres(settings)) as session:
        yield TimedSession(session.connection, session.path)
