"""Every change of a mastery record that the graph shows marks its pair: the user, then the concept.

How it is done is told in community_0021. Users and concepts that are deleted or get another id come here too: their
foreign keys cascade row by row, and each of these rows is marked.
"""

from alembic import op

revision = "community_0023"
down_revision = "community_0022"


def upgrade() -> None:
    """Create the triggers, then mark the kind: the lock comes before the mark."""
    for statement in (_ROW, _RIGHT, *_TRIGGERS):
        op.execute(statement)
    op.execute("INSERT INTO espalier.graph_outbox (kind, key1) VALUES ('kind', 'mastery')")


def downgrade() -> None:
    """Drop the triggers; what is marked stays marked."""
    op.execute("DROP TRIGGER graph_outbox ON mastery_records")
    op.execute("DROP TRIGGER graph_outbox_update ON mastery_records")
    op.execute("DROP TRIGGER graph_outbox_truncate ON mastery_records")
    op.execute("DROP FUNCTION graph_outbox_mastery()")


_ROW = """
    CREATE FUNCTION graph_outbox_mastery() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $mark$
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            INSERT INTO espalier.graph_outbox (kind, key1, key2) VALUES ('mastery', OLD."userId", OLD."conceptId");
        END IF;
        IF TG_OP = 'INSERT' OR (
            TG_OP = 'UPDATE' AND (NEW."userId", NEW."conceptId") <> (OLD."userId", OLD."conceptId")
        ) THEN
            INSERT INTO espalier.graph_outbox (kind, key1, key2) VALUES ('mastery', NEW."userId", NEW."conceptId");
        END IF;
        PERFORM espalier.wake_graph();
        RETURN NULL;
    END
    $mark$
"""

_RIGHT = "REVOKE ALL ON FUNCTION graph_outbox_mastery() FROM PUBLIC"

_TRIGGERS = (
    """
    CREATE TRIGGER graph_outbox AFTER INSERT OR DELETE ON mastery_records
    FOR EACH ROW EXECUTE FUNCTION graph_outbox_mastery()
    """,
    """
    CREATE TRIGGER graph_outbox_update AFTER UPDATE ON mastery_records
    FOR EACH ROW WHEN (
        (OLD."userId", OLD."conceptId", OLD."masteryScore", OLD."updatedAt")
        IS DISTINCT FROM (NEW."userId", NEW."conceptId", NEW."masteryScore", NEW."updatedAt")
    ) EXECUTE FUNCTION graph_outbox_mastery()
    """,
    """
    CREATE TRIGGER graph_outbox_truncate AFTER TRUNCATE ON mastery_records
    FOR EACH STATEMENT EXECUTE FUNCTION graph_outbox_truncate('mastery')
    """,
)
