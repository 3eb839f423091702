"""Every change of a concept that the graph shows marks the concept's key, in the transaction of the writer.

AFTER ROW, because the version is then drawn while the row is locked: of two writers of one row the later one gets the
higher version (BEFORE, the order can be the other way round). The condition stands in the trigger and looks at values:
an `UPDATE OF` would miss what a BEFORE trigger of the application changes, and an update that shows nothing then costs
a comparison. It also makes Postgres refuse to drop or retype a column that the graph shows: a function that looks at
the column would let that pass, and make every later write fail. The functions run with their owner's rights and a fixed
path, as the application has no right on our schema. They raise nothing.

Rows that exist are covered by one mark of their kind: "every key of this kind, in Postgres and in the graph". The drain
expands it in transactions of its own. A mark per row would be written here, under a lock that stops the application's
writes, for as long as ten million inserts take. The lock itself waits for writers that are under way, so nothing falls
between: a row is either seen when the mark is expanded or marked by the trigger. The same holds when the triggers were
away for a while, deletes included.
"""

from alembic import op

revision = "community_0021"
down_revision = "community_0020"


def upgrade() -> None:
    """Create the triggers, then mark the kind: the lock comes before the mark."""
    for statement in (_ROW, _TRUNCATE, *_RIGHTS, *_TRIGGERS):
        op.execute(statement)
    op.execute("INSERT INTO espalier.graph_outbox (kind, key1) VALUES ('kind', 'concept')")


def downgrade() -> None:
    """Drop the triggers; what is marked stays marked."""
    op.execute("DROP TRIGGER graph_outbox ON concepts")
    op.execute("DROP TRIGGER graph_outbox_update ON concepts")
    op.execute("DROP TRIGGER graph_outbox_truncate ON concepts")
    op.execute("DROP FUNCTION graph_outbox_concept()")
    op.execute("DROP FUNCTION graph_outbox_truncate()")


_ROW = """
    CREATE FUNCTION graph_outbox_concept() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $mark$
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            INSERT INTO espalier.graph_outbox (kind, key1) VALUES ('concept', OLD.id);
        END IF;
        IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND NEW.id <> OLD.id) THEN
            INSERT INTO espalier.graph_outbox (kind, key1) VALUES ('concept', NEW.id);
        END IF;
        PERFORM espalier.wake_graph();
        RETURN NULL;
    END
    $mark$
"""

_TRUNCATE = """
    CREATE FUNCTION graph_outbox_truncate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $mark$
    BEGIN
        INSERT INTO espalier.graph_outbox (kind, key1) VALUES ('kind', TG_ARGV[0]);
        PERFORM espalier.wake_graph();
        RETURN NULL;
    END
    $mark$
"""

_RIGHTS = (
    "REVOKE ALL ON FUNCTION graph_outbox_concept() FROM PUBLIC",
    "REVOKE ALL ON FUNCTION graph_outbox_truncate() FROM PUBLIC",
)

_TRIGGERS = (
    """
    CREATE TRIGGER graph_outbox AFTER INSERT OR DELETE ON concepts
    FOR EACH ROW EXECUTE FUNCTION graph_outbox_concept()
    """,
    """
    CREATE TRIGGER graph_outbox_update AFTER UPDATE ON concepts
    FOR EACH ROW WHEN (
        (OLD.id, OLD.name, OLD.domain, OLD.difficulty, OLD."createdAt")
        IS DISTINCT FROM (NEW.id, NEW.name, NEW.domain, NEW.difficulty, NEW."createdAt")
    ) EXECUTE FUNCTION graph_outbox_concept()
    """,
    """
    CREATE TRIGGER graph_outbox_truncate AFTER TRUNCATE ON concepts
    FOR EACH STATEMENT EXECUTE FUNCTION graph_outbox_truncate('concept')
    """,
)
