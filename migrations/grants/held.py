"""What the catalogs say: every right that is not its object's owner's, and what stands where."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, LiteralString

from migrations.connection import Driver
from migrations.grants.grant import Grant

# Of schemas, relations, columns, functions (whose default is EXECUTE for PUBLIC), and of what is still to be made.
_HELD: LiteralString = """
WITH ns AS (SELECT oid, nspname::text AS schema, nspowner, nspacl FROM pg_catalog.pg_namespace
            WHERE nspname = ANY (%(schemas)s)),
     of_extension AS (SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'),
     rights (grantee, privilege, kind, schema, name, part, grantable, owner) AS (
         SELECT a.grantee, a.privilege_type, 'schema', ns.schema, '', '', a.is_grantable, ns.nspowner
         FROM ns, aclexplode(ns.nspacl) AS a
         UNION ALL
         SELECT a.grantee, a.privilege_type, CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, ns.schema,
                c.relname::text, '', a.is_grantable, c.relowner
         FROM ns JOIN pg_catalog.pg_class AS c ON c.relnamespace = ns.oid, aclexplode(c.relacl) AS a
         WHERE ('pg_class'::regclass, c.oid) NOT IN (SELECT classid, objid FROM of_extension)
         UNION ALL
         SELECT a.grantee, a.privilege_type, 'table', ns.schema, c.relname::text, t.attname::text, a.is_grantable,
                c.relowner
         FROM ns JOIN pg_catalog.pg_class AS c ON c.relnamespace = ns.oid
         JOIN pg_catalog.pg_attribute AS t ON t.attrelid = c.oid AND NOT t.attisdropped, aclexplode(t.attacl) AS a
         WHERE ('pg_class'::regclass, c.oid) NOT IN (SELECT classid, objid FROM of_extension)
         UNION ALL
         SELECT a.grantee, a.privilege_type, 'function', ns.schema,
                p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')', '', a.is_grantable,
                p.proowner
         FROM ns JOIN pg_catalog.pg_proc AS p ON p.pronamespace = ns.oid,
              aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
         WHERE ('pg_proc'::regclass, p.oid) NOT IN (SELECT classid, objid FROM of_extension)
         UNION ALL
         SELECT a.grantee, a.privilege_type, 'default', ns.schema, d.defaclrole::regrole::text, d.defaclobjtype::text,
                a.is_grantable, d.defaclrole
         FROM ns JOIN pg_catalog.pg_default_acl AS d ON d.defaclnamespace IN (0, ns.oid), aclexplode(d.defaclacl) AS a
     )
SELECT coalesce(r.rolname::text, 'PUBLIC'), privilege, kind, schema, name, part, grantable
FROM rights LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = grantee
WHERE grantee <> owner
"""
_SCHEMAS = "SELECT nspname::text FROM pg_catalog.pg_namespace WHERE nspname = ANY (%s)"
_RELATIONS: LiteralString = """
    SELECT c.relname::text, c.relkind::text, o.rolname::text, pg_catalog.pg_has_role(c.relowner, 'USAGE'),
           array_remove(array_agg(CASE WHEN a.attnum > 0 AND NOT a.attisdropped THEN a.attname::text END
                                  ORDER BY a.attnum), NULL)
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_catalog.pg_roles AS o ON o.oid = c.relowner
    LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
    WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') GROUP BY 1, 2, 3, 4
"""
_FUNCTIONS: LiteralString = """
    SELECT p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')',
           pg_catalog.pg_has_role(p.proowner, 'USAGE')
    FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname = %(schema)s
"""


@dataclass(frozen=True)
class Relations:
    """What stands in a schema: the columns of its tables, its materialized views and functions; who owns what.

    `others` are relations and functions whose owner the connected role cannot act for.
    """

    columns: Mapping[str, list[str]]
    materialized: frozenset[str]
    owners: Mapping[str, str]
    others: frozenset[str]
    functions: frozenset[str]


def existing(driver: Driver, schemas: Collection[str]) -> set[str]:
    """Name the schemas that exist."""
    return {name for (name,) in driver.execute(_SCHEMAS, [list(schemas)]).fetchall()}


def held(driver: Driver, schemas: Collection[str]) -> set[Grant]:
    """Read every right on schemas and on what stands in them, but what an extension brings."""
    rows = driver.execute(_HELD, {"schemas": list(schemas)}).fetchall()
    return {Grant(*row) for row in rows}


def relations(driver: Driver, schema: str) -> Relations:
    """Read what stands in a schema."""
    asked: dict[str, Any] = {"schema": schema}
    rows = driver.execute(_RELATIONS, asked).fetchall()
    functions = dict(driver.execute(_FUNCTIONS, asked).fetchall())
    return Relations(
        columns={name: columns for name, kind, _, _, columns in rows if kind in ("r", "p", "f")},
        materialized=frozenset(name for name, kind, *_ in rows if kind == "m"),
        owners={name: owner for name, _, owner, *_ in rows},
        others=frozenset(
            [*(name for name, _, _, mine, _ in rows if not mine), *(f for f, mine in functions.items() if not mine)]
        ),
        functions=frozenset(functions),
    )
