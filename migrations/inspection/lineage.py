"""How a database came to be, as far as its traces tell: which tool made its tables, and what was run by hand."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg.sql import SQL, Identifier

from migrations.catalog import Snapshot, Thing
from migrations.connection import Driver

_TABLES = """
    SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relname = ANY (%s) AND c.relkind = 'r' ORDER BY 1, 2
"""
_TOOLS = {"_prisma_migrations": "Prisma, by migrations", "__drizzle_migrations": "Drizzle, by migrations"}
_OF_DRIZZLE = "drizzle"
# How many migrations are done, and the last of them by its name or, where names are not kept, its day.
_DONE: Mapping[str, LiteralString] = {
    "_prisma_migrations": "SELECT count(*), (array_agg(migration_name ORDER BY finished_at DESC))[1] FROM {}"
    " WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL",
    "__drizzle_migrations": "SELECT count(*), to_char(to_timestamp(max(created_at) / 1000.0) AT TIME ZONE 'UTC',"
    " 'YYYY-MM-DD') FROM {}",
}
# Prisma writes a row for each try; of a migration the last one counts. Drizzle migrates in one transaction.
_UNFINISHED = """
    SELECT migration_name, rolled_back_at IS NOT NULL FROM (
        SELECT DISTINCT ON (migration_name) migration_name, finished_at, rolled_back_at FROM {}
        ORDER BY migration_name, started_at DESC
    ) AS tries WHERE finished_at IS NULL OR rolled_back_at IS NOT NULL ORDER BY 1
"""


@dataclass(frozen=True)
class History:
    """Where a tool of the application keeps what it has done; unread without a right, or in another shape."""

    schema: str
    table: str
    done: int | None = None
    last: str | None = None

    def __str__(self) -> str:
        where = f"{self.schema}.{self.table}"
        if self.done is None:
            return f"{_TOOLS[self.table]} ({where}, which could not be read)"
        last = f", the last {self.last}" if self.last else ""
        return f"{_TOOLS[self.table]} ({where}: {self.done} done{last})"


def histories(driver: Driver, schema: str) -> list[History]:
    """Find the tables of the application's own migrations: beside its tables, or wherever they are in this database."""
    found = [History(*row) for row in driver.execute(_TABLES, [list(_TOOLS)]).fetchall()]
    near = [history for history in found if history.schema in (schema, _OF_DRIZZLE)]
    return [_read(driver, history) for history in near or found]


def unfinished(driver: Driver, history: History) -> dict[str, list[str]]:
    """Name the migrations of Prisma that are not done, by what became of them: the schema may have a part of each."""
    if history.table != "_prisma_migrations" or history.done is None:
        return {}
    rows = driver.execute(SQL(_UNFINISHED).format(Identifier(history.schema, history.table))).fetchall()
    became = {"begun and not finished": False, "rolled back and not run again": True}
    return {what: names for what, back in became.items() if (names := [name for name, was in rows if was is back])}


def recognise(domain: str, found: Snapshot, told: list[History]) -> list[str]:
    """Say in words where the tables of a domain come from."""
    lines = [str(history) for history in told]
    if not told and _looks_like_prisma(found):
        lines.append("Prisma, by push: no _prisma_migrations")
    lines += _traces_of_rag(found) if domain == "rag" else []
    lines += _traces_of_loose_sql(found) if domain == "community" else []
    return lines or ["unknown: by hand, or by a tool that leaves no trace"]


def _read(driver: Driver, history: History) -> History:
    table = Identifier(history.schema, history.table)
    try:
        with driver.transaction():
            row = driver.execute(SQL(_DONE[history.table]).format(table)).fetchone()
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedColumn):
        return history
    done, last = row or (0, None)
    return History(history.schema, history.table, done, last)


def _looks_like_prisma(found: Snapshot) -> bool:
    """Prisma writes timestamp(3), and ends every unique index in `_key`."""
    keys = any(thing.kind == "index" and thing.name.endswith("_key") for thing in found)
    return keys and any("timestamp(3)" in text for thing, text in found.items() if thing.kind == "column")


def _traces_of_rag(found: Snapshot) -> Iterator[str]:
    if Thing("table", "ai_dialogue_log") not in found:
        yield "RAG: the application's tables only, before 0006"
        return
    by_hand = Thing("trigger", "ai_dialogue_log.update_ai_dialogue_log_updated_at") in found
    day = Thing("index", "rag_metrics_history.idx_rag_metrics_date_unique") in found
    key = Thing("constraint", "ai_dialogue_log.fk_ai_dialogue_user") in found
    if by_hand:
        yield f"RAG: hand-written SQL, 0006{', 0007' if day else ''}{', 0008' if key else ''}"
    else:
        yield "RAG: generated by the ORM, without the triggers of 0006"


def _traces_of_loose_sql(found: Snapshot) -> Iterator[str]:
    if Thing("column", "xp_ledger.final_xp") in found or Thing("column", "xp_ledger.base_xp") in found:
        yield "loose SQL of phase 3 was applied: xp_ledger is the renamed points_ledger, with snake_case columns"
