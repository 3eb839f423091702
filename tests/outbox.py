"""What the tests of the outbox share: taking the marks, a role of the application's own, two writers of one key.

Rows are built in `tests/factories.py`; what a mark must be is asserted in the tests.
"""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import takewhile

from psycopg.sql import SQL, Identifier

from tests import factories
from tests.conftest import Connection, Site
from tests.migrations.site_state import eventually

Mark = tuple[str, str, str]

_APPLICATIONS_TABLES = ("users", "concepts", "concept_prerequisites", "mastery_records", "concept_attempts")


def marks(connection: Connection) -> list[Mark]:
    """Read the marks in the order of their versions."""
    rows = connection.execute("SELECT kind, key1, key2 FROM espalier.graph_outbox ORDER BY version").fetchall()
    return [(row["kind"], row["key1"], row["key2"]) for row in rows]


def take(connection: Connection) -> set[Mark]:
    """Read the marks and delete them, as a drain would."""
    taken = set(marks(connection))
    connection.execute("DELETE FROM espalier.graph_outbox")
    return taken


def take_pairs(connection: Connection) -> set[tuple[str | None, str | None]]:
    """Read the pairs whose attempts have changed, and delete their marks."""
    rows = connection.execute("DELETE FROM espalier.mastery_dirty RETURNING user_id, concept_id").fetchall()
    return {(row["user_id"], row["concept_id"]) for row in rows}


def small_world(connection: Connection) -> None:
    """Two users, three concepts in a row, three records of mastery; nothing is marked."""
    factories.users(connection, "ann", "bob")
    for key in ("c1", "c2", "c3"):
        factories.concept(connection, key, domain="algebra")
    factories.prerequisite(connection, "c2", "c1", id="p12")
    factories.prerequisite(connection, "c3", "c2", id="p23")
    for user, concept in (("ann", "c1"), ("ann", "c2"), ("bob", "c1")):
        factories.mastery(connection, user, concept, id=f"{user}-{concept}")
    take(connection)
    take_pairs(connection)


@contextmanager
def as_application(site: Site) -> Generator[Connection]:
    """Work as a role that may write the application's tables and has no right on our schema; undone afterwards."""
    with site.connect("community", "bootstrap") as connection, connection.transaction(force_rollback=True):
        tables = SQL(", ").join(map(Identifier, _APPLICATIONS_TABLES))
        connection.execute("CREATE ROLE application")
        connection.execute("GRANT USAGE, CREATE ON SCHEMA community TO application")
        connection.execute(SQL("GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON {} TO application").format(tables))
        connection.execute(
            SQL("GRANT CREATE, TEMPORARY ON DATABASE {} TO application").format(Identifier(site.database))
        )
        connection.execute("SET ROLE application")
        yield connection


def versions_of(connection: Connection, key: str) -> list[int]:
    """Give the versions of a concept's marks, oldest first."""
    query = "SELECT version FROM espalier.graph_outbox WHERE kind = 'concept' AND key1 = %s ORDER BY version"
    return [row["version"] for row in connection.execute(query, [key]).fetchall()]


def insert_while_another_inserts_and_deletes(site: Site, key: str) -> None:
    """Let a writer wait for the key that another one inserts, deletes, and commits: the waiting one is the last."""
    with site.connect() as first, site.connect() as second, ThreadPoolExecutor(1) as pool:
        with first.transaction():
            factories.concept(first, key)
            waiting = pool.submit(factories.concept, second, key, name="of the second")
            eventually(lambda: is_waiting(first, second))
            first.execute("DELETE FROM concepts WHERE id = %s", [key])
        waiting.result(timeout=10)


def update_while_another_updates(site: Site, key: str) -> None:
    """Let a writer wait for the row that another one updates twice and commits."""
    rename = "UPDATE concepts SET name = %s WHERE id = %s"
    with site.connect() as first, site.connect() as second, ThreadPoolExecutor(1) as pool:
        with first.transaction():
            first.execute(rename, ["once", key])
            waiting = pool.submit(second.execute, rename, ["of the second", key])
            eventually(lambda: is_waiting(first, second))
            first.execute(rename, ["twice", key])
        waiting.result(timeout=10)


def is_waiting(observer: Connection, other: Connection) -> bool:
    """Whether a connection waits for a lock."""
    query = "SELECT FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
    return bool(observer.execute(query, [other.info.backend_pid]).rowcount)


def notifications(site: Site, work: Callable[[Connection], object]) -> int:
    """Count what a listener hears of some work, until a last notification that says so."""
    with site.connect() as listener, site.connect() as writer:
        listener.execute("LISTEN espalier_graph")
        work(writer)
        writer.execute("SELECT pg_notify('espalier_graph', 'end')")
        heard = list(takewhile(lambda heard: heard.payload != "end", listener.notifies(timeout=10)))
    return len(heard)
