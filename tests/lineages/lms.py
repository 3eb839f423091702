"""The lms database of a running application, made without our migrations, as sites have come by it.

`prisma_push` is what the seed says. `own_indexes` also ran the application's own SQL. `grown` has a table, a column and
rows that nobody planned: events of organizations that are gone, and two settings of the voice for the whole system.
"""

from collections.abc import Callable
from pathlib import Path
from typing import LiteralString, cast

from tests import lms_rows
from tests.factories import insert
from tests.lms_rows import Connection

Lineage = str
_HERE = Path(__file__).parent


def build(connection: Connection, lineage: Lineage) -> None:
    """Make the tables and a few rows, in the first schema of the connection's search path (pgvector's is on it too)."""
    LINEAGES[lineage](connection)


def _prisma_push(connection: Connection) -> None:
    _run(connection, "lms_push.sql")
    lms_rows.two_organizations(connection)


def _own_indexes(connection: Connection) -> None:
    _prisma_push(connection)
    _run(connection, "lms_indexes.sql")


def _grown(connection: Connection) -> None:
    _prisma_push(connection)
    connection.execute("CREATE TABLE badges (id text PRIMARY KEY, learner_id text NOT NULL REFERENCES learners (id))")
    connection.execute("ALTER TABLE learners ADD COLUMN nickname text")
    insert(connection, "badges", {"id": "first", "learner_id": "north-learner"})
    for number in (1, 2):
        insert(connection, "analytics", lms_rows.event("gone", f"orphan-{number}"))
    insert(connection, "voice_configs", lms_rows.voice("system", None, "second-voice"))


def _run(connection: Connection, name: str) -> None:
    connection.execute(cast("LiteralString", (_HERE / name).read_text()))


LINEAGES: dict[Lineage, Callable[[Connection], None]] = {
    "prisma_push": _prisma_push,
    "own_indexes": _own_indexes,
    "grown": _grown,
}
