"""Indexes for the queries of the dashboard and the jobs, one row a day, and comments (seed 004, migration 0007).

The unique index is what the daily job's upsert stands on. All are built concurrently: the dialogue log is written all
day. A build that was interrupted is done again, those that had finished are kept. A comment is written where there is
none, and taken back where it is still ours: words of the site's own stay.

Days that are there twice are looked for first: the build would fail at them, with other indexes built already and an
invalid one left behind.
"""

from alembic import op
from sqlalchemy import text

from migrations.operations import create_index_concurrently, drop_index_concurrently

revision = "rag_0002"
down_revision = "rag_0001"

# Read back: the table's own comment, or that of a column.
_OF_TABLE = "obj_description('{table}'::regclass, 'pg_class')"
_OF_COLUMN = """(SELECT col_description(attrelid, attnum) FROM pg_attribute
    WHERE attrelid = '{table}'::regclass AND attname = '{column}')"""
_TABLES = {
    "ai_dialogue_log": "Dialogues with the assistant: citations, latency, cost and quality of each answer",
    "provenance": "Where content came from, under which licence, and how long it may be kept",
    "rag_metrics_history": "Figures of each day''s dialogues, and whether they met the service level objectives",
    "plugin_registry": "Content sources that can be plugged in, what they can do, and whether they are well",
}
_COLUMNS = {
    ("provenance", "content_id"): (
        "Names a row of the table that content_type says; polymorphic, so without a foreign key"
    ),
    ("rag_metrics_history", "date"): "Last millisecond of the day that the row is about, in UTC",
    ("rag_metrics_history", "slo_compliance"): (
        "Which objectives the day met, its targets and its figures before rounding"
    ),
}
_COMMENTS = [
    *((f"TABLE {table}", _OF_TABLE.format(table=table), text) for table, text in _TABLES.items()),
    *(
        (f"COLUMN {table}.{column}", _OF_COLUMN.format(table=table, column=column), text)
        for (table, column), text in _COLUMNS.items()
    ),
]
_REFUSE = """
    DO $look$
    DECLARE
        days bigint;
    BEGIN
        SELECT count(*) INTO days
        FROM (SELECT FROM rag_metrics_history GROUP BY date(date) HAVING count(*) > 1) AS twice;
        IF days > 0 THEN
            RAISE EXCEPTION 'rag_metrics_history has % days with more than one row (%); nothing was changed, correct '
                'or delete these rows', days,
                'SELECT date(date), count(*) FROM rag_metrics_history GROUP BY 1 HAVING count(*) > 1';
        END IF;
    END
    $look$
"""
_WRITE = """
    DO $say$ BEGIN
        IF {found} IS NULL THEN COMMENT ON {name} IS '{text}'; END IF;
    END $say$
"""
_TAKE_BACK = """
    DO $say$ BEGIN
        IF {found} = '{text}' THEN COMMENT ON {name} IS NULL; END IF;
    END $say$
"""


def upgrade() -> None:
    """Look for days in the way, build the indexes, then say what tables and columns mean."""
    op.execute(_REFUSE)
    create_index_concurrently("idx_ai_dialogue_user_created", "ai_dialogue_log", ["user_id", text("created_at DESC")])
    create_index_concurrently(
        "idx_provenance_expiring",
        "provenance",
        ["retention_years", "acquired_at"],
        where=text("retention_years IS NOT NULL"),
    )
    create_index_concurrently("idx_rag_metrics_date_unique", "rag_metrics_history", [text("date(date)")], unique=True)
    create_index_concurrently(
        "idx_plugin_enabled_healthy",
        "plugin_registry",
        ["name", "last_health_check"],
        where=text("enabled = true AND health_status = 'healthy'"),
    )
    for name, found, words in _COMMENTS:
        op.execute(_WRITE.format(name=name, found=found, text=words))


def downgrade() -> None:
    """Take the comments back and drop the indexes."""
    for name, found, words in _COMMENTS:
        op.execute(_TAKE_BACK.format(name=name, found=found, text=words))
    drop_index_concurrently("idx_plugin_enabled_healthy")
    drop_index_concurrently("idx_rag_metrics_date_unique")
    drop_index_concurrently("idx_provenance_expiring")
    drop_index_concurrently("idx_ai_dialogue_user_created")
