"""Every change of a prerequisite marks its pair: the prerequisite first, then the concept that needs it.

A step of its own, so that one table of the application is locked at a time; how it is done is told in community_0021.
The row's own id is not shown by the graph: a pair that gets another id marks nothing.
"""

from alembic import op

revision = "community_0022"
down_revision = "community_0021"


def upgrade() -> None:
    """Create the triggers, then mark the kind: the lock comes before the mark."""
    for statement in (_ROW, _RIGHT, *_TRIGGERS):
        op.execute(statement)
    op.execute("INSERT INTO espalier.graph_outbox (kind, key1) VALUES ('kind', 'prerequisite')")


def downgrade() -> None:
    """Drop the triggers; what is marked stays marked."""
    op.execute("DROP TRIGGER graph_outbox ON concept_prerequisites")
    op.execute("DROP TRIGGER graph_outbox_update ON concept_prerequisites")
    op.execute("DROP TRIGGER graph_outbox_truncate ON concept_prerequisites")
    op.execute("DROP FUNCTION graph_outbox_prerequisite()")


_ROW = """
    CREATE FUNCTION graph_outbox_prerequisite() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $mark$
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            INSERT INTO espalier.graph_outbox (kind, key1, key2)
            VALUES ('prerequisite', OLD."prerequisiteId", OLD."conceptId");
        END IF;
        IF TG_OP = 'INSERT' OR (
            TG_OP = 'UPDATE' AND (NEW."prerequisiteId", NEW."conceptId") <> (OLD."prerequisiteId", OLD."conceptId")
        ) THEN
            INSERT INTO espalier.graph_outbox (kind, key1, key2)
            VALUES ('prerequisite', NEW."prerequisiteId", NEW."conceptId");
        END IF;
        PERFORM espalier.wake_graph();
        RETURN NULL;
    END
    $mark$
"""

_RIGHT = "REVOKE ALL ON FUNCTION graph_outbox_prerequisite() FROM PUBLIC"

_TRIGGERS = (
    """
    CREATE TRIGGER graph_outbox AFTER INSERT OR DELETE ON concept_prerequisites
    FOR EACH ROW EXECUTE FUNCTION graph_outbox_prerequisite()
    """,
    """
    CREATE TRIGGER graph_outbox_update AFTER UPDATE ON concept_prerequisites
    FOR EACH ROW WHEN (
        (OLD."prerequisiteId", OLD."conceptId")
        IS DISTINCT FROM (NEW."prerequisiteId", NEW."conceptId")
    ) EXECUTE FUNCTION graph_outbox_prerequisite()
    """,
    """
    CREATE TRIGGER graph_outbox_truncate AFTER TRUNCATE ON concept_prerequisites
    FOR EACH STATEMENT EXECUTE FUNCTION graph_outbox_truncate('prerequisite')
    """,
)
