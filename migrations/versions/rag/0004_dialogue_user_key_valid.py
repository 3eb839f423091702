"""Every dialogue's user exists: the foreign key of 0003 is proved for the rows that were there before.

Reads and writes go on meanwhile. Where dialogues without a user remain, the step fails and names one of them.
"""

from alembic import op

from migrations.operations import validate_constraint

revision = "rag_0004"
down_revision = "rag_0003"


def upgrade() -> None:
    """Check the existing rows."""
    validate_constraint("ai_dialogue_log", "fk_ai_dialogue_user")


def downgrade() -> None:
    """Leave the foreign key as 0003 made it: a constraint cannot be marked unproved, so it is made again."""
    op.execute("""
        ALTER TABLE ai_dialogue_log
            DROP CONSTRAINT fk_ai_dialogue_user,
            ADD CONSTRAINT fk_ai_dialogue_user
                FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE NOT VALID
    """)
