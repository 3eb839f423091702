"""Rows for whatever tables a database has at this moment: reflected, drawn by hypothesis, inserted one at a time.

References are drawn from rows that are really there, and sometimes lead nowhere where no key forbids it yet. What a
constraint or a trigger refuses is rolled back to its savepoint and counted, so that nothing has to be foreseen here.
How a value of a type is drawn stands in `generated_values.py`.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple
from uuid import UUID

import psycopg
from hypothesis import strategies as st
from psycopg.sql import SQL, Composable, Composed, Identifier, Placeholder
from sqlalchemy import CheckConstraint, Column, Enum, ForeignKeyConstraint, MetaData, String, Table
from sqlalchemy.dialects.postgresql import JSON

from migrations.connection import Target, connect, look_into
from migrations.metadata import METADATA
from tests.conftest import Connection, Site
from tests.generated_values import Kinds, kinds_of

__all__ = ["Draw", "Drawing", "Filler", "Tally", "reflect"]

Draw = Callable[[st.SearchStrategy[Any]], Any]

# What revisions, triggers and jobs ask for; by chance it would never be drawn.
TELLING: dict[str, tuple[str, ...]] = {
    "scope": ("organization", "learner", "system"),
    "eventType": ("OPENING_BALANCE", "DAILY_LOGIN"),
    "status": ("ready", "pending"),
    "health_status": ("healthy",),
    "metadata": ('{"source": "points_ledger"}', '{"source": "user_stats"}'),
}
# References that no key can say, as they lead to one of several tables.
POLYMORPHIC = {"scope_id": (("organizations", "id"), ("learners", "id"))}
# Other errors are nobody's refusal of a row: they are raised.
REFUSALS = (
    psycopg.IntegrityError,
    psycopg.DataError,
    psycopg.errors.ProgramLimitExceeded,
    psycopg.errors.RaiseException,
)


# As the superuser: a key that is not proved yet does not keep such a row out, as it was there before the key.
_BEFORE_THE_KEY = "SET LOCAL session_replication_role = replica"
_UNPROVED = """
    SELECT conname AS name FROM pg_constraint
    WHERE connamespace = current_schema()::regnamespace AND contype = 'f' AND NOT convalidated
"""


class Value(NamedTuple):
    """A value, and what is rare about it; it counts only when its row has landed."""

    kind: str
    value: Any


class Reference(NamedTuple):
    """Where the values of a column come from, and what kind of value may lead nowhere, if any."""

    parents: Sequence[tuple[str, str]]
    astray: Literal["orphan", "unproved orphan"] | None


class Drawing(NamedTuple):
    """How the rows of an example are drawn: by whom, and whose turn it is."""

    draw: Draw
    turns: Iterator[int]


class NoParentError(Exception):
    """A row needs one of a table that has none."""


@dataclass
class Tally:
    """What was drawn, landed and was refused, over all examples."""

    examples: int = 0
    rows: Counter[str] = field(default_factory=Counter[str])
    kinds: Counter[str] = field(default_factory=Counter[str])
    refused: Counter[str] = field(default_factory=Counter[str])
    steps: Counter[str] = field(default_factory=Counter[str])
    refused_steps: Counter[str] = field(default_factory=Counter[str])
    half_built: Counter[str] = field(default_factory=Counter[str])

    def land(self, table: str, values: Iterable[Value]) -> None:
        """Count a row that landed."""
        self.rows[table] += 1
        self.kinds.update({value.kind for value in values})

    def lines(self) -> list[str]:
        """Write the counts out, the frequent ones first."""
        counters = ("steps", "refused_steps", "half_built", "rows", "kinds", "refused")
        found = {name: dict(getattr(self, name).most_common()) for name in counters}
        return [f"examples: {self.examples}", *(f"{name} {sum(of.values())}: {of}" for name, of in found.items())]


def reflect(site: Site, domain: str) -> list[Table]:
    """Read the tables that a domain has at this moment, parents first."""
    with connect(site.settings.url("migrator")) as database:
        look_into(database, Target(domain, domain, "extensions"))
        metadata = MetaData()
        metadata.reflect(database.alchemy)
        unproved = {name for (name,) in database.driver.execute(_UNPROVED)}
    for key in (key for table in metadata.sorted_tables for key in table.foreign_key_constraints):
        key.info["unproved"] = key.name in unproved
    return metadata.sorted_tables


def references_of(table: Table, head: MetaData, present: set[str]) -> dict[str, Reference]:
    """Find where the columns of a table lead: by its keys, by those that are still to come, by none that could be."""
    found = {
        name: Reference(parents, "orphan")
        for name, parents in POLYMORPHIC.items()
        if name in table.columns and {parent for parent, _column in parents} <= present
    }
    if table.name in head.tables:
        later = _keys(head.tables[table.name], lambda _: "orphan")
        found |= {name: key for name, key in later.items() if key.parents[0][0] in present and name in table.columns}
    return found | _keys(table, lambda key: "unproved orphan" if key.info.get("unproved") else None)


def _keys(table: Table, astray: Callable[[ForeignKeyConstraint], Any]) -> dict[str, Reference]:
    keys = [key for key in table.constraints if isinstance(key, ForeignKeyConstraint)]
    elements = [(element, astray(key)) for key in keys for element in key.elements]
    return {e.parent.name: Reference([(e.column.table.name, e.column.name)], kind) for e, kind in elements}


def unique_alone(table: Table) -> set[str]:
    """Name the columns that are unique by themselves: drawn values would mostly be there already."""
    together = [list(table.primary_key.columns), *(list(i.columns) for i in table.indexes if i.unique)]
    alone = [columns[0] for columns in together if len(columns) == 1]
    return {column.name for column in alone if not isinstance(column.type, Enum)}


def allowed(table: Table, column: str) -> list[str]:
    """Read what a check constraint allows in a column, where it lists it."""
    checks = [str(check.sqltext) for check in table.constraints if isinstance(check, CheckConstraint)]
    lists = [check for check in checks if re.match(rf'"?{re.escape(column)}"? = ANY', check)]
    return [quoted or bare for check in lists for quoted, bare in re.findall(r"'([^']*)'|\b(\d+)\b", check)]


def kinds_in(table: Table, column: Column[Any]) -> Kinds:
    """List the kinds of values that a column may be given."""
    listed = allowed(table, column.name)
    kinds: Kinds = {"allowed": st.sampled_from([*listed, "7"])} if listed else dict(kinds_of(column.type))
    takes_words = isinstance(column.type, String | JSON) and not isinstance(column.type, Enum)
    if takes_words and not listed and column.name in TELLING:
        kinds["telling"] = st.sampled_from(TELLING[column.name])
    if column.nullable:
        kinds["null"] = st.none()
    if column.server_default is not None:
        kinds["default"] = st.just(SQL("DEFAULT"))
    return kinds


class Shape:
    """A table as rows are drawn for it."""

    def __init__(self, table: Table, head: MetaData, present: set[str]) -> None:
        self.name = table.name
        self.columns = [c for c in table.columns if c.computed is None and c.identity is None]
        self.references = references_of(table, head, present)
        self.unique = unique_alone(table)
        self.kinds = {c.name: kinds_in(table, c) for c in self.columns if c.name not in self.references}


def how_many(tables: int) -> st.SearchStrategy[int]:
    """Draw how many rows a table gets: more where there are few tables."""
    most = max(3, min(7, 60 // tables))
    return st.sampled_from((most - 1, 1, most, 2, 2, 0))


class Filler:
    """Fills the tables of a domain as they are at this moment."""

    def __init__(self, domain: str, tables: Iterable[Table], tally: Tally) -> None:
        tables = list(tables)
        present = {table.name for table in tables}
        self.shapes = [Shape(table, METADATA[domain], present) for table in tables]
        self.tally, self.rows = tally, how_many(max(1, len(tables)))

    def fill(self, connection: Connection, drawing: Drawing) -> None:
        """Insert none to a few rows into each table, in one transaction."""
        with connection.transaction():
            filling = _Filling(self, connection, drawing)
            for shape in self.shapes:
                for number in range(drawing.draw(self.rows)):
                    filling.insert(shape, number)


@dataclass
class _Filling:
    filler: Filler
    connection: Connection
    drawing: Drawing
    last: dict[tuple[str, str], Any] = field(default_factory=dict[tuple[str, str], Any])
    keys: dict[tuple[str, str], list[Any]] = field(default_factory=dict[tuple[str, str], list[Any]])

    def insert(self, shape: Shape, number: int) -> None:
        """Insert a row, or count why not."""
        tally = self.filler.tally
        try:
            values = {column.name: self.value(shape, column, number) for column in shape.columns}
            with self.connection.transaction():
                if any(value.kind == "unproved orphan" for value in values.values()):
                    self.connection.execute(_BEFORE_THE_KEY)
                self.connection.execute(*_statement(shape.name, values))
        except NoParentError:
            tally.refused[f"{shape.name}: no parent"] += 1
        except REFUSALS as error:
            tally.refused[f"{shape.name}: {error.diag.constraint_name or type(error).__name__}"] += 1
        else:
            tally.land(shape.name, values.values())
            self.keys = {key: rows for key, rows in self.keys.items() if key[0] != shape.name}

    def value(self, shape: Shape, column: Column[Any], number: int) -> Value:
        """Draw a value for a column of the row at hand; the second row of a table says nothing that it need not."""
        turn = next(self.drawing.turns)
        if number == 1 and column.nullable:
            return Value("null", None)
        if column.name in shape.references:
            return self.reference(shape.references[column.name], column, number)
        kinds = shape.kinds[column.name]
        again = ["repeated"] * ((shape.name, column.name) in self.last)
        kind = self.drawing.draw(st.sampled_from([*kinds, *again]))
        place = (shape.name, column.name)
        value = self.last[place] = self.last[place] if kind == "repeated" else self.drawing.draw(kinds[kind])
        if column.name in shape.unique and isinstance(value, str) and self.drawing.draw(st.integers(0, 7)) < 7:
            return Value(kind, f"{value}-{turn}")
        if column.name in shape.unique and isinstance(value, UUID):
            return Value(kind, UUID(int=value.int ^ turn))
        return Value(kind, value)

    def reference(self, reference: Reference, column: Column[Any], number: int) -> Value:
        """Draw one of the parents, none, or one that never was."""
        parents = [key for parent in reference.parents for key in self.parents(*parent)]
        astray = [reference.astray] * bool(reference.astray)
        kinds = [*["parent"] * 4 * bool(parents), *["null"] * bool(column.nullable), *astray]
        if not kinds:
            raise NoParentError
        kind = self.drawing.draw(st.sampled_from(kinds if number else astray or kinds))
        if kind == "parent":
            return Value(kind, self.drawing.draw(st.sampled_from(parents)))
        return Value(kind, None if kind == "null" else self.drawing.draw(kinds_of(column.type)["plain"]))

    def parents(self, table: str, column: str) -> list[Any]:
        """Read the keys that are really there, those that triggers brought too."""
        if (table, column) not in self.keys:
            query = SQL("SELECT {} AS key FROM {} ORDER BY 1").format(Identifier(column), Identifier(table))
            self.keys[table, column] = [row["key"] for row in self.connection.execute(query)]
        return self.keys[table, column]


def _statement(table: str, values: Mapping[str, Value]) -> tuple[Composed, list[Any]]:
    written = [value.value for value in values.values()]
    places = [value if isinstance(value, Composable) else Placeholder() for value in written]
    insert = SQL("INSERT INTO {} ({}) VALUES ({})").format(
        Identifier(table), SQL(", ").join(map(Identifier, values)), SQL(", ").join(places)
    )
    return insert, [value for value in written if not isinstance(value, Composable)]
