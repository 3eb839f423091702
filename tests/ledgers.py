"""What the tests of ledgers, totals and boards share: older rows, a ledger read back, what a run refused.

Rows themselves are built in `tests/factories.py`.
"""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import dagster as dg
from psycopg.sql import SQL, Identifier

from tests.conftest import Connection, Site

COPIED = """
    SELECT id, "userId", "eventType", "conceptId", "baseXP", "masteryMult", "trustMult", "factCheckMult", "timeDecay",
           "finalXP", reason, metadata, flagged, "createdAt"
    FROM xp_ledger
    WHERE "eventType" <> 'OPENING_BALANCE'
    ORDER BY id
"""
OPENED = """
    SELECT "userId", "finalXP" FROM xp_ledger WHERE "eventType" = 'OPENING_BALANCE' ORDER BY 1
"""


@contextmanager
def before_the_trigger(connection: Connection) -> Generator[None]:
    """Write to points_ledger as the application did before the sync trigger was there."""
    connection.execute("ALTER TABLE points_ledger DISABLE TRIGGER USER")
    yield
    connection.execute("ALTER TABLE points_ledger ENABLE TRIGGER USER")


def copy_of(row: dict[str, Any]) -> dict[str, Any]:
    """Give the row of xp_ledger that a row of points_ledger must have become, by plain Python."""
    return {
        "id": row["id"],
        "userId": row["userId"],
        "eventType": row["eventType"],
        "conceptId": None,
        "baseXP": row["points"],
        "masteryMult": 1.0,
        "trustMult": 1.0,
        "factCheckMult": 1.0,
        "timeDecay": 1.0,
        "finalXP": row["points"],
        "reason": row["description"] or "",
        "metadata": {"source": "points_ledger"},
        "flagged": False,
        "createdAt": row["createdAt"],
    }


def copies(connection: Connection) -> list[dict[str, Any]]:
    """Read xp_ledger without its opening balances."""
    return connection.execute(COPIED).fetchall()


def copies_expected(connection: Connection) -> list[dict[str, Any]]:
    """Give what xp_ledger must hold for the points_ledger of this moment."""
    rows = connection.execute("SELECT * FROM points_ledger").fetchall()
    return sorted((copy_of(row) for row in rows), key=lambda row: row["id"])


def opening_balances(connection: Connection) -> dict[str, int]:
    """Read the opening balances of XP by user."""
    return {row["userId"]: row["finalXP"] for row in connection.execute(OPENED)}


def complete_backfills(connection: Connection) -> None:
    """Mark both ledgers as backfilled, where a test writes them itself."""
    for job in ("community/xp_ledger", "community/reputation_ledger"):
        connection.execute(
            "INSERT INTO espalier.checkpoints (job, completed_as_of) VALUES (%s, '2026-01-01T00:00:00Z')", [job]
        )


def refusal(result: dg.ExecuteInProcessResult, key: str) -> str:
    """Give the line with which an asset failed."""
    assert not result.success
    failure = result.failure_data_for_node(key.replace("/", "__"))
    assert failure is not None
    described = failure.user_failure_data.description if failure.user_failure_data else None
    return described or str(failure.error)


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    """Tell which checks of a run passed."""
    return {event.check_name: event.passed for event in result.get_asset_check_evaluations()}


@contextmanager
def held_lock(site: Site, name: str) -> Generator[None]:
    """Hold the lock that another run of an asset would hold."""
    with site.connect() as holder, holder.transaction():
        holder.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 20260101))", [name])
        yield


def versions(connection: Connection, tables: Iterable[str]) -> list[Any]:
    """Read every row of some tables with the transaction that wrote it: equal means not rewritten."""
    statement = SQL("SELECT t.xmin::text, t.* FROM {} AS t ORDER BY t::text")
    return [connection.execute(statement.format(Identifier(table))).fetchall() for table in tables]


def at(text: str) -> datetime:
    """Read an instant as the ledgers hold it: UTC, without a zone."""
    return datetime.fromisoformat(text)
