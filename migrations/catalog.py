"""A snapshot of what stands in a schema: every object with its definition, as Postgres itself writes it.

Definitions are written under an empty search path, so that they do not depend on who asks. Objects that belong to an
extension are left out. Row security is an object of its own, so that a table is the same with and without it.
"""

from collections.abc import Collection
from typing import LiteralString, NamedTuple

from psycopg.sql import SQL

from migrations.connection import Driver


class Thing(NamedTuple):
    """What an object is called: its kind, and its name within the schema; `table.part` for the parts of a table."""

    kind: str
    name: str

    @property
    def table(self) -> str | None:
        """The table that it is a part of."""
        return self.name.split(".")[0] if self.kind in PARTS else None

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


Snapshot = dict[Thing, str]
PARTS = ("column", "constraint", "index", "trigger", "policy", "security")

_OBJECTS: LiteralString = r"""
WITH ns AS (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s),
     of_extension AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
     rel AS (
         SELECT c.*, c.xmin AS xid FROM pg_class AS c
         WHERE c.relnamespace IN (SELECT oid FROM ns) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
           AND ('pg_class'::regclass, c.oid) NOT IN (SELECT classid, objid FROM of_extension)
     )
SELECT 'table' AS kind, relname::text AS name, rel.xid,
       CASE relpersistence WHEN 'u' THEN 'unlogged ' ELSE '' END
       || CASE relkind WHEN 'p' THEN 'partitioned by ' || pg_get_partkeydef(oid) WHEN 'f' THEN 'foreign'
          ELSE 'plain' END AS definition
FROM rel WHERE relkind IN ('r', 'p', 'f')
UNION ALL
SELECT 'security', relname || '.rows', rel.xid,
       concat_ws(', ', CASE WHEN relrowsecurity THEN 'enabled' END, CASE WHEN relforcerowsecurity THEN 'forced' END)
FROM rel WHERE relrowsecurity OR relforcerowsecurity
UNION ALL
SELECT 'view', relname::text, rel.xid, pg_get_viewdef(oid) FROM rel WHERE relkind IN ('v', 'm')
UNION ALL
SELECT 'sequence', relname::text, rel.xid, 'sequence' FROM rel
WHERE relkind = 'S' AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = rel.oid AND deptype IN ('i', 'a'))
UNION ALL
SELECT 'column', rel.relname || '.' || a.attname, a.xmin,
       format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
       || CASE a.attidentity WHEN 'a' THEN ' identity' WHEN 'd' THEN ' identity by default' ELSE '' END
       || CASE a.attgenerated WHEN '' THEN ' default ' ELSE ' generated as ' END
       || coalesce(pg_get_expr(d.adbin, d.adrelid), 'null')
FROM rel
JOIN pg_attribute AS a ON a.attrelid = rel.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE rel.relkind IN ('r', 'p', 'f')
UNION ALL
SELECT 'constraint', rel.relname || '.' || k.conname, k.xmin, pg_get_constraintdef(k.oid)
FROM rel JOIN pg_constraint AS k ON k.conrelid = rel.oid
WHERE k.contype IN ('p', 'u', 'f', 'c', 'x')
UNION ALL
SELECT 'index', rel.relname || '.' || i.relname, x.xmin, pg_get_indexdef(x.indexrelid)
FROM rel
JOIN pg_index AS x ON x.indrelid = rel.oid
JOIN pg_class AS i ON i.oid = x.indexrelid
WHERE NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x'))
UNION ALL
SELECT 'trigger', rel.relname || '.' || t.tgname, t.xmin,
       pg_get_triggerdef(t.oid) || CASE t.tgenabled WHEN 'O' THEN '' ELSE ', not enabled for every origin' END
FROM rel JOIN pg_trigger AS t ON t.tgrelid = rel.oid
WHERE NOT t.tgisinternal
UNION ALL
SELECT 'policy', rel.relname || '.' || p.polname, p.xmin,
       concat_ws(' ', p.polcmd::text, p.polpermissive::text, pg_get_expr(p.polqual, p.polrelid),
                 pg_get_expr(p.polwithcheck, p.polrelid), 'to', (
           SELECT string_agg(coalesce(r.rolname::text, 'PUBLIC'), ', ' ORDER BY r.rolname)
           FROM unnest(p.polroles) AS o (role) LEFT JOIN pg_roles AS r ON r.oid = o.role
       ))
FROM rel JOIN pg_policy AS p ON p.polrelid = rel.oid
UNION ALL
SELECT 'function', p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', p.xmin,
       pg_get_functiondef(p.oid) || CASE
           WHEN EXISTS (
               SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS acl WHERE acl.grantee = 0
           ) THEN 'executable by PUBLIC' ELSE 'not executable by PUBLIC' END
FROM pg_proc AS p
WHERE p.pronamespace IN (SELECT oid FROM ns) AND p.prokind IN ('f', 'p')
  AND ('pg_proc'::regclass, p.oid) NOT IN (SELECT classid, objid FROM of_extension)
UNION ALL
SELECT 'enum', t.typname::text, t.xmin, (
    SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum AS e
    WHERE e.enumtypid = t.oid
)
FROM pg_type AS t
WHERE t.typnamespace IN (SELECT oid FROM ns) AND t.typtype = 'e'
  AND ('pg_type'::regclass, t.oid) NOT IN (SELECT classid, objid FROM of_extension)
"""

_MADE_HERE = SQL(
    "SELECT kind, name FROM ({}) AS o WHERE o.xid::text = (pg_current_xact_id()::text::bigint %% 4294967296)::text"
).format(SQL(_OBJECTS))

_INVALID_INDEXES = """
SELECT t.relname || '.' || i.relname FROM pg_catalog.pg_index AS x
JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
JOIN pg_catalog.pg_class AS t ON t.oid = x.indrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = i.relnamespace
WHERE n.nspname = %s AND NOT (x.indisvalid AND x.indisready)
ORDER BY 1
"""


_DEPENDANTS = """
SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid)
FROM pg_catalog.pg_depend AS d
LEFT JOIN pg_catalog.pg_constraint AS k ON d.classid = 'pg_catalog.pg_constraint'::regclass AND k.oid = d.objid
JOIN pg_catalog.pg_class AS t ON t.oid = d.refobjid AND d.refclassid = 'pg_catalog.pg_class'::regclass
LEFT JOIN pg_catalog.pg_trigger AS g ON d.classid = 'pg_catalog.pg_trigger'::regclass AND g.oid = d.objid
LEFT JOIN pg_catalog.pg_policy AS p ON d.classid = 'pg_catalog.pg_policy'::regclass AND p.oid = d.objid
LEFT JOIN pg_catalog.pg_class AS o ON o.oid = coalesce(k.conrelid, g.tgrelid, p.polrelid)
LEFT JOIN pg_catalog.pg_rewrite AS w ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND w.oid = d.objid
LEFT JOIN pg_catalog.pg_class AS v ON v.oid = w.ev_class
WHERE d.deptype = 'n' AND t.relnamespace = to_regnamespace(quote_ident(%(schema)s))
  AND t.relname = ANY (%(tables)s)
  AND NOT coalesce(v.relnamespace = to_regnamespace('espalier_analytics'), false)
  AND NOT (o.oid IS NOT NULL AND o.relnamespace = t.relnamespace AND o.relname = ANY (%(tables)s))
ORDER BY 1
"""


def snapshot(driver: Driver, schema: str) -> Snapshot:
    """Read every object of a schema with its definition."""
    with driver.transaction(), driver.cursor() as cursor:
        before = cursor.execute("SELECT current_setting('search_path')").fetchone()
        cursor.execute("SELECT set_config('search_path', 'pg_catalog', true)")
        rows = cursor.execute(_OBJECTS, {"schema": schema}).fetchall()
        cursor.execute("SELECT set_config('search_path', %s, true)", before)
    return {Thing(kind, name): definition or "" for kind, name, _xid, definition in rows}


def made_here(driver: Driver, schema: str) -> set[Thing]:
    """Name the objects that the transaction at hand has made or changed, and not someone else meanwhile."""
    rows = driver.execute(_MADE_HERE, {"schema": schema}).fetchall()
    return {Thing(kind, name) for kind, name in rows}


def invalid_indexes(driver: Driver, schema: str) -> list[str]:
    """Name, as `table.index`, what a cancelled concurrent build left behind: it costs writes and serves no query."""
    with driver.transaction():
        return [name for (name,) in driver.execute(_INVALID_INDEXES, [schema]).fetchall()]


def dependants(driver: Driver, schema: str, tables: Collection[str]) -> list[str]:
    """Describe what refers to tables from outside of them, so that they cannot be dropped: views, foreign keys.

    Our own masked views are left out: a step drops them itself.
    """
    with driver.transaction():
        rows = driver.execute(_DEPENDANTS, {"schema": schema, "tables": list(tables)}).fetchall()
    return [description for (description,) in rows]
