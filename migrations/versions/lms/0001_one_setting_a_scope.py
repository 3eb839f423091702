"""A scope has one voice and one set of models; so has the whole system, whose `scope_id` is NULL.

The application's unique indexes take two NULLs for different. They stay, being the application's own; these stand
beside them. `system_settings` needs none: its keys are unique.

This first step of the plan looks at the rows for all of it: scopes that are there twice, and rows of organizations and
learners that are gone, which keys and triggers of later steps will not have. What would stop a later step stops here,
before anything has changed, in one line with the queries that find the rows.
"""

from alembic import op

from migrations.operations import create_index_concurrently, drop_index_concurrently

revision = "lms_0001"
down_revision = "lms_0000"


def upgrade() -> None:
    """Look for rows in the way, then build the indexes while the tables are read and written."""
    op.execute(_REFUSE)
    create_index_concurrently(
        "voice_configs_scope_scope_id_nulls_key",
        "voice_configs",
        ["scope", "scope_id"],
        unique=True,
        nulls_not_distinct=True,
    )
    create_index_concurrently(
        "ai_model_configs_scope_scope_id_nulls_key",
        "ai_model_configs",
        ["scope", "scope_id"],
        unique=True,
        nulls_not_distinct=True,
    )


def downgrade() -> None:
    """Drop the indexes while the tables are read and written."""
    drop_index_concurrently("ai_model_configs_scope_scope_id_nulls_key")
    drop_index_concurrently("voice_configs_scope_scope_id_nulls_key")


_REFUSE = """
    DO $look$
    DECLARE
        found text;
    BEGIN
        WITH scoped AS (
            SELECT 'system_settings' AS owner, scope, scope_id FROM system_settings
            UNION ALL SELECT 'voice_configs', scope, scope_id FROM voice_configs
            UNION ALL SELECT 'ai_model_configs', scope, scope_id FROM ai_model_configs
        ), hazard (owner, rows, what, query) AS (
            SELECT 'ingestion_jobs', count(*), 'of organizations that are gone',
                   'SELECT * FROM ingestion_jobs WHERE organization_id NOT IN (SELECT id FROM organizations)'
            FROM ingestion_jobs AS i WHERE NOT EXISTS (SELECT FROM organizations AS o WHERE o.id = i.organization_id)
            UNION ALL
            SELECT 'analytics', count(*), 'of organizations that are gone',
                   'SELECT * FROM analytics WHERE organization_id NOT IN (SELECT id FROM organizations)'
            FROM analytics AS a WHERE NOT EXISTS (SELECT FROM organizations AS o WHERE o.id = a.organization_id)
            UNION ALL
            SELECT s.owner, count(*), 'of organizations that are gone', format(
                   'SELECT * FROM %I WHERE scope = %L AND scope_id NOT IN (SELECT id FROM organizations)',
                   s.owner, 'organization')
            FROM scoped AS s
            WHERE s.scope = 'organization' AND NOT EXISTS (SELECT FROM organizations AS o WHERE o.id = s.scope_id)
              AND s.scope_id IS NOT NULL
            GROUP BY s.owner
            UNION ALL
            SELECT s.owner, count(*), 'of learners that are gone', format(
                   'SELECT * FROM %I WHERE scope = %L AND scope_id NOT IN (SELECT id FROM learners)',
                   s.owner, 'learner')
            FROM scoped AS s
            WHERE s.scope = 'learner' AND NOT EXISTS (SELECT FROM learners AS l WHERE l.id = s.scope_id)
              AND s.scope_id IS NOT NULL
            GROUP BY s.owner
            UNION ALL
            SELECT d.owner, sum(d.rows), 'that share a scope', format(
                   'SELECT scope, scope_id, count(*) FROM %I GROUP BY 1, 2 HAVING count(*) > 1', d.owner)
            FROM (
                SELECT owner, count(*) AS rows FROM scoped
                WHERE owner <> 'system_settings' GROUP BY owner, scope, scope_id HAVING count(*) > 1
            ) AS d
            GROUP BY d.owner
        )
        SELECT string_agg(format('%s has %s rows %s (%s)', owner, rows, what, query), '; ' ORDER BY owner, what)
        INTO found FROM hazard WHERE rows > 0;
        IF found IS NOT NULL THEN
            RAISE EXCEPTION '%; nothing was changed, correct or delete these rows', found;
        END IF;
    END
    $look$
"""
