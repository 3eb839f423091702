"""Who acquired a content is a user or, once that user is gone, unknown; for new rows from now on (migration 0008).

NOT VALID: existing rows are not read while the table is locked; 0006 reads them. `content_id` gets no foreign key: it
names a row of the table that `content_type` says.
"""

from alembic import op

revision = "rag_0005"
down_revision = "rag_0004"


def upgrade() -> None:
    """Add the foreign key without looking at existing rows."""
    op.create_foreign_key(
        "fk_provenance_acquired_by",
        "provenance",
        "users",
        ["acquired_by"],
        ["id"],
        ondelete="SET NULL",
        postgresql_not_valid=True,
    )


def downgrade() -> None:
    """Drop the foreign key."""
    op.drop_constraint("fk_provenance_acquired_by", "provenance", type_="foreignkey")
