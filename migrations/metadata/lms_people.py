"""Application tables of the lms domain about people: organizations, users, learners, what learners have mastered."""

from sqlalchemy import Table

from migrations.metadata.lms_types import baseline, json
from migrations.metadata.prisma import document, index, key, moment, owner, unique, whole, word_list, words

organizations = Table(
    "organizations",
    baseline,
    words("id"),
    words("name"),
    document("settings", null=True),
    moment("created_at", now=True),
    moment("updated_at"),
    key("organizations"),
)

users = Table(
    "users",
    baseline,
    words("id"),
    words("email"),
    words("password_hash", null=True),
    words("name"),
    words("role"),
    words("organization_id"),
    moment("created_at", now=True),
    moment("updated_at"),
    key("users"),
    owner("users", "organization_id", "organizations"),
    unique("users", "email"),
    index("users", "email"),
    index("users", "organization_id"),
    index("users", "role"),
)

learners = Table(
    "learners",
    baseline,
    words("id"),
    words("user_id"),
    words("organization_id"),
    document("profile"),
    json("mastery_map", "{}"),
    word_list("knowledge_gaps", default="ARRAY[]::text[]"),
    json("preferences", "{}"),
    moment("created_at", now=True),
    moment("updated_at"),
    key("learners"),
    owner("learners", "user_id", "users"),
    owner("learners", "organization_id", "organizations"),
    unique("learners", "user_id"),
    index("learners", "organization_id"),
    index("learners", "user_id"),
)

progress = Table(
    "progress",
    baseline,
    words("id"),
    words("learner_id"),
    words("concept"),
    whole("mastery_level"),
    words("evidence", null=True),
    moment("updated_at"),
    key("progress"),
    owner("progress", "learner_id", "learners"),
    unique("progress", "learner_id", "concept"),
    index("progress", "learner_id"),
    index("progress", "concept"),
    index("progress", "mastery_level"),
)
