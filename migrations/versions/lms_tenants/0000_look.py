"""Row security of the lms domain: a history of its own, which a site takes up or leaves (docs/tenants.md).

Before it locks anything it looks for what would make the isolation untrue: policies of others, which would show more
than ours do, and rows that refer to another organization's. It changes nothing.
"""

from alembic import op

revision = "lms_tenants_0000"
down_revision = None


def upgrade() -> None:
    """Look for policies and rows in the way."""
    op.execute(_POLICIES)
    op.execute(_ROWS)


def downgrade() -> None:
    """Leave everything as it is."""
    op.execute("SELECT 'nothing was made'")


_POLICIES = """
    DO $look$
    DECLARE
        found text;
    BEGIN
        SELECT string_agg(format('%s on %s', p.polname, c.relname), ', ' ORDER BY c.relname, p.polname) INTO found
        FROM pg_catalog.pg_policy AS p JOIN pg_catalog.pg_class AS c ON c.oid = p.polrelid
        WHERE c.relnamespace = current_schema()::regnamespace AND p.polpermissive;
        IF found IS NOT NULL THEN
            RAISE EXCEPTION 'there are policies that may show other organizations'' rows: %; nothing was changed, '
                'drop them first', found;
        END IF;
    END
    $look$
"""

_ROWS = """
    DO $look$
    DECLARE
        found text;
    BEGIN
        WITH crossing (owner, refers, id) AS (
            SELECT 'learners', 'user_id', a.id FROM learners AS a JOIN users AS b ON b.id = a.user_id
            WHERE b.organization_id <> a.organization_id
            UNION ALL
            SELECT 'narrative_nodes', 'nugget_id', a.id
            FROM narrative_nodes AS a JOIN nuggets AS b ON b.id = a.nugget_id
            WHERE b.organization_id <> a.organization_id
            UNION ALL
            SELECT 'sessions', 'learner_id', a.id FROM sessions AS a JOIN learners AS b ON b.id = a.learner_id
            WHERE b.organization_id <> a.organization_id
            UNION ALL
            SELECT 'sessions', 'current_node_id', a.id
            FROM sessions AS a JOIN narrative_nodes AS b ON b.id = a.current_node_id
            WHERE b.organization_id <> a.organization_id
            UNION ALL
            SELECT 'session_nodes', 'node_id', a.id
            FROM session_nodes AS a JOIN sessions AS s ON s.id = a.session_id
            JOIN narrative_nodes AS b ON b.id = a.node_id
            WHERE b.organization_id <> s.organization_id
            UNION ALL
            SELECT 'nugget_sources', 'ingestion_job_id', a.id
            FROM nugget_sources AS a JOIN nuggets AS n ON n.id = a.nugget_id
            JOIN ingestion_jobs AS b ON b.id = a.ingestion_job_id
            WHERE b.organization_id <> n.organization_id
        )
        SELECT string_agg(format('%s.%s of %s rows, such as %s', owner, refers, rows, example), '; ')
        INTO found
        FROM (
            SELECT owner, refers, count(*) AS rows, min(id) AS example FROM crossing GROUP BY 1, 2 ORDER BY 1, 2
        ) AS c;
        IF found IS NOT NULL THEN
            RAISE EXCEPTION 'rows refer to what is another organization''s: %; nothing was changed, correct or '
                'delete these rows', found;
        END IF;
    END
    $look$
"""
