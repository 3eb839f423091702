"""Application tables of the lms domain about content: nuggets, the narrative that leads from one to the next."""

from pgvector.sqlalchemy import Vector
from sqlalchemy import Column, Table

from migrations.metadata.lms_types import baseline, json
from migrations.metadata.prisma import document, index, key, moment, owner, word_list, words

nuggets = Table(
    "nuggets",
    baseline,
    words("id"),
    words("organization_id"),
    words("content"),
    Column("embedding", Vector(1536)),
    json("metadata", "{}"),
    words("image_url", null=True),
    words("audio_url", null=True),
    words("status", default="pending"),
    moment("created_at", now=True),
    moment("updated_at"),
    key("nuggets"),
    owner("nuggets", "organization_id", "organizations"),
    index("nuggets", "organization_id"),
    index("nuggets", "status"),
    index("nuggets", "created_at"),
)

narrative_nodes = Table(
    "narrative_nodes",
    baseline,
    words("id"),
    words("nugget_id"),
    words("organization_id"),
    json("choices", "[]"),
    word_list("prerequisites", default="ARRAY[]::text[]"),
    word_list("adapts_to", default="ARRAY[]::text[]"),
    document("position", null=True),
    moment("created_at", now=True),
    key("narrative_nodes"),
    owner("narrative_nodes", "nugget_id", "nuggets"),
    owner("narrative_nodes", "organization_id", "organizations"),
    index("narrative_nodes", "nugget_id"),
    index("narrative_nodes", "organization_id"),
)
