"""The behavior domain's schema at the head of its revisions: the application's tables, and what the plan adds.

A revision says how a site gets here, this module where "here" is; `alembic check` proves that they agree. Grants for
the jobs role stand in `info`: without an entry a table is readable, nothing else.
"""

from migrations.metadata.behavior_application import baseline
from migrations.metadata.behavior_types import metadata

__all__ = ["baseline", "metadata"]

for table in baseline.tables.values():
    table.to_metadata(metadata)
