"""What the tests of the contract share: two applications that write, one ledger each, and the two ledgers compared."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import count
from typing import Any

import psycopg

from migrations.contract import contract
from migrations.report import MigrationReport
from orchestration.settings import load_settings
from tests import factories
from tests.conftest import Connection, Site
from tests.ledgers import complete_backfills

SWITCHED, RETIRED = "0000", "0001"
WAITING = """
    SELECT FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
    WHERE NOT l.granted AND c.relname IN ('points_ledger', 'xp_ledger')
"""

# What each ledger says of an entry, as the old application can say it.
_POINTS = """
    SELECT id, "userId", points AS xp, coalesce(description, '') AS reason, "createdAt" FROM points_ledger ORDER BY id
"""
_XP = """
    SELECT id, "userId", "finalXP" AS xp, reason, "createdAt" FROM xp_ledger
    WHERE metadata ->> 'source' IS DISTINCT FROM 'user_stats' ORDER BY id
"""
_AGE = """
    UPDATE espalier.ledger_switches SET switched_at = switched_at - interval '8 days' WHERE taken_back_at IS NULL
"""
_LATE_AGE = "UPDATE espalier.ledger_late_writes SET at = at - interval '7 days 1 hour'"


def take(site: Site, to: str, **options: Any) -> MigrationReport:
    """Take the contract of the community to a revision of its line."""
    return contract(site.settings, "community", to, **options)


def switched(site: Site, *, quiet: bool = False) -> None:
    """Switch a site whose backfill is complete; with `quiet`, as long ago as is asked for."""
    with site.connect() as connection:
        complete_backfills(connection)
        take(site, SWITCHED)
        if quiet:
            let_days_pass(connection)


def let_days_pass(connection: Connection) -> None:
    """Make the switch and every late write more than a week old."""
    connection.execute(_AGE)
    connection.execute(_LATE_AGE)


def points_of(connection: Connection) -> list[dict[str, Any]]:
    """Read what the old ledger says."""
    return connection.execute(_POINTS).fetchall()


def xp_of(connection: Connection) -> list[dict[str, Any]]:
    """Read what the new ledger says, opening balances aside."""
    return connection.execute(_XP).fetchall()


def equal_ledgers(connection: Connection) -> list[dict[str, Any]]:
    """Assert that both ledgers say the same, in one snapshot; give what they say."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        old, new = points_of(connection), xp_of(connection)
    assert old == new
    return old


def late_writes(connection: Connection) -> list[str]:
    """Name the late writes in the order in which they came."""
    rows = connection.execute("SELECT operation FROM espalier.ledger_late_writes ORDER BY id").fetchall()
    return [row["operation"] for row in rows]


class Application(threading.Thread):
    """An application that writes to a ledger until it is stopped; remembers what the database acknowledged."""

    def __init__(self, site: Site, name: str, write: Callable[[Connection, str], object]) -> None:
        super().__init__(name=name, daemon=True)
        self.site, self.write = site, write
        self.acknowledged: list[str] = []
        self.failed: list[BaseException] = []
        self._stop_asked, self._progress = threading.Event(), threading.Condition()

    def run(self) -> None:
        """Write row after row, each in a transaction."""
        with self.site.connect() as connection:
            for number in count():
                if self._stop_asked.is_set():
                    return
                key = f"{self.name}-{number:06d}"
                try:
                    self.write(connection, key)
                except psycopg.Error as error:
                    self.failed.append(error)
                    return self._tell(None)
                self._tell(key)

    def _tell(self, key: str | None) -> None:
        with self._progress:
            self.acknowledged += [key] if key else []
            self._progress.notify_all()

    def wait_for_more(self, rows: int = 20) -> None:
        """Wait until so many more rows were acknowledged, or it has failed."""
        with self._progress:
            goal = len(self.acknowledged) + rows
            done = self._progress.wait_for(lambda: len(self.acknowledged) >= goal or self.failed, timeout=30)
        assert done

    def stop(self) -> None:
        """Stop after the row at hand."""
        self._stop_asked.set()
        self.join(30)
        assert not self.is_alive()


def old_write(connection: Connection, key: str) -> None:
    """Write as the old application: a new row, and now and then a row corrected and one deleted."""
    factories.points(connection, "ann", len(key), id=key)
    if key.endswith("3"):
        connection.execute("UPDATE points_ledger SET points = points + 1 WHERE id = %s", [key])
    if key.endswith("7"):
        connection.execute("DELETE FROM points_ledger WHERE id = %s", [key])


def new_write(connection: Connection, key: str) -> None:
    """Write as the new application: events of its own, multipliers, and now and then a correction."""
    event = "PEER_REVIEW" if key.endswith(("1", "4")) else "DAILY_LOGIN"
    factories.xp(connection, "bob", 10, event, id=key, finalXP=12, masteryMult=1.2, reason="because")
    if key.endswith("4"):
        connection.execute('UPDATE xp_ledger SET "finalXP" = 13 WHERE id = %s', [key])
    if key.endswith("8"):
        connection.execute("DELETE FROM xp_ledger WHERE id = %s", [key])


@contextmanager
def running(*applications: Application) -> Generator[None]:
    """Run applications beside the test."""
    for application in applications:
        application.start()
    try:
        yield
    finally:
        for application in applications:
            application.stop()


def take_here() -> None:
    """Switch the site of the environment: the work of a process that a test kills."""
    contract(load_settings(), "community", SWITCHED)
