"""What our revisions created in a domain's schema, as it stands now: from our record and the catalogs, never a list.

Objects of an application's own tables are told apart from tables of ours: a tool can leave out a whole table, but the
column of a table that it knows it must know.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, LiteralString

from psycopg.rows import class_row

from migrations import catalog, records, state
from migrations.catalog import Snapshot, Thing
from migrations.connection import Database, Driver, Target
from migrations.revisions import applied, history
from migrations.tenancy import on_record

_COLUMNS: LiteralString = """
    SELECT t.relname::text AS table, a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
           a.attnotnull AS required, pg_get_expr(d.adbin, d.adrelid) AS default,
           CASE WHEN y.typtype = 'e' THEN y.typname::text END AS enum
    FROM pg_catalog.pg_attribute AS a
    JOIN pg_catalog.pg_class AS t ON t.oid = a.attrelid JOIN pg_catalog.pg_type AS y ON y.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE t.relnamespace = to_regnamespace(quote_ident(%(schema)s)) AND t.relname || '.' || a.attname = ANY (%(names)s)
    ORDER BY t.relname, a.attnum
"""
_INDEXES: LiteralString = """
    SELECT t.relname::text AS table, i.relname::text AS name, m.amname::text AS method, x.indisunique AS unique,
           pg_get_expr(x.indpred, x.indrelid, true) AS predicate, k.n AS place, a.attname::text AS column,
           pg_get_indexdef(x.indexrelid, k.n, true) AS text, o.opcname::text AS class,
           o.opcdefault AS default_class, x.indoption[k.n - 1]::int AS option
    FROM pg_catalog.pg_index AS x
    JOIN pg_catalog.pg_class AS t ON t.oid = x.indrelid JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
    JOIN pg_catalog.pg_am AS m ON m.oid = i.relam
    CROSS JOIN LATERAL generate_series(1, x.indnkeyatts::int) AS k (n)
    JOIN pg_catalog.pg_opclass AS o ON o.oid = x.indclass[k.n - 1]
    LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[k.n - 1] AND a.attnum > 0
    WHERE t.relnamespace = to_regnamespace(quote_ident(%(schema)s)) AND t.relname || '.' || i.relname = ANY (%(names)s)
    ORDER BY t.relname, i.relname, k.n
"""
_KEYS: LiteralString = """
    SELECT t.relname::text AS table, k.conname::text AS name, f.relname::text AS target, k.confdeltype AS on_delete,
           k.confupdtype AS on_update,
           (SELECT array_agg(a.attname::text ORDER BY u.n) FROM unnest(k.conkey) WITH ORDINALITY AS u (num, n)
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.num) AS columns,
           (SELECT array_agg(a.attname::text ORDER BY u.n) FROM unnest(k.confkey) WITH ORDINALITY AS u (num, n)
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.num) AS target_columns
    FROM pg_catalog.pg_constraint AS k
    JOIN pg_catalog.pg_class AS t ON t.oid = k.conrelid JOIN pg_catalog.pg_class AS f ON f.oid = k.confrelid
    WHERE k.contype = 'f' AND t.relnamespace = to_regnamespace(quote_ident(%(schema)s))
      AND t.relname || '.' || k.conname = ANY (%(names)s)
    ORDER BY 1, 2
"""
_PARTITIONS: LiteralString = """
    WITH RECURSIVE below AS (
        SELECT oid FROM pg_catalog.pg_class
        WHERE relnamespace = to_regnamespace(quote_ident(%(schema)s)) AND relname = ANY (%(names)s)
        UNION SELECT h.inhrelid FROM pg_catalog.pg_inherits AS h JOIN below ON below.oid = h.inhparent
    )
    SELECT relname::text FROM pg_catalog.pg_class JOIN below USING (oid) WHERE relkind IN ('r', 'p') ORDER BY 1
"""
_POLICIES: LiteralString = """
    SELECT tablename::text AS table, policyname::text AS name, lower(permissive) AS behaves, lower(cmd) AS command,
           roles::text[] AS roles, qual AS using, with_check AS check
    FROM pg_catalog.pg_policies
    WHERE schemaname = %(schema)s AND tablename || '.' || policyname = ANY (%(names)s)
    ORDER BY 1, 2
"""
_NULLS_FIRST, _DESCENDING = 2, 1


@dataclass(frozen=True)
class Column:
    """A column that we added to a table of the application."""

    table: str
    name: str
    type: str
    required: bool
    default: str | None
    enum: str | None

    @property
    def literal(self) -> str | None:
        """The default as plain text, where it is a constant in quotes: `'it''s'::text` is it's."""
        quoted = re.fullmatch(r"'((?:[^']|'')*)'::.+", self.default or "", re.DOTALL)
        return quoted[1].replace("''", "'") if quoted else None

    @property
    def is_text(self) -> bool:
        """Whether a constant of it is written in quotes by the tools."""
        return bool(self.enum) or self.type == "text" or self.type.startswith("character varying")


@dataclass(frozen=True)
class Part:
    """One part of an index: a column, or an expression where `column` is None; `class_` where it is not the default."""

    column: str | None
    text: str
    class_: str
    default_class: bool
    descending: bool
    nulls_first: bool


@dataclass(frozen=True)
class Index:
    """An index that we made on a table of the application."""

    table: str
    name: str
    method: str
    unique: bool
    predicate: str | None
    parts: list[Part]


@dataclass(frozen=True)
class Key:
    """A foreign key that we added to a table of the application; actions as pg_constraint writes them."""

    table: str
    name: str
    target: str
    on_delete: str
    on_update: str
    columns: list[str]
    target_columns: list[str]


@dataclass(frozen=True)
class Policy:
    """A policy of row security on a table of the application; `using` and `check` are None where it says nothing."""

    table: str
    name: str
    behaves: str
    command: str
    roles: list[str]
    using: str | None
    check: str | None


@dataclass(frozen=True)
class Ours:
    """All that is ours in a domain's schema.

    Attributes:
        tables: our tables, their partitions with them.
        enums: labels by the enum's name.
        checks: definitions by `table.name`, on tables of the application only, like all that follows.
        others: what no tool of an application knows of: triggers, functions, views and the like.
        policies: those that keep the tenants of such tables apart.
    """

    target: Target
    tables: list[str]
    enums: dict[str, list[str]]
    columns: list[Column] = field(default_factory=list[Column])
    indexes: list[Index] = field(default_factory=list[Index])
    keys: list[Key] = field(default_factory=list[Key])
    checks: dict[str, str] = field(default_factory=dict[str, str])
    others: list[Thing] = field(default_factory=list[Thing])
    policies: list[Policy] = field(default_factory=list[Policy])


def ours(database: Database, target: Target) -> Ours:
    """Read what our revisions created and what of it stands, without what was there before us."""
    driver = database.driver
    found = catalog.snapshot(driver, target.schema)
    with driver.transaction():
        made = [thing for thing in _made(driver, target) if thing in found]
        tables = {thing.name for thing in made if thing.kind == "table"}
        theirs = [thing for thing in made if thing.kind != "table" and thing.table not in tables]
        constraints = {thing.name: found[thing] for thing in theirs if thing.kind == "constraint"}
        known = ("column", "index", "constraint", "enum")
        return Ours(
            target=target,
            tables=[name for (name,) in driver.execute(_PARTITIONS, _asked(target, tables)).fetchall()],
            enums={thing.name: _labels(found[thing]) for thing in theirs if thing.kind == "enum"},
            columns=_columns(driver, target, theirs),
            indexes=_indexes(driver, target, theirs),
            keys=_keys(driver, target, theirs),
            checks={name: text for name, text in constraints.items() if text.startswith("CHECK")},
            others=[
                *(thing for thing in theirs if thing.kind not in known),
                *(Thing("constraint", n) for n, d in constraints.items() if not d.startswith(("CHECK", "FOREIGN"))),
            ],
            policies=_policies(driver, target, on_record(driver, target.domain)),
        )


def _made(driver: Driver, target: Target) -> list[Thing]:
    """Name what is on record of the revisions after the baseline, which stands for the application's own schema."""
    domain = target.domain
    after = [revision for revision in applied(domain, state.current(driver, domain)) if revision not in _first(domain)]
    recorded: Snapshot = records.objects(records.expected(driver, domain, after))
    adopted = records.adopted(driver, domain)
    return sorted(thing for thing in recorded if thing not in adopted)


def _first(domain: str) -> set[str]:
    return {history(domain)[0].id}


def _labels(definition: str) -> list[str]:
    return [label.strip("'").replace("''", "'") for label in definition.split(", ")]


def _asked(target: Target, names: Iterable[str]) -> dict[str, Any]:
    return {"schema": target.schema, "names": sorted(names)}


def _names(theirs: Iterable[Thing], kind: str) -> list[str]:
    return [thing.name for thing in theirs if thing.kind == kind]


def _columns(driver: Driver, target: Target, theirs: list[Thing]) -> list[Column]:
    with driver.cursor(row_factory=class_row(Column)) as cursor:
        return cursor.execute(_COLUMNS, _asked(target, _names(theirs, "column"))).fetchall()


def _keys(driver: Driver, target: Target, theirs: list[Thing]) -> list[Key]:
    with driver.cursor(row_factory=class_row(Key)) as cursor:
        return cursor.execute(_KEYS, _asked(target, _names(theirs, "constraint"))).fetchall()


def _policies(driver: Driver, target: Target, recorded: Iterable[Thing]) -> list[Policy]:
    with driver.cursor(row_factory=class_row(Policy)) as cursor:
        return cursor.execute(_POLICIES, _asked(target, _names(recorded, "policy"))).fetchall()


def _indexes(driver: Driver, target: Target, theirs: list[Thing]) -> list[Index]:
    found: dict[str, Index] = {}
    for row in driver.execute(_INDEXES, _asked(target, _names(theirs, "index"))).fetchall():
        table, name, method, unique, predicate, _place, column, text, class_, default_class, option = row
        index = found.setdefault(f"{table}.{name}", Index(table, name, method, unique, predicate, []))
        descending, nulls_first = bool(option & _DESCENDING), bool(option & _NULLS_FIRST)
        index.parts.append(Part(column, text, class_, default_class, descending, nulls_first))
    return list(found.values())
