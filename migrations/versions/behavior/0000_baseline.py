"""The application's schema as it stands before our plan (seed 001).

An empty site gets it from here; a running application has it already. It is built from the frozen metadata of the
application, which is its definition.
"""

from alembic import op
from sqlalchemy.dialects.postgresql import CreateEnumType, DropEnumType
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from migrations.metadata.behavior_application import ENUMS, baseline

revision = "behavior_0000"
down_revision = None

LOST_ON_DOWNGRADE = dict.fromkeys(baseline.tables, "true")


def upgrade() -> None:
    """Create the application's enums, tables and indexes."""
    for enum in ENUMS:
        op.execute(CreateEnumType(enum))
    for table in baseline.sorted_tables:
        op.execute(CreateTable(table))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            op.execute(CreateIndex(index))


def downgrade() -> None:
    """Drop the application's tables and enums."""
    for table in reversed(baseline.sorted_tables):
        op.execute(DropTable(table))
    for enum in ENUMS:
        op.execute(DropEnumType(enum))
