"""The behavior database of a running application, made without our migrations, as sites have come by it.

`prisma_push` is the application before the plan. `plan_by_hand` also ran the plan's own SQL. `text_for_enums` has no
enum types, and a table and a column that nobody planned. `orphaned` has two assignments to experiments that are gone,
which no key has prevented so far.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import LiteralString, cast

from tests import behavior_rows
from tests.behavior_rows import Connection, assignment
from tests.factories import insert

Lineage = str
_PUSH = Path(__file__).with_name("behavior_push.sql")
_PLAN = Path(__file__).with_name("behavior_plan.sql")


def build(connection: Connection, lineage: Lineage) -> None:
    """Make the tables and a few rows, in the first schema of the connection's search path."""
    LINEAGES[lineage](connection)


def _prisma_push(connection: Connection) -> None:
    _run(connection, _PUSH.read_text())
    behavior_rows.two_learners(connection)


def _plan_by_hand(connection: Connection) -> None:
    _prisma_push(connection)
    _run(connection, _PLAN.read_text())


def _text_for_enums(connection: Connection) -> None:
    _run(connection, _without_enums(_PUSH.read_text()))
    behavior_rows.two_learners(connection)
    connection.execute('CREATE TABLE "StudyGroup" ("id" text PRIMARY KEY, "ownerId" text REFERENCES users ("id"))')
    connection.execute('ALTER TABLE behavioral_events ADD COLUMN "deviceKind" text')
    insert(connection, "StudyGroup", {"id": "knotters", "ownerId": "ann"})


def _orphaned(connection: Connection) -> None:
    _prisma_push(connection)
    for name in ("ann", "bob"):
        insert(connection, "experiment_assignments", assignment(name, "gone"))


def _without_enums(script: str) -> str:
    """Leave the types out of a script, and write `TEXT` where they were used."""
    types = re.findall(r'^CREATE TYPE "(\w+)"', script, re.MULTILINE)
    script = re.sub(r"^CREATE TYPE .*\n", "", script, flags=re.MULTILINE)
    return re.sub(rf'"(?:{"|".join(types)})"', "TEXT", script)


def _run(connection: Connection, script: str) -> None:
    connection.execute(cast("LiteralString", script))


LINEAGES: dict[Lineage, Callable[[Connection], None]] = {
    "prisma_push": _prisma_push,
    "plan_by_hand": _plan_by_hand,
    "text_for_enums": _text_for_enums,
    "orphaned": _orphaned,
}
