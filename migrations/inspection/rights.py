"""Whether the roles fit: who migrates must own the application's tables, whom the jobs run as must not."""

from collections.abc import Collection

from migrations.connection import Driver

_OWNERS = """
    SELECT c.relname::text, r.rolname::text, pg_catalog.pg_has_role(c.relowner, 'USAGE'), r.rolname = %(jobs)s,
           current_user::text
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_catalog.pg_roles AS r ON r.oid = c.relowner
    WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p') AND c.relname = ANY (%(tables)s) ORDER BY 1
"""


def unfit_roles(driver: Driver, schema: str, tables: Collection[str], jobs: str) -> list[str]:
    """Say in a few lines what keeps us from altering tables, or lets the jobs do more than they should."""
    asked = {"schema": schema, "tables": list(tables), "jobs": jobs}
    return [
        f"role {role} may not alter {table}, which {owner} owns; name a member of {owner} in DIRECT_DATABASE_URL"
        if not ours
        else f"role {jobs} owns {table}; jobs need a role of their own, name it in ESPALIER_JOBS_ROLE"
        for table, owner, ours, is_jobs, role in driver.execute(_OWNERS, asked).fetchall()
        if not ours or (is_jobs and owner != role)
    ][:3]
