"""The Graph resource: how an asset reaches Neo4j, with a bound on every wait and the fence before every write.

Statements are in `sql/graph/`; what is written is in `assets/graph/`. Nothing here knows the model. A server that is
silent is given up after `Patience.silence`: the driver itself would wait for an answer for ever.
"""

from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import dagster as dg
import neo4j
from neo4j.exceptions import AuthError, ConfigurationError, DriverError, Neo4jError

import sql
from orchestration.errors import EspalierError, first_line
from orchestration.patience import Patience, cut_after
from orchestration.resources import REFUSED
from orchestration.servers import neo4j_unavailable
from orchestration.settings import Neo4jAddress, Settings, load_settings

QUERIES = sql.load("graph", "lease", "cypher")
# How many records come at once where many are read.
_PAGE = 5000


class GraphLost(EspalierError):
    """The server went away or fell silent; the same again may work."""


class Fenced(EspalierError):
    """Another writer has taken over since: nothing was written."""


class GraphTransaction:
    """Named queries inside one transaction."""

    def __init__(self, transaction: neo4j.Transaction, guard: "_Guard") -> None:
        self._transaction, self._guard = transaction, guard

    def run(self, query: sql.Query, **params: Any) -> list[dict[str, Any]]:
        """Run a named query and give all its records as dicts."""
        with self._guard.waiting():
            return self._transaction.run(query.literal, params).data()


class GraphSession:
    """A driver that has reached its server. Reads see what is committed; writes go through the fence."""

    def __init__(self, driver: neo4j.Driver, address: Neo4jAddress, patience: Patience) -> None:
        self._driver, self._patience = driver, patience
        self._guard = _Guard(driver, address.uri, patience.silence)

    def read(self, query: sql.Query, **params: Any) -> list[dict[str, Any]]:
        """Run a named query that only reads and give all its records as dicts."""
        with self._session(neo4j.READ_ACCESS) as session, self._guard.waiting():
            return session.run(self._timed(query, self._patience.transaction), params).data()

    def rows(self, query: sql.Query, *, seconds: float = 600, page: int = _PAGE, **params: Any) -> Iterator[list[Any]]:
        """Stream the records of a named query as lists of values.

        Args:
            query: what to read.
            seconds: how long the transaction may last.
            page: how many records come at once; fewer where a record is large.
            params: the query's parameters.
        """
        with self._session(neo4j.READ_ACCESS, page) as session:
            with self._guard.waiting():
                result = session.run(self._timed(query, seconds), params)
            while records := self._fetch(result, page):
                yield from (record.values() for record in records)

    def _fetch(self, result: neo4j.Result, page: int) -> list[neo4j.Record]:
        with self._guard.waiting():
            return list(result.fetch(page))

    def write(
        self, query: sql.Query, params: Mapping[str, Any] | None = None, *, token: int, version: int = 0
    ) -> list[dict[str, Any]]:
        """Run one named query in a transaction of its own, behind the fence.

        Raises:
            Fenced: a writer with a higher token has been there; nothing was written.
        """
        with self.fenced(token, version) as transaction:
            return transaction.run(query, **(params or {}))

    @contextmanager
    def fenced(self, token: int, version: int = 0) -> Generator[GraphTransaction]:
        """Open a transaction that writes only while no higher token has been seen, and commits at the end.

        Raises:
            Fenced: a writer with a higher token has been there; nothing was written.
        """
        with self.unfenced() as transaction:
            if not transaction.run(QUERIES["fence"], token=token, version=version):
                raise Fenced(f"the graph has been taken over from the writer with token {token}; nothing was written")
            yield transaction

    @contextmanager
    def unfenced(self) -> Generator[GraphTransaction]:
        """Open a writing transaction without the fence: only to make or replace the marker itself."""
        with self._session(neo4j.WRITE_ACCESS) as session:
            with self._guard.waiting():
                transaction = session.begin_transaction(timeout=self._patience.transaction)
            try:
                yield GraphTransaction(transaction, self._guard)
                with self._guard.waiting():
                    transaction.commit()
            finally:
                with self._guard.waiting():
                    transaction.close()

    def schema(self, query: sql.Query) -> None:
        """Run a statement about constraints or indexes, which needs a transaction of its own."""
        with self._session(neo4j.WRITE_ACCESS) as session, self._guard.waiting():
            session.run(self._timed(query, self._patience.transaction)).consume()

    def read_marker(self) -> dict[str, Any] | None:
        """Read our marker node: epoch, token, version, schema; None where there is none."""
        found = self.read(QUERIES["read_marker"])
        return found[0] if found else None

    def write_marker(self, *, epoch: str, token: int, version: int) -> None:
        """Make the graph ours under an epoch; whoever held a lower token is fenced off."""
        with self.unfenced() as transaction:
            transaction.run(QUERIES["write_marker"], epoch=epoch, token=token, version=version)

    @contextmanager
    def _session(self, access: str, page: int = _PAGE) -> Generator[neo4j.Session]:
        with self._guard.translating(), self._driver.session(default_access_mode=access, fetch_size=page) as session:
            yield session

    @staticmethod
    def _timed(query: sql.Query, seconds: float) -> neo4j.Query:
        return neo4j.Query(query.literal, timeout=seconds)


class _Guard:
    """Ends a wait for a server that is silent, and turns what the driver then says into one exception."""

    def __init__(self, driver: neo4j.Driver, uri: str, seconds: float) -> None:
        self._driver, self._uri, self._seconds = driver, uri, seconds

    @contextmanager
    def waiting(self) -> Generator[None]:
        """Close the driver under a call that takes too long: the only way to end one from outside."""
        with self.translating(), cut_after(self._seconds, self._driver.close):
            yield

    @contextmanager
    def translating(self) -> Generator[None]:
        """Raise GraphLost for everything that means the connection; an answer of the server stays what it is."""
        try:
            yield
        except (DriverError, OSError) as error:
            raise GraphLost(f"Neo4j at {self._uri} was lost: {first_line(str(error))}") from error
        except Neo4jError as error:
            if not error.is_retryable() or not _means_loss(error):
                raise
            raise GraphLost(f"Neo4j at {self._uri} is not available: {first_line(str(error))}") from error


def _means_loss(error: Neo4jError) -> bool:
    """Tell whether the server says that it is going down or is no longer the one to write to."""
    return (error.code or "").endswith(("DatabaseUnavailable", "NotALeader", "ForbiddenOnReadOnlyDatabase"))


class Graph:
    """Gives assets their sessions with Neo4j. Connects when asked, never before."""

    def __init__(self, settings: Settings | None = None, patience: Patience | None = None) -> None:
        self._settings, self.patience = settings, patience or Patience()

    @property
    def settings(self) -> Settings:
        """The settings given, else those of the environment at this moment."""
        return self._settings or load_settings()

    @contextmanager
    def session(self) -> Generator[GraphSession]:
        """Connect and verify that the server answers and takes our password.

        Raises:
            dagster.Failure: it does not, or there is none; one line with what to do, and no retry.
        """
        with ExitStack() as stack:
            try:
                session = stack.enter_context(connect_graph(self.settings, self.patience))
            except EspalierError as error:
                raise dg.Failure(str(error), metadata={REFUSED: True}, allow_retries=False) from error
            yield session


@contextmanager
def connect_graph(settings: Settings, patience: Patience | None = None) -> Generator[GraphSession]:
    """Open a driver and verify that the server answers and takes our password.

    Raises:
        EspalierError: it does not, or there is none; the line never holds the password.
    """
    patience = patience or Patience()
    address = _address(settings)
    with _open_driver(address, patience) as driver:
        with cut_after(2 * patience.connect, driver.close):
            _verify(driver, address)
        yield GraphSession(driver, address, patience)


def _address(settings: Settings) -> Neo4jAddress:
    """Give the server's address; where the embedded one cannot be had here, say why."""
    if settings.uses_embedded_graph and (reason := neo4j_unavailable.reason(settings.home)):
        raise EspalierError(reason)
    return settings.neo4j()


def _open_driver(address: Neo4jAddress, patience: Patience) -> neo4j.Driver:
    try:
        return neo4j.GraphDatabase.driver(
            address.uri,
            auth=(address.user, address.password.get_secret_value()),
            connection_timeout=patience.connect,
            connection_acquisition_timeout=patience.connect,
            connection_write_timeout=patience.silence,
            notifications_min_severity="OFF",
            user_agent="espalier",
        )
    except (ConfigurationError, ValueError) as error:
        raise EspalierError(f"NEO4J_URI: {first_line(str(error))}; write it as bolt://host:7687") from None


def _verify(driver: neo4j.Driver, address: Neo4jAddress) -> None:
    """Refuse a server that does not answer, or not to us."""
    try:
        driver.verify_connectivity()
    except AuthError:
        raise EspalierError(
            f"Neo4j at {address.uri} refuses user {address.user}; correct NEO4J_USER and NEO4J_PASSWORD"
        ) from None
    except (DriverError, Neo4jError, OSError) as error:
        raise EspalierError(
            f"cannot connect to Neo4j at {address.uri}: {first_line(str(error))}; "
            "check NEO4J_URI or start ours with `espalier up`"
        ) from None
