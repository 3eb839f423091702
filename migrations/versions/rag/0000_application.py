"""The application's own tables: users and materials.

The baseline. On an empty site it builds what seed 004 starts from; on a running one the tables are there already, are
compared with these and stamped.
"""

from typing import LiteralString

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

revision = "rag_0000"
down_revision = None

LOST_ON_DOWNGRADE: dict[str, LiteralString] = {"users": "true", "materials": "true"}


def upgrade() -> None:
    """Create users, then materials, which refer to them."""
    _create_users()
    _create_materials()


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("materials")
    op.drop_table("users")


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.UUID, nullable=False, server_default=sa.text("gen_random_uuid()")),
        sa.Column("clerk_id", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("role", sa.Text, nullable=False, server_default="student"),
        sa.Column("profile_image_url", sa.Text),
        sa.Column("bio", sa.Text),
        sa.Column("skills", JSONB),
        sa.Column("created_at", TIMESTAMP, nullable=False, server_default=sa.text("now()")),
        sa.Column("updated_at", TIMESTAMP, nullable=False, server_default=sa.text("now()")),
        sa.Column("stripe_customer_id", sa.Text),
        sa.PrimaryKeyConstraint("id", name="users_pkey"),
        sa.UniqueConstraint("clerk_id", name="users_clerk_id_unique"),
    )
    op.create_index("idx_users_clerk_id", "users", ["clerk_id"])
    op.create_index("idx_users_email", "users", ["email"])
    op.create_index("idx_users_role", "users", ["role"])


def _create_materials() -> None:
    op.create_table(
        "materials",
        sa.Column("id", sa.UUID, nullable=False, server_default=sa.text("gen_random_uuid()")),
        sa.Column("creator_id", sa.UUID, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("content", sa.Text),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("url", sa.Text),
        sa.Column("tags", JSONB),
        sa.Column("difficulty", sa.Text),
        sa.Column("is_public", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("view_count", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("metadata", JSONB),
        sa.Column("created_at", TIMESTAMP, nullable=False, server_default=sa.text("now()")),
        sa.Column("updated_at", TIMESTAMP, nullable=False, server_default=sa.text("now()")),
        sa.Column("playability_score", sa.Numeric(3, 1)),
        sa.Column("learning_value_score", sa.Numeric(3, 1)),
        sa.Column("quality_status", sa.Text, server_default="pending"),
        sa.Column("abc_analysis", JSONB),
        sa.PrimaryKeyConstraint("id", name="materials_pkey"),
        sa.ForeignKeyConstraint(["creator_id"], ["users.id"], name="materials_creator_id_users_id_fk"),
    )
    op.create_index("idx_materials_creator_id", "materials", ["creator_id"])
    op.create_index("idx_materials_creator_type", "materials", ["creator_id", "type"])
    op.create_index("idx_materials_difficulty", "materials", ["difficulty"])
    op.create_index("idx_materials_is_public", "materials", ["is_public"])
    op.create_index("idx_materials_quality_status", "materials", ["quality_status"])
    op.create_index("idx_materials_type", "materials", ["type"])
