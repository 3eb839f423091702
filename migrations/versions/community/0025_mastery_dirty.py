"""Every attempt that is written, changed or deleted marks its pair, so that its mastery is derived again.

Marks are rows without a lock in common: attempts of one user at one concept never wait for each other, nor for the job.
A mark without a user means every pair: it stands for the attempts that exist when the triggers come, and for a
TRUNCATE.
"""

from alembic import op

revision = "community_0025"
down_revision = "community_0024"


def upgrade() -> None:
    """Create the triggers, then mark every pair: the lock comes before the mark."""
    for statement in (_ROW, _TRUNCATE, *_RIGHTS, *_TRIGGERS):
        op.execute(statement)
    op.execute("INSERT INTO espalier.mastery_dirty DEFAULT VALUES")


def downgrade() -> None:
    """Drop the triggers; what is marked stays marked."""
    op.execute("DROP TRIGGER mastery_dirty ON concept_attempts")
    op.execute("DROP TRIGGER mastery_dirty_update ON concept_attempts")
    op.execute("DROP TRIGGER mastery_dirty_truncate ON concept_attempts")
    op.execute("DROP FUNCTION mastery_dirty()")
    op.execute("DROP FUNCTION mastery_dirty_truncate()")


_ROW = """
    CREATE FUNCTION mastery_dirty() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $mark$
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            INSERT INTO espalier.mastery_dirty (user_id, concept_id) VALUES (OLD."userId", OLD."conceptId");
        END IF;
        IF TG_OP = 'INSERT' OR (
            TG_OP = 'UPDATE' AND (NEW."userId", NEW."conceptId") <> (OLD."userId", OLD."conceptId")
        ) THEN
            INSERT INTO espalier.mastery_dirty (user_id, concept_id) VALUES (NEW."userId", NEW."conceptId");
        END IF;
        RETURN NULL;
    END
    $mark$
"""

_TRUNCATE = """
    CREATE FUNCTION mastery_dirty_truncate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $mark$
    BEGIN
        INSERT INTO espalier.mastery_dirty DEFAULT VALUES;
        RETURN NULL;
    END
    $mark$
"""

_RIGHTS = (
    "REVOKE ALL ON FUNCTION mastery_dirty() FROM PUBLIC",
    "REVOKE ALL ON FUNCTION mastery_dirty_truncate() FROM PUBLIC",
)

_TRIGGERS = (
    """
    CREATE TRIGGER mastery_dirty AFTER INSERT OR DELETE ON concept_attempts
    FOR EACH ROW EXECUTE FUNCTION mastery_dirty()
    """,
    """
    CREATE TRIGGER mastery_dirty_update AFTER UPDATE ON concept_attempts
    FOR EACH ROW WHEN (
        (OLD."userId", OLD."conceptId", OLD."isCorrect", OLD."hintsUsed", OLD."createdAt")
        IS DISTINCT FROM (NEW."userId", NEW."conceptId", NEW."isCorrect", NEW."hintsUsed", NEW."createdAt")
    ) EXECUTE FUNCTION mastery_dirty()
    """,
    """
    CREATE TRIGGER mastery_dirty_truncate AFTER TRUNCATE ON concept_attempts
    FOR EACH STATEMENT EXECUTE FUNCTION mastery_dirty_truncate()
    """,
)
