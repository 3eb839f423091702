"""The comments that our revisions write on tables and columns, and those that are there.

They are no objects of the record: a comment that somebody rewords must not stop the way down. On tables that were there
before us a comment is the application's own affair, also where a revision of ours that was completed has left it out.
"""

from collections.abc import Iterator

from migrations.catalog import Thing
from migrations.connection import Driver, Target
from migrations.metadata import METADATA

Comments = dict[Thing, str]

_FOUND = """
    SELECT c.relname::text, a.attname::text, d.description FROM pg_catalog.pg_description AS d
    JOIN pg_catalog.pg_class AS c ON c.oid = d.objoid AND d.classoid = 'pg_catalog.pg_class'::regclass
    LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0
    WHERE c.relnamespace = to_regnamespace(quote_ident(%s)) AND c.relkind IN ('r', 'p')
"""
# Tables that we have made, and after which no revision was taken over or completed: all that follows is our own text.
_OURS = """
    SELECT name FROM espalier.created_objects WHERE domain = %(domain)s AND kind = 'table'
      AND revision >= ALL (
          SELECT revision FROM espalier.created_objects WHERE domain = %(domain)s AND kind = 'taken over'
      )
"""


def wanted(domain: str) -> Comments:
    """Tell the comments at the head of a domain's revisions."""
    tables = METADATA[domain].tables.values()
    of_tables = {Thing("table", table.name): table.comment for table in tables}
    of_columns = {Thing("column", f"{t.name}.{c.name}"): c.comment for t in tables for c in t.columns}
    return {thing: text for thing, text in (of_tables | of_columns).items() if text}


def found(driver: Driver, schema: str) -> Comments:
    """Read the comments on tables and columns of a schema."""
    rows = driver.execute(_FOUND, [schema]).fetchall()
    return {Thing("column", f"{t}.{c}") if c else Thing("table", t): text for t, c, text in rows}


def unlike(driver: Driver, target: Target) -> Iterator[str]:
    """Name the comments on our own tables that are gone or say something else."""
    ours = {name for (name,) in driver.execute(_OURS, {"domain": target.domain}).fetchall()}
    there = found(driver, target.schema)
    for thing, text in wanted(target.domain).items():
        if (thing.table or thing.name) in ours and there.get(thing) != text:
            yield f"comment on {thing} {'says something else' if thing in there else 'is missing'}"


def absent(driver: Driver, target: Target) -> list[str]:
    """Name what would have a comment on a site of ours and has none, whoever made it."""
    there = found(driver, target.schema)
    return [str(thing) for thing in wanted(target.domain) if thing not in there]
