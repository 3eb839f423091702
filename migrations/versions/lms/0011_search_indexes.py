"""Nuggets searched by their words, and the lists that the application reads most (seed 003, Performance Indexes).

Two of the seed's are left out: `progress_learner_concept_idx` repeats a unique index, and the vector index waits for
rows (`migrations/metadata/lms_application.py`).
"""

from sqlalchemy import text

from migrations.operations import create_index_concurrently, drop_index_concurrently

revision = "lms_0011"
down_revision = "lms_0010"


def upgrade() -> None:
    """Build the indexes while the tables are read and written."""
    create_index_concurrently(
        "nuggets_content_fts_idx", "nuggets", [text("to_tsvector('english'::regconfig, content)")], using="gin"
    )
    create_index_concurrently(
        "nuggets_ready_idx", "nuggets", ["organization_id", "created_at"], where=text("status = 'ready'")
    )
    create_index_concurrently(
        "ingestion_jobs_pending_idx",
        "ingestion_jobs",
        ["organization_id", "created_at"],
        where=text("status = 'pending'"),
    )
    create_index_concurrently("sessions_learner_activity_idx", "sessions", ["learner_id", text("last_activity DESC")])
    create_index_concurrently("messages_session_created_idx", "messages", ["session_id", "created_at"])


def downgrade() -> None:
    """Drop the indexes while the tables are read and written."""
    drop_index_concurrently("messages_session_created_idx")
    drop_index_concurrently("sessions_learner_activity_idx")
    drop_index_concurrently("ingestion_jobs_pending_idx")
    drop_index_concurrently("nuggets_ready_idx")
    drop_index_concurrently("nuggets_content_fts_idx")
