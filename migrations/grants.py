"""What the jobs role may do, as the metadata says: `info["jobs"]` and `info["jobs_columns"]` of each table.

Without an entry a table is readable. Sequences stand in the metadata's own `info["jobs_sequences"]`. What the role has
beyond the list is taken away, on tables and sequences of the metadata only: what a neighbour's grant is the neighbour's
business.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, LiteralString, NamedTuple, cast

from psycopg.sql import SQL, Composed, Identifier
from sqlalchemy import Table

from migrations.connection import OURS, Driver, Target
from migrations.metadata import METADATA

READABLE = "SELECT"


class Grant(NamedTuple):
    """A right on a schema, a table or sequence, or a table's column."""

    right: str
    schema: str
    table: str | None = None
    column: str | None = None
    is_sequence: bool = False

    def __str__(self) -> str:
        name = ".".join(part for part in (self.schema, self.table, self.column) if part)
        return f"{self.right} on {name}"


_TABLE_GRANTS = """
    SELECT acl.privilege_type, c.relname::text, c.relkind = 'S'
    FROM pg_catalog.pg_class AS c, aclexplode(c.relacl) AS acl
    WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = %(schema)s)
      AND c.relname = ANY (%(relations)s)
      AND acl.grantee = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(role)s)
"""
_COLUMN_GRANTS = """
    SELECT acl.privilege_type, c.relname::text, a.attname::text
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND NOT a.attisdropped, aclexplode(a.attacl) AS acl
    WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = %(schema)s)
      AND c.relname = ANY (%(relations)s)
      AND acl.grantee = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(role)s)
"""
_SCHEMA_GRANTS = """
    SELECT acl.privilege_type FROM pg_catalog.pg_namespace AS n, aclexplode(n.nspacl) AS acl
    WHERE n.nspname = %(schema)s AND acl.grantee IN (0, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(role)s))
"""
_SEQUENCES = """
    SELECT c.relname::text FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relkind = 'S' AND c.relname = ANY (%s)
"""
_SCHEMAS = "SELECT nspname::text FROM pg_catalog.pg_namespace WHERE nspname = ANY (%s)"
_PRESENT = """
    SELECT c.relname::text, array_agg(a.attname::text) FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND (c.relname = ANY (%s) OR c.relname LIKE %s)
    GROUP BY 1
"""

Columns = Mapping[str, Collection[str]]


def apply(driver: Driver, target: Target, role: str) -> list[str]:
    """Bring the jobs role's rights on a domain to what is listed; tells what was changed. The owner needs none."""
    if driver.execute("SELECT current_user = %s", [role]).fetchone() == (True,):
        return []
    wanted = set(_listed(driver, target))
    now = set(_held(driver, target, role))
    return _change(driver, role, sorted(wanted - now, key=str), sorted(now - wanted, key=str))


def _change(driver: Driver, role: str, missing: Collection[Grant], surplus: Collection[Grant]) -> list[str]:
    for grant in missing:
        driver.execute(_statement("GRANT {} ON {} TO {}", grant, role))
    for grant in surplus:
        driver.execute(_statement("REVOKE {} ON {} FROM {}", grant, role))
    return [f"granted {g}" for g in missing] + [f"revoked {g}" for g in surplus]


def held(driver: Driver, target: Target, role: str) -> list[Grant]:
    """List what a role may do on a domain's schema and tables."""
    return [grant for grant in _held(driver, target, role) if grant.schema == target.schema]


def restore(driver: Driver, target: Target, role: str, before: Collection[Grant]) -> list[str]:
    """Bring a role's rights on an application's own schema back to what they were before us."""
    if driver.execute("SELECT current_user = %s", [role]).fetchone() == (True,):
        return []
    now, wanted = set(held(driver, target, role)), set(before)
    return _change(driver, role, sorted(wanted - now, key=str), sorted(now - wanted, key=str))


def listed(domain: str, schema: str, present: Columns) -> Iterator[Grant]:
    """List the rights on those tables and columns of a domain that are present."""
    for table in METADATA[domain].tables.values():
        if table.name in present:
            yield from _of_table(table, schema, present[table.name])


def _of_table(table: Table, schema: str, present: Collection[str]) -> Iterator[Grant]:
    for right in str(table.info.get("jobs", READABLE)).replace(",", " ").split():
        yield Grant(right, schema, table.name)
    columns = cast("dict[str, list[str]]", table.info.get("jobs_columns", {}))
    for right, names in columns.items():
        yield from (Grant(right, schema, table.name, name) for name in names if name in present)


def _listed(driver: Driver, target: Target) -> Iterator[Grant]:
    schemas = list(dict.fromkeys((target.schema, OURS, target.extensions)))
    for (schema,) in driver.execute(_SCHEMAS, [schemas]).fetchall():
        yield Grant("USAGE", schema)
    present = _present(driver, target)
    yield from listed(target.domain, target.schema, present)
    rights = _sequence_rights(target.domain)
    yield from (Grant(rights[name], target.schema, name, is_sequence=True) for name in _sequences(driver, target))
    yield from (Grant(READABLE, OURS, name) for name in present if name.startswith("alembic_version_"))


def _held(driver: Driver, target: Target, role: str) -> Iterator[Grant]:
    for schema in dict.fromkeys((target.schema, OURS, target.extensions)):
        rows = driver.execute(_SCHEMA_GRANTS, {"schema": schema, "role": role}).fetchall()
        yield from (Grant("USAGE", schema) for (right,) in rows if right == "USAGE")
    relations = [*_present(driver, target), *_sequences(driver, target)]
    asked: dict[str, Any] = {"schema": target.schema, "role": role, "relations": relations}
    for right, name, is_sequence in driver.execute(_TABLE_GRANTS, asked).fetchall():
        yield Grant(right, target.schema, name, is_sequence=is_sequence)
    for right, table, column in driver.execute(_COLUMN_GRANTS, asked).fetchall():
        yield Grant(right, target.schema, table, column)


def _present(driver: Driver, target: Target) -> Columns:
    names = [table.name for table in METADATA[target.domain].tables.values()]
    ours = r"alembic\_version\_%" if target.schema == OURS else ""
    return dict(driver.execute(_PRESENT, [target.schema, names, ours]).fetchall())


def _sequence_rights(domain: str) -> Mapping[str, str]:
    return cast("Mapping[str, str]", METADATA[domain].info.get("jobs_sequences", {}))


def _sequences(driver: Driver, target: Target) -> list[str]:
    rows = driver.execute(_SEQUENCES, [target.schema, list(_sequence_rights(target.domain))]).fetchall()
    return [name for (name,) in rows]


def _statement(template: LiteralString, grant: Grant, role: str) -> Composed:
    if grant.table is None:
        place = SQL("SCHEMA {}").format(Identifier(grant.schema))
    else:
        kind = SQL("SEQUENCE" if grant.is_sequence else "TABLE")
        place = SQL("{} {}").format(kind, Identifier(grant.schema, grant.table))
    right = SQL("{} ({})").format(_word(grant.right), Identifier(grant.column)) if grant.column else _word(grant.right)
    return SQL(template).format(right, place, Identifier(role))


def _word(right: str) -> SQL:
    words: tuple[LiteralString, ...] = (
        "SELECT",
        "INSERT",
        "UPDATE",
        "DELETE",
        "TRUNCATE",
        "REFERENCES",
        "TRIGGER",
        "MAINTAIN",
        "USAGE",
    )
    return SQL(words[words.index(right)])
