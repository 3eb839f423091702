"""Application tables of the lms domain about learning: sessions, the nodes visited in them, messages, events."""

from sqlalchemy import Table

from migrations.metadata.lms_types import baseline, json
from migrations.metadata.prisma import document, index, key, moment, owner, whole, words

sessions = Table(
    "sessions",
    baseline,
    words("id"),
    words("learner_id"),
    words("organization_id"),
    words("current_node_id", null=True),
    json("path_history", "[]"),
    words("mode", default="text"),
    moment("started_at", now=True),
    moment("last_activity", now=True),
    moment("completed_at", null=True),
    key("sessions"),
    owner("sessions", "learner_id", "learners"),
    owner("sessions", "organization_id", "organizations"),
    owner("sessions", "current_node_id", "narrative_nodes", gone="SET NULL"),
    index("sessions", "learner_id"),
    index("sessions", "organization_id"),
    index("sessions", "current_node_id"),
    index("sessions", "started_at"),
    index("sessions", "last_activity"),
)

session_nodes = Table(
    "session_nodes",
    baseline,
    words("id"),
    words("session_id"),
    words("node_id"),
    words("choice_id", null=True),
    moment("visited_at", now=True),
    whole("time_spent", null=True),
    key("session_nodes"),
    owner("session_nodes", "session_id", "sessions"),
    owner("session_nodes", "node_id", "narrative_nodes"),
    index("session_nodes", "session_id"),
    index("session_nodes", "node_id"),
    index("session_nodes", "visited_at"),
)

messages = Table(
    "messages",
    baseline,
    words("id"),
    words("session_id"),
    words("role"),
    words("content"),
    document("tool_calls", null=True),
    document("tool_results", null=True),
    moment("created_at", now=True),
    key("messages"),
    owner("messages", "session_id", "sessions"),
    index("messages", "session_id"),
    index("messages", "created_at"),
    index("messages", "role"),
)

analytics = Table(
    "analytics",
    baseline,
    words("id"),
    words("learner_id", null=True),
    words("organization_id"),
    words("event_type"),
    json("event_data", "{}"),
    moment("timestamp", now=True),
    key("analytics"),
    index("analytics", "learner_id"),
    index("analytics", "organization_id"),
    index("analytics", "event_type"),
    index("analytics", "timestamp"),
)
