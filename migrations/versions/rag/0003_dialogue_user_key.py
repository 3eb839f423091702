"""A dialogue belongs to a user and goes with them, for new rows from now on (seed 004, migration 0008).

NOT VALID: existing rows are not read while the table is locked; 0004 reads them. One table a step, so that a writer
never waits for two locks.
"""

from alembic import op

revision = "rag_0003"
down_revision = "rag_0002"


def upgrade() -> None:
    """Add the foreign key without looking at existing rows."""
    op.create_foreign_key(
        "fk_ai_dialogue_user",
        "ai_dialogue_log",
        "users",
        ["user_id"],
        ["id"],
        ondelete="CASCADE",
        postgresql_not_valid=True,
    )


def downgrade() -> None:
    """Drop the foreign key."""
    op.drop_constraint("fk_ai_dialogue_user", "ai_dialogue_log", type_="foreignkey")
