"""Up, down, up over one revision, with rows generated at both of its ends; what must be equal is compared on the way.

Where rows stand in the way of a step, it must refuse and change nothing; what its line names first is then emptied.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, Verbosity, assume, given, seed, settings
from hypothesis import strategies as st
from psycopg.sql import SQL, Identifier

from migrations.catalog import Snapshot, snapshot
from migrations.connection import Driver
from migrations.metadata import METADATA
from migrations.report import MigrationReport
from migrations.revisions import Direction, Revision
from orchestration.errors import EspalierError
from tests.conftest import Connection, Site
from tests.generated_rows import Draw, Drawing, Filler, Tally, reflect
from tests.migrations.site_state import Columns, applied, columns, hashes

Take = Callable[[Revision, Direction], MigrationReport | None]

# How many things may stand in the way of one step, one after the other.
TRIES = 12
# What is derived again from other rows, so that no dump has it: whole tables, columns, and rows of tables of which
# some are derived.
DERIVED_TABLES = {"vote_graph", "leaderboard_entries"}
DERIVED_COLUMNS = {"users": {"trustScoreCache", "totalXP", "totalReputation"}, "concepts": {"embedding"}}
PARTLY_DERIVED = {"trust_scores", "reputation_ledger", "xp_ledger", "rag_metrics_history", "plugin_registry"}

_DEFAULTS = """
    SELECT a.attname AS name, coalesce(pg_get_expr(d.adbin, d.adrelid), 'NULL') AS value
    FROM pg_attribute AS a LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = to_regclass(quote_ident(%s)) AND a.attnum > 0 AND NOT a.attisdropped
"""


class State(NamedTuple):
    """What a refused step must leave as it is."""

    revision: str | None
    columns: Columns
    rows: dict[str, str]
    catalog: Snapshot


@dataclass
class Trip:
    """One history of a site, travelled a revision at a time; the rows of tables `apart` have rules that `see` knows."""

    site: Site
    domain: str
    history: str
    connection: Connection
    driver: Driver
    take: Take
    apart: frozenset[str] = frozenset()
    see: Callable[[Connection], object] = lambda _: None
    tally: Tally = field(default_factory=Tally)
    fillers: dict[str | None, Filler] = field(default_factory=dict[str | None, Filler])
    catalogs: dict[str, Snapshot] = field(default_factory=dict[str, Snapshot])

    def over(self, revision: Revision, examples: int) -> None:
        """Go over a revision, again and again; the site is above it in the end."""

        @seed(revision.id)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            verbosity=Verbosity.quiet,
            phases=[Phase.generate],
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
        )
        @given(st.data())
        def there_and_back(data: st.DataObject) -> None:
            self.go(revision, data.draw)

        there_and_back()

    def go(self, revision: Revision, draw: Draw) -> None:
        """Go up, down and up again with rows of this moment."""
        assume(draw(st.integers(0, 99)))  # the first example is the simplest there is: what is drawn says more
        self.tally.examples += 1
        self.start(revision)
        drawing = Drawing(draw, turns=count())
        self.fill(drawing)
        low = self.climb(revision, self.look())
        self.fill(drawing)
        self.climb(revision, self.descend(revision, low))

    def start(self, revision: Revision) -> None:
        """Stand below a revision, without rows: an example that depends on the one before cannot be repeated."""
        self.empty(*columns(self.connection))
        if applied(self.site, self.history) == revision.id:
            self.take(revision, "down")
        assert applied(self.site, self.history) == revision.previous

    def empty(self, *tables: str) -> None:
        """Take all rows of tables away, and those that refer to them."""
        if tables:
            names = SQL(", ").join(map(Identifier, tables))
            self.connection.execute(SQL("TRUNCATE {} CASCADE").format(names))

    def fill(self, drawing: Drawing) -> None:
        """Add rows to the tables as they are now."""
        here = applied(self.site, self.history)
        if here not in self.fillers:
            self.fillers[here] = Filler(self.domain, reflect(self.site, self.domain), self.tally)
        self.fillers[here].fill(self.connection, drawing)

    def look(self) -> State:
        """Look at all that a step could change."""
        of = columns(self.connection)
        catalog = snapshot(self.driver, self.domain)
        return State(applied(self.site, self.history), of, hashes(self.connection, of), catalog)

    def climb(self, revision: Revision, before: State) -> State:
        """Go up, and give what was there below; what stands in the way is emptied."""
        for _ in range(TRIES):
            try:
                self.take(revision, "up")
            except EspalierError as error:
                before = self.refused(revision, before, str(error))
            else:
                self.arrived(revision, before)
                return before
        raise AssertionError(f"{revision.id} does not go up, whatever is emptied")

    def refused(self, revision: Revision, before: State, line: str) -> State:
        """See that nothing has changed, and that the line names what stands in the way.

        Indexes that were being built may stay, as they do not lock anybody out: the next try goes on from there.
        """
        after = self.look()
        begun = {thing: text for thing, text in after.catalog.items() if thing.kind == "index"}
        assert after == before._replace(catalog=before.catalog | begun), line
        self.tally.half_built.update(str(thing) for thing in after.catalog.keys() - before.catalog.keys())
        name = culprit(line, METADATA[self.domain].tables.keys() & before.columns.keys(), self.domain)
        self.tally.refused_steps[f"{revision.id}: {name}"] += 1
        self.empty(name)
        return self.look()._replace(catalog=before.catalog)

    def arrived(self, revision: Revision, before: State) -> None:
        """See that what was there is equal, and that the catalog is that of every other time."""
        self.tally.steps[revision.id] += 1
        assert self.compared(before.columns) == {t: h for t, h in before.rows.items() if t not in self.apart}, (
            revision.id
        )
        self.see(self.connection)
        catalog = snapshot(self.driver, self.domain)
        assert catalog == self.catalogs.setdefault(revision.id, catalog), revision.id

    def descend(self, revision: Revision, low: State) -> State:
        """Go down; what is kept is equal, what is not is dumped, and the catalog is that of before."""
        kept = self.compared(low.columns)
        losses = self.losses(low.columns)
        report = self.take(revision, "down")
        after = self.look()
        assert (after.revision, after.columns, after.catalog) == (low.revision, low.columns, low.catalog), revision.id
        assert self.compared(low.columns) == kept, revision.id
        self.see(self.connection)
        dumped = {Path(path).stem.partition("-")[2]: rows for path, rows in report.dumps.items()} if report else {}
        partly = {table: rows for table, rows in dumped.items() if table in PARTLY_DERIVED}
        assert dumped == losses | partly, revision.id
        return after

    def compared(self, of: Columns) -> dict[str, str]:
        """Hash the rows that no step may change, reduced to some columns."""
        return hashes(self.connection, {table: names for table, names in of.items() if table not in self.apart})

    def losses(self, low: Columns) -> dict[str, int]:
        """Count the rows that a step down loses something of, by table."""
        found: dict[str, int] = {}
        for table, names in columns(self.connection).items():
            if table not in DERIVED_TABLES | PARTLY_DERIVED | self.apart:
                gone = set(names) - set(low.get(table, [])) - DERIVED_COLUMNS.get(table, set())
                found[table] = self.lost(table, gone if table in low else None)
        return {table: rows for table, rows in found.items() if rows}

    def lost(self, table: str, gone: set[str] | None) -> int:
        """Count the rows of a table that say something in columns that go; all of them where the table goes."""
        defaults = {row["name"]: row["value"] for row in self.connection.execute(_DEFAULTS, [table])}
        saying = [
            SQL("{} IS DISTINCT FROM ").format(Identifier(name)).as_bytes() + defaults[name].encode()
            for name in (gone or ())
        ]
        where = b" OR ".join(saying) or str(gone is None).encode()
        query = SQL("SELECT FROM {} WHERE ").format(Identifier(table)).as_bytes() + where
        return self.connection.execute(query).rowcount


def culprit(line: str, tables: set[str], domain: str) -> str:
    """Name the table that a line names first, itself or one of its indexes and keys."""
    metadata = METADATA[domain]
    names = {table: table for table in tables}
    names |= {str(index.name): table for table in tables for index in metadata.tables[table].indexes}
    names |= {str(key.name): table for table in tables for key in metadata.tables[table].constraints}
    words = re.findall(r"[\w.]+", line)
    named = [names[part] for word in words for part in word.split(".") if part in names]
    assert named, f"nothing in the line says what stands in the way: {line}"
    return named[0]
