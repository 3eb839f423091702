"""The application's schema as it stands before our plan (seed 003).

An empty site gets it from here; a running application has it already. It is built from the frozen metadata of the
application, which is its definition.
"""

from alembic import op
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from migrations.metadata.lms_application import baseline

revision = "lms_0000"
down_revision = None

LOST_ON_DOWNGRADE = dict.fromkeys(baseline.tables, "true")


def upgrade() -> None:
    """Create the application's tables and indexes."""
    for table in baseline.sorted_tables:
        op.execute(CreateTable(table))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            op.execute(CreateIndex(index))


def downgrade() -> None:
    """Drop the application's tables."""
    for table in reversed(baseline.sorted_tables):
        op.execute(DropTable(table))
