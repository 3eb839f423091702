"""The community database of a running application, made without our migrations, with rows and things of its own.

`prisma_push` has a table, a column and an index that nobody planned. `loose_phase_3` also ran the plan's SQL by hand,
which renames the ledger and adds columns that the plan's own model does not have; `undo_phase_3` takes that back.
"""

from pathlib import Path
from typing import LiteralString, cast

from tests import factories
from tests.conftest import Connection

_PUSH = Path(__file__).parent / "community_push.sql"

_OWN: tuple[LiteralString, ...] = (
    'ALTER TABLE users ADD COLUMN "favouriteSubject" text',
    'CREATE TABLE "StudyGroup" ("id" text PRIMARY KEY, "ownerId" text REFERENCES users ("id"))',
    'CREATE INDEX "users_university_idx" ON users ("university")',
)
_TEXT: tuple[LiteralString, ...] = (
    'ALTER TABLE points_ledger ALTER COLUMN "eventType" TYPE text',
    'DROP TYPE "PointEventType"',
    """ALTER TYPE "VoteType" ADD VALUE 'SIDEWAYS' """,
)
_PHASE_3: tuple[LiteralString, ...] = (
    "ALTER TABLE points_ledger RENAME TO xp_ledger",
    """
    ALTER TABLE xp_ledger
        ADD COLUMN base_xp int DEFAULT 0, ADD COLUMN mastery_mult float DEFAULT 1.0,
        ADD COLUMN final_xp int DEFAULT 0, ADD COLUMN reason text DEFAULT '', ADD COLUMN flagged boolean DEFAULT false
    """,
    "UPDATE xp_ledger SET base_xp = points, final_xp = points, reason = coalesce(description, '')",
    "ALTER TABLE xp_ledger DROP COLUMN points",
)
_UNDONE: tuple[LiteralString, ...] = (
    "ALTER TABLE xp_ledger ADD COLUMN points int",
    "UPDATE xp_ledger SET points = final_xp",
    "ALTER TABLE xp_ledger ALTER COLUMN points SET NOT NULL, DROP COLUMN base_xp, DROP COLUMN mastery_mult,"
    " DROP COLUMN final_xp, DROP COLUMN reason, DROP COLUMN flagged",
    "ALTER TABLE xp_ledger RENAME TO points_ledger",
)


def prisma_push(connection: Connection) -> None:
    """Build what `prisma db push` makes, with a few people and what they did."""
    connection.execute(cast("LiteralString", _PUSH.read_text()))
    _run(connection, _OWN)
    factories.users(connection, "ann", "bob", "cleo", favouriteSubject="knots")
    for name in ("ann", "bob"):
        factories.points(connection, name, 10)
        factories.user_stats(connection, name, 10)
    factories.vote(connection, "ann", "bob")
    basics = factories.concept(connection)
    factories.prerequisite(connection, factories.concept(connection), basics)
    factories.attempt(connection, "ann", basics)


def text_for_enums(connection: Connection) -> None:
    """Build the same where one enum never was and another has a label that nobody planned."""
    prisma_push(connection)
    _run(connection, _TEXT)


def loose_phase_3(connection: Connection) -> None:
    """Build the same, and run phase 3 of the plan on it."""
    prisma_push(connection)
    _run(connection, _PHASE_3)


def undo_phase_3(connection: Connection) -> None:
    """Bring the ledger back to the shape that the application writes."""
    _run(connection, _UNDONE)


def _run(connection: Connection, statements: tuple[LiteralString, ...]) -> None:
    for statement in statements:
        connection.execute(statement)
