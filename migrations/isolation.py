"""Operations that the revisions of a tenant isolation share: the policies of a table, and row security itself.

One table a revision, as each of these statements locks its table for a moment. Whose a row is stands in the revision.
"""

from alembic import op

from migrations.connection import Target

ORGANIZATION = "organization_id = (SELECT espalier.current_organization())"

# Who belongs to no organization: the jobs, and the owner where a transaction has entered every one.
_POLICIES = (
    "CREATE POLICY espalier_tenants ON {table} USING ({own}) WITH CHECK ({written})",
    "CREATE POLICY espalier_jobs ON {table} TO {jobs} USING (true) WITH CHECK (true)",
    "CREATE POLICY espalier_every_organization ON {table} TO CURRENT_USER"
    " USING ((SELECT espalier.in_every_organization())) WITH CHECK ((SELECT espalier.in_every_organization()))",
    "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
)
_LIFTED = (
    "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY",
    "DROP POLICY espalier_every_organization ON {table}",
    "DROP POLICY espalier_jobs ON {table}",
    "DROP POLICY espalier_tenants ON {table}",
)
_DEFAULTS = (
    "CREATE POLICY espalier_defaults ON {table} FOR SELECT"
    " USING (scope = 'system' AND (SELECT espalier.current_organization()) IS NOT NULL)"
)
_DEFAULTS_LIFTED = "DROP POLICY espalier_defaults ON {table}"


def isolate(table: str, own: str, *, refers: str | None = None) -> None:
    """Show and take rows of the organization that the transaction has entered, and no other.

    Args:
        table: which table.
        own: whether a row is the organization's.
        refers: whether what a written row refers to is the organization's too.
    """
    jobs = _quoted_jobs_role()
    written = f"{own} AND {refers}" if refers else own
    for statement in _POLICIES:
        op.execute(statement.format(table=table, own=own, written=written, jobs=jobs))


def isolate_settings(table: str) -> None:
    """Isolate a table whose rows are set for an organization, a learner of it, or the whole system.

    What is set for the system is read by everyone who has entered an organization, and written by none of them.
    """
    op.execute(_DEFAULTS.format(table=table))
    learner = (
        f"scope = 'learner' AND EXISTS (SELECT FROM learners AS l WHERE l.id = {table}.scope_id"
        " AND l.organization_id = (SELECT espalier.current_organization()))"
    )
    isolate(table, f"(scope = 'organization' AND scope_id = (SELECT espalier.current_organization()) OR {learner})")


def lift(table: str) -> None:
    """Take row security and our policies away."""
    for statement in _LIFTED:
        op.execute(statement.format(table=table))


def lift_settings(table: str) -> None:
    """Take row security and our policies away from a table of settings."""
    lift(table)
    op.execute(_DEFAULTS_LIFTED.format(table=table))


def _quoted_jobs_role() -> str:
    config = op.get_context().config
    target = config.attributes["target"] if config else None
    role = target.jobs if isinstance(target, Target) else "espalier_jobs"
    return op.get_context().dialect.identifier_preparer.quote(role)
