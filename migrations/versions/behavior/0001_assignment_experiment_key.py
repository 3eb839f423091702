"""An assignment belongs to an experiment and goes with it, for new rows from now on (seed 001, 1).

The key that Prisma would make: an id that changes is followed, which the plan's own SQL forgets.

NOT VALID: existing rows are not read while the tables are locked; 0002 proves them. Rows that it could not prove are
looked for here, in the first step of the plan: what would stop a later step stops before anything has changed.
"""

from alembic import op

revision = "behavior_0001"
down_revision = "behavior_0000"


def upgrade() -> None:
    """Look for assignments in the way, then add the key without looking at existing rows."""
    op.execute(_REFUSE)
    op.execute(
        """
        ALTER TABLE experiment_assignments ADD CONSTRAINT "experiment_assignments_experimentId_fkey"
            FOREIGN KEY ("experimentId") REFERENCES personalization_experiments (id)
            ON DELETE CASCADE ON UPDATE CASCADE NOT VALID
        """
    )


def downgrade() -> None:
    """Drop the key."""
    op.execute('ALTER TABLE experiment_assignments DROP CONSTRAINT "experiment_assignments_experimentId_fkey"')


_REFUSE = """
    DO $look$
    DECLARE
        orphans bigint;
    BEGIN
        SELECT count(*) INTO orphans FROM experiment_assignments AS a WHERE a."experimentId" IS NOT NULL
            AND NOT EXISTS (SELECT FROM personalization_experiments AS e WHERE e.id = a."experimentId");
        IF orphans > 0 THEN
            RAISE EXCEPTION 'experiment_assignments has % rows of experiments that are gone (%); nothing was changed, '
                'correct or delete these rows', orphans, 'SELECT * FROM experiment_assignments '
                'WHERE "experimentId" NOT IN (SELECT id FROM personalization_experiments)';
        END IF;
    END
    $look$
"""
