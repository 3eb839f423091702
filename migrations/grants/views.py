"""What people who analyse see: a view of each table without the columns that name a person or hold what people write.

A masked view must read with its owner's rights, as whoever may read the table below it needs no view. Its owner is a
role that nobody logs in as and that holds SELECT on exactly the columns shown, so that no mistake in a view can show
more. `security_barrier` keeps a function in a query from seeing the rows that consent leaves out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import LiteralString

from pgvector.sqlalchemy import Vector
from psycopg.sql import SQL, Composed, Identifier
from sqlalchemy import ARRAY, LargeBinary, String
from sqlalchemy.dialects.postgresql import ENUM, JSONB
from sqlalchemy.types import TypeEngine

from migrations.connection import Driver
from migrations.grants.grant import Grant
from migrations.grants.matrix import NO_VIEW, Columns, matrix
from migrations.metadata import METADATA
from orchestration.database_roles import document

SCHEMA = "espalier_analytics"
_WORDS = (String, JSONB, ARRAY, Vector, LargeBinary)

_FOUND: LiteralString = """
    SELECT c.relname::text, pg_catalog.pg_get_viewdef(c.oid), o.rolname::text,
           coalesce(c.reloptions, '{}') = '{security_barrier=true}'
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_catalog.pg_roles AS o ON o.oid = c.relowner
    WHERE n.nspname = %s AND c.relkind = 'v' AND starts_with(c.relname, %s)
"""


@dataclass(frozen=True)
class View:
    """A masked view: of which table, with which columns, and whose rows are left out."""

    name: str
    schema: str
    table: str
    columns: tuple[str, ...]
    consent: Mapping[str, str] | None = None

    @property
    def query(self) -> Composed:
        """Write it as Postgres does, but for quotes and line breaks."""
        columns = SQL(", ").join(map(Identifier, self.columns))
        place = Identifier(self.schema, self.table)
        return SQL("SELECT {} FROM {}{}").format(columns, place, self._where())

    def _where(self) -> Composed:
        if self.consent is None:
            return Composed([])
        people, key, flag, owner = (self.consent[part] for part in ("table", "key", "flag", "owner"))
        if self.table == people:
            return SQL(" WHERE {}").format(Identifier(flag))
        return SQL(" WHERE (EXISTS ( SELECT FROM {} p WHERE ((p.{} = {}) AND p.{})))").format(
            Identifier(self.schema, people), Identifier(key), Identifier(self.table, owner), Identifier(flag)
        )

    @property
    def definition(self) -> str:
        """Give the text to compare."""
        return _plain(self.query.as_string())

    def made(self, owner: str) -> Iterator[Composed]:
        """Write the statements that make it."""
        name = Identifier(SCHEMA, self.name)
        yield SQL("CREATE VIEW {} WITH (security_barrier = true) AS {}").format(name, self.query)
        yield SQL("ALTER VIEW {} OWNER TO {}").format(name, Identifier(owner))


def views_of(domain: str, schema: str, present: Columns) -> list[View]:
    """List the views of the tables that are present, with those of their columns that may be shown."""
    return [view for table in sorted(present) if (view := _view(domain, schema, table, present))]


def needed_by(views: list[View], owner: str) -> Iterator[Grant]:
    """List the columns that the views' owner must read: those that are shown, and those that consent is read from."""
    seen = {(view.schema, view.table, column) for view in views for column in view.columns}
    for view in views:
        if view.consent:
            seen |= {(view.schema, view.consent["table"], view.consent[part]) for part in ("key", "flag")}
            if view.table != view.consent["table"]:
                seen.add((view.schema, view.table, view.consent["owner"]))
    yield from (Grant(owner, "SELECT", "table", *place) for place in sorted(seen))


def found_views(driver: Driver, domain: str) -> dict[str, tuple[str, str, bool]]:
    """Read the views of a domain: definition, owner, and whether they are security barriers and nothing else."""
    with driver.transaction():
        before = driver.execute("SELECT current_setting('search_path')").fetchone()
        driver.execute("SELECT set_config('search_path', 'pg_catalog', true)")
        rows = driver.execute(_FOUND, [SCHEMA, f"{domain}_"]).fetchall()
        driver.execute("SELECT set_config('search_path', %s, true)", before)
    return {name: (_plain(text), owner, barrier) for name, text, owner, barrier in rows}


def is_as_wanted(view: View, owner: str, found: Mapping[str, tuple[str, str, bool]]) -> bool:
    """Whether a view is there as it should be."""
    return found.get(view.name) == (view.definition, owner, True)


def _view(domain: str, schema: str, table: str, present: Columns) -> View | None:
    described = METADATA[domain].tables.get(table)
    kind = matrix(domain).class_of(table)
    if described is None or kind is None or kind in NO_VIEW:
        return None
    rules = document().get("views", {}).get(domain, {})
    shown = tuple(
        column.name
        for column in described.columns
        if column.name in present[table] and _may_be_shown(f"{table}.{column.name}", column.type, rules)
    )
    consent = rules.get("consent")
    if consent is None or not shown:
        return View(f"{domain}_{table}", schema, table, shown) if shown else None
    if table != consent["table"] and consent["owner"] not in present[table]:
        return View(f"{domain}_{table}", schema, table, shown)
    asked = {consent["key"], consent["flag"]} <= set(present.get(consent["table"], ()))
    return View(f"{domain}_{table}", schema, table, shown, consent) if asked else None


def _may_be_shown(name: str, kind: TypeEngine[object], rules: Mapping[str, list[str]]) -> bool:
    column = name.partition(".")[2]
    is_key = column == "id" or column.endswith(("Id", "_id"))
    free = isinstance(kind, _WORDS) and not isinstance(kind, ENUM)
    return name not in rules.get("hidden", ()) and (not free or is_key or name in rules.get("shown", ()))


def _plain(text: str) -> str:
    return " ".join(text.replace('"', "").rstrip(";").split())
