"""What in the rows would make a pending revision fail: orphans, duplicates, values that a check or a type refuses.

The questions are made from the definitions in the reference, whose text is ours.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import LiteralString, cast

from psycopg.sql import SQL, Composed, Identifier

from migrations.catalog import Snapshot, Thing
from migrations.connection import Driver
from migrations.inspection.lineage import History, unfinished
from migrations.inspection.takeover import Decision, Difference

_FOREIGN_KEY = re.compile(r"FOREIGN KEY \((.*?)\) REFERENCES (\S+?)\((.*?)\)")
_UNIQUE = re.compile(
    r"(?:CREATE UNIQUE INDEX .*? USING \w+|UNIQUE)( NULLS NOT DISTINCT)? \((.*?)\)"
    r"( NULLS NOT DISTINCT)?(?: WHERE (.*))?"
)
_CHECK = re.compile(r"CHECK \((.*)\)(?: NOT VALID)?")
_LENGTH = re.compile(r"character varying\((\d+)\)")

_LONG = """
    SELECT pid, application_name, extract(epoch FROM now() - xact_start)::integer FROM pg_catalog.pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start < now() - interval '1 minute'
    ORDER BY 3 DESC
"""


@dataclass(frozen=True)
class Hazard:
    """Rows, or a session, that stand in the way of a revision."""

    revision: str
    where: str
    what: str
    count: int

    def __str__(self) -> str:
        return f"{self.revision}: {self.where}: {self.count:,} {self.what}"


def hazards(driver: Driver, found: Snapshot, decisions: Iterable[Decision]) -> list[Hazard]:
    """Count the rows that pending revisions would fail at."""
    asked, decisions = dict[str, Hazard](), list(decisions)
    for decision in decisions:
        for thing, text in decision.missing.items():
            if _has_rows(thing, text, found, decisions) and (question := _question(thing, text)):
                what, query = question
                _ask(driver, asked, Hazard(decision.revision.id, str(thing), what, 0), query)
        for conflict in decision.conflicts:
            if question := _misfits(conflict):
                what, query = question
                _ask(driver, asked, Hazard(decision.revision.id, str(conflict.thing), what, 0), query)
    return [hazard for hazard in asked.values() if hazard.count]


def half_applied(driver: Driver, told: Iterable[History], at: str) -> list[Hazard]:
    """Name what the application's own tool has left half done: what stands there may not be what they mean to have."""
    return [
        Hazard(at, f"table {history.schema}.{history.table}", f"migrations {what}: {', '.join(names)}", len(names))
        for history in told
        for what, names in unfinished(driver, history).items()
    ]


def long_transactions(driver: Driver) -> list[str]:
    """Name the transactions that a concurrent index build would have to wait for."""
    rows = driver.execute(_LONG).fetchall()
    return [f"process {pid} ({name or 'no name'}): its transaction is open for {age} s" for pid, name, age in rows]


def _has_rows(thing: Thing, text: str, found: Snapshot, decisions: list[Decision]) -> bool:
    """Whether a definition is about columns that stand there now: of what is still to come no row can be wrong."""
    if Thing("table", str(thing.table)) not in found:
        return False
    absent = {t for d in decisions for t in (*d.missing, *(c.thing for c in d.conflicts)) if t.kind == "column"}
    names = {t.name.split(".", 1)[1] for t in absent if t.table == thing.table}
    return names.isdisjoint(re.findall(r"\w+", text))


def _ask(driver: Driver, asked: dict[str, Hazard], hazard: Hazard, query: Composed) -> None:
    """Ask once for each object: a key that one revision adds and the next one validates is one hazard."""
    if hazard.where not in asked:
        count, *longest = driver.execute(query).fetchone() or (0,)
        what = f"{hazard.what}, the longest has {longest[0]:,} characters" if count and longest else hazard.what
        asked[hazard.where] = Hazard(hazard.revision, hazard.where, what, int(count))


def _question(thing: Thing, text: str) -> tuple[str, Composed] | None:
    table = Identifier(str(thing.table))
    if key := _FOREIGN_KEY.match(text):
        return "rows refer to nothing", _orphans(table, key[1], key[2], key[3])
    if unique := _UNIQUE.fullmatch(text):
        nulls_too, where = bool(unique[1] or unique[3]), unique[4] or "true"
        return "keys are there more than once", _duplicates(table, unique[2], where, nulls_too=nulls_too)
    if check := _CHECK.fullmatch(text):
        return "rows do not pass", SQL("SELECT count(*) FROM {} WHERE NOT ({})").format(table, _ours(check[1]))
    return None


def _orphans(table: Identifier, columns: str, other: str, keys: str) -> Composed:
    return SQL(
        "SELECT count(*) FROM {} AS child WHERE num_nulls({}) = 0"
        " AND NOT EXISTS (SELECT FROM {} AS parent WHERE ({}) = ({}))"
    ).format(table, _of("child", columns), _ours(other), _of("parent", keys), _of("child", columns))


def _duplicates(table: Identifier, columns: str, where: str, *, nulls_too: bool) -> Composed:
    most = SQL("num_nonnulls({}) + num_nulls({})" if nulls_too else "0").format(_ours(columns), _ours(columns))
    return SQL(
        "SELECT count(*) FROM (SELECT FROM {} WHERE {} AND num_nulls({}) <= {} GROUP BY {} HAVING count(*) > 1) AS d"
    ).format(table, _ours(where), _ours(columns), most, _ours(columns))


def _misfits(conflict: Difference) -> tuple[str, Composed] | None:
    """Count the values that are longer than the column that our revision wants."""
    length = _LENGTH.match(conflict.wanted)
    if conflict.thing.kind != "column" or not length or not conflict.found.startswith(("text", "character varying")):
        return None
    table, column = (Identifier(part) for part in conflict.thing.name.split(".", 1))
    query = SQL("SELECT count(*), max(length({1})) FROM {0} WHERE length({1}) > {2}").format(
        table, column, int(length[1])
    )
    return f"values do not fit {length[0]}", query


def _of(alias: LiteralString, columns: str) -> Composed:
    return SQL(", ").join(SQL("{}.{}").format(SQL(alias), _ours(name)) for name in _split(columns))


def _split(columns: str) -> Iterator[str]:
    yield from (name.strip() for name in columns.split(","))


def _ours(text: str) -> SQL:
    """Take the text of a definition of ours as SQL."""
    return SQL(cast("LiteralString", text))
