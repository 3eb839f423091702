"""What a downgrade would destroy: rows that cannot be derived again are counted, and dumped before they go.

A revision names them in `LOST_ON_DOWNGRADE`. The count of all steps comes before the first one; each step then takes
its tables' locks, so that no row slips in between its dump and its drop.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import LiteralString

from psycopg.sql import SQL, Composed, Identifier

from migrations import records
from migrations.connection import Driver
from migrations.revisions import Revision
from orchestration.errors import EspalierError

_WITH_ROWS = ("table", "column")


def count_lost(driver: Driver, revisions: Iterable[Revision]) -> dict[str, int]:
    """Count the rows that going down over these revisions would destroy, by table; tables without any are left out."""
    counts = {table: _count(driver, table, where) for table, where in _predicates(revisions).items()}
    return {table: rows for table, rows in counts.items() if rows}


def made_part(driver: Driver, domain: str, revision: Revision) -> Revision:
    """Leave tables out of a revision's losses that it only took over: going down leaves them and their rows alone."""
    made = records.made_by(driver, domain, revision.id)
    if not any(thing.kind == "taken over" for thing in made):
        return revision
    touched = {thing.name if thing.kind == "table" else thing.table for thing in made if thing.kind in _WITH_ROWS}
    lost = {table: where for table, where in revision.lost_on_downgrade.items() if table in touched}
    return replace(revision, lost_on_downgrade=lost)


def refuse_loss(counts: Mapping[str, int], folder: Path, way: str) -> None:
    """Refuse a downgrade that destroys rows.

    Raises:
        EspalierError: it does; the line has the counts.
    """
    if counts:
        rows = ", ".join(f"{table} {count}" for table, count in sorted(counts.items()))
        raise EspalierError(
            f"{way} would delete {sum(counts.values())} rows that cannot be derived again ({rows}); nothing was "
            f"changed; --yes-delete-data dumps them to {folder} and goes on"
        )


def dump_lost(driver: Driver, revision: Revision, folder: Path, *, may_delete: bool) -> dict[str, int]:
    """Write the rows that a step is about to destroy to one CSV file a table; gives the rows by path.

    Runs in the step's transaction and keeps the tables locked until it ends.

    Raises:
        EspalierError: there are such rows and they may not be deleted.
    """
    tables = _predicates([revision])
    for table in tables:
        driver.execute(SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(Identifier(table)))
    counts = count_lost(driver, [revision])
    if not may_delete:
        refuse_loss(counts, folder, f"{revision.id}: going down")
    return dict(_copy_out(driver, table, tables[table], folder / f"{revision.id}-{table}.csv") for table in counts)


def _predicates(revisions: Iterable[Revision]) -> dict[str, Composed]:
    parts: dict[str, list[LiteralString]] = {}
    for revision in revisions:
        for table, where in revision.lost_on_downgrade.items():
            parts.setdefault(table, []).append(where)
    return {table: SQL(" OR ").join([SQL("({})").format(SQL(w)) for w in where]) for table, where in parts.items()}


def _count(driver: Driver, table: str, where: Composed) -> int:
    row = driver.execute(SQL("SELECT count(*) FROM {} WHERE {}").format(Identifier(table), where)).fetchone()
    return int(row[0]) if row else 0


def _copy_out(driver: Driver, table: str, where: Composed, path: Path) -> tuple[str, int]:
    statement = SQL("COPY (SELECT * FROM {} WHERE {}) TO STDOUT (FORMAT csv, HEADER true)")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "wb") as file, driver.cursor() as cursor:
        with cursor.copy(statement.format(Identifier(table), where)) as rows:
            for block in rows:
                file.write(block)
        file.flush()
        os.fsync(file.fileno())
        return str(path), cursor.rowcount
