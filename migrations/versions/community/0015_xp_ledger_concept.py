"""An entry of XP may name its concept; a deleted concept leaves the entry (seed 000, 1).

NOT VALID: no row is read under the lock. The next step validates.
"""

from alembic import op

revision = "community_0015"
down_revision = "community_0014"


def upgrade() -> None:
    """Add the key for new rows."""
    op.execute(
        """
        ALTER TABLE xp_ledger ADD CONSTRAINT "xp_ledger_conceptId_fkey" FOREIGN KEY ("conceptId")
            REFERENCES concepts ("id") ON DELETE SET NULL ON UPDATE CASCADE NOT VALID
        """
    )


def downgrade() -> None:
    """Drop the key."""
    op.execute('ALTER TABLE xp_ledger DROP CONSTRAINT "xp_ledger_conceptId_fkey"')
