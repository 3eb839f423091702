"""Whoever acquired a content exists: the foreign key of 0005 is proved for the rows that were there before.

Reads and writes go on meanwhile. Where rows of an unknown user remain, the step fails and names one of them.
"""

from alembic import op

from migrations.operations import validate_constraint

revision = "rag_0006"
down_revision = "rag_0005"


def upgrade() -> None:
    """Check the existing rows."""
    validate_constraint("provenance", "fk_provenance_acquired_by")


def downgrade() -> None:
    """Leave the foreign key as 0005 made it: a constraint cannot be marked unproved, so it is made again."""
    op.execute("""
        ALTER TABLE provenance
            DROP CONSTRAINT fk_provenance_acquired_by,
            ADD CONSTRAINT fk_provenance_acquired_by
                FOREIGN KEY (acquired_by) REFERENCES users (id) ON DELETE SET NULL NOT VALID
    """)
