"""What each pending revision would lock on the application's tables, and for about how long.

Read from the script that `espalier migrate --sql` prints; how large a table is says how long it is read.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from migrations.connection import Driver
from migrations.inspection.takeover import Action, Decision
from migrations.offline import offline_sql
from orchestration.settings import Domain, Settings

# A cautious disk: what is read once, and what is also sorted and written.
READ_BYTES_PER_S, BUILD_BYTES_PER_S = 100e6, 20e6

_N = r'(?:"(?:[^"]|"")*"|[\w.]+)'
_INSTANT, _READS, _BUILDS = "a moment", "reads", "builds"
_STATEMENTS = (
    (re.compile(rf"ALTER TABLE ({_N})\s+VALIDATE CONSTRAINT"), "SHARE UPDATE EXCLUSIVE", _READS),
    (re.compile(rf"CREATE (?:UNIQUE )?INDEX CONCURRENTLY {_N} ON ({_N})"), "SHARE UPDATE EXCLUSIVE", _BUILDS),
    (re.compile(rf"ALTER TABLE ({_N})\s+ADD CONSTRAINT {_N}\s+FOREIGN KEY"), "SHARE ROW EXCLUSIVE", _INSTANT),
    (re.compile(rf"REFERENCES ({_N})"), "SHARE ROW EXCLUSIVE", _INSTANT),
    (re.compile(rf"CREATE TRIGGER {_N}\s[^;]*?\sON ({_N})"), "SHARE ROW EXCLUSIVE", _INSTANT),
    (re.compile(rf"ALTER TABLE ({_N})\s+(?:ADD COLUMN|ALTER|DROP|RENAME)"), "ACCESS EXCLUSIVE", _INSTANT),
)

_SIZES = """
    SELECT c.relname::text, greatest(c.reltuples, s.n_live_tup, 0)::bigint, pg_catalog.pg_table_size(c.oid)
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_stat_all_tables AS s ON s.relid = c.oid
    WHERE n.nspname = %s AND c.relkind IN ('r', 'p')
"""


class Size(NamedTuple):
    """About how many rows a table has, and how many bytes."""

    rows: int
    bytes: int


@dataclass(frozen=True)
class Lock:
    """A lock that a revision takes on a table that is there already."""

    table: str
    mode: str
    rows: int
    bytes: int
    seconds: float

    def __str__(self) -> str:
        length = f"about {self.seconds:.0f} s" if self.seconds >= 1 else "a moment"
        return f"{self.mode} on {self.table} ({self.rows:,} rows, {self.bytes / 1e6:.1f} MB): {length}"


@dataclass(frozen=True)
class Step:
    """A revision to come: what is done for it, and what it locks."""

    revision: str
    title: str
    action: Action
    locks: list[Lock]


def sizes(driver: Driver, schema: str) -> dict[str, Size]:
    """Read how large the tables of a schema are."""
    rows = driver.execute(_SIZES, [schema]).fetchall()
    return {name: Size(int(count), int(size)) for name, count, size in rows}


def forecast(
    settings: Settings, domain: Domain, decisions: Iterable[Decision], tables: Mapping[str, Size]
) -> list[Step]:
    """Tell of each revision what it would lock."""
    return [_step(settings, domain, decision, tables) for decision in decisions]


def _step(settings: Settings, domain: Domain, decision: Decision, tables: Mapping[str, Size]) -> Step:
    revision = decision.revision
    locks = list[Lock]()
    if decision.action == "run":
        script = offline_sql(settings, domain, f"{revision.previous or 'base'}:{revision.id}")
        locks = sorted(set(_locks(script, tables)), key=lambda lock: (lock.table, lock.mode))
    return Step(revision.id, revision.title, decision.action, locks)


def _locks(script: str, tables: Mapping[str, Size]) -> Iterator[Lock]:
    for pattern, mode, work in _STATEMENTS:
        for written in pattern.findall(script):
            table = written.split(".")[-1].strip('"')
            if table in tables:
                yield Lock(table, mode, *tables[table], seconds=_seconds(tables[table].bytes, work))


def _seconds(size: int, work: str) -> float:
    speed = {_READS: READ_BYTES_PER_S, _BUILDS: BUILD_BYTES_PER_S}.get(work)
    return size / speed if speed else 0.0
