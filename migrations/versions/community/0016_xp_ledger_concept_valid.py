"""Prove the key from XP to concepts for the rows that were there before it.

Validating locks out no reader or writer, however long it takes.
"""

from alembic import op

from migrations.operations import validate_constraint

revision = "community_0016"
down_revision = "community_0015"


def upgrade() -> None:
    """Validate the key."""
    validate_constraint("xp_ledger", "xp_ledger_conceptId_fkey")


def downgrade() -> None:
    """Make the key anew, not validated: a constraint cannot be told to forget its proof."""
    op.execute(
        """
        ALTER TABLE xp_ledger
            DROP CONSTRAINT "xp_ledger_conceptId_fkey",
            ADD CONSTRAINT "xp_ledger_conceptId_fkey" FOREIGN KEY ("conceptId")
                REFERENCES concepts ("id") ON DELETE SET NULL ON UPDATE CASCADE NOT VALID
        """
    )
