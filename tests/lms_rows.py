"""Rows of the lms application for tests: an organization with at least one row of its own in each table.

Like `tests/factories.py`, by unqualified names: the connection's search path decides where.
"""

from collections.abc import Iterator
from typing import Any

import psycopg

from tests.factories import NOON, insert

Connection = psycopg.Connection[Any]
Row = tuple[str, dict[str, object]]

# Tables by the column, or the way, that says whose a row is.
OF_ORGANIZATION = (
    *("users", "learners", "nuggets", "narrative_nodes", "sessions", "watched_folders", "monitored_urls"),
    *("ingestion_jobs", "analytics"),
)
OF_SESSION = ("session_nodes", "messages")
OF_LEARNER = ("progress",)
OF_NUGGET = ("nugget_sources",)
OF_SCOPE = ("system_settings", "voice_configs", "ai_model_configs")
TABLES = ("organizations", *OF_ORGANIZATION, *OF_SESSION, *OF_LEARNER, *OF_NUGGET, *OF_SCOPE)


def organization(connection: Connection, name: str) -> str:
    """Insert an organization with a learner, and with rows in every other table; ids are `<name>` and `<name>-…`."""
    for table, row in (*_people(name), *_content(name), *_learning(name), *_settings(name)):
        insert(connection, table, row)
    return name


def guest(connection: Connection, name: str) -> None:
    """Insert a user of an organization who is no learner."""
    own = {"organization_id": name, "updated_at": NOON}
    insert(connection, "users", {"id": f"{name}-guest", "email": f"{name}-guest@lms", "name": name, "role": "x", **own})


def two_organizations(connection: Connection) -> None:
    """Insert two organizations, and what is set for the whole system."""
    system_defaults(connection)
    for name in ("north", "south"):
        organization(connection, name)


def system_defaults(connection: Connection) -> None:
    """Insert what is set for all organizations alike."""
    insert(connection, "voice_configs", voice("system", None))
    insert(connection, "ai_model_configs", models("system", None))
    insert(connection, "system_settings", setting("theme", "system", None))


def voice(scope: str, scope_id: str | None, id: str | None = None) -> dict[str, object]:
    """Make a row of voice_configs."""
    providers = {"tts_provider": "openai-hd", "stt_provider": "openai-whisper", "quality_tier": "mid"}
    return {**_scoped("voice", scope, scope_id, id), **providers}


def models(scope: str, scope_id: str | None, id: str | None = None) -> dict[str, object]:
    """Make a row of ai_model_configs."""
    return _scoped("models", scope, scope_id, id)


def setting(key: str, scope: str | None, scope_id: str | None) -> dict[str, object]:
    """Make a row of system_settings."""
    return {**_scoped("setting", scope, scope_id, f"setting-{key}"), "key": key, "value": {"dark": True}}


def event(organization: str, id: str, learner: str | None = None) -> dict[str, object]:
    """Make a row of analytics."""
    return {"id": id, "organization_id": organization, "learner_id": learner, "event_type": "nugget_viewed"}


def _scoped(kind: str, scope: str | None, scope_id: str | None, id: str | None) -> dict[str, object]:
    key = id or f"{kind}-{scope}-{scope_id}"
    return {"id": key, "scope": scope, "scope_id": scope_id, "updated_at": NOON}


def _people(name: str) -> Iterator[Row]:
    own: dict[str, object] = {"organization_id": name, "updated_at": NOON}
    user, learner = f"{name}-user", f"{name}-learner"
    email = f"{name}@lms.test.example"
    yield "organizations", {"id": name, "name": name, "updated_at": NOON}
    yield "users", {"id": user, "email": email, "name": name, "role": "learner", "password_hash": "x", **own}
    yield "learners", {"id": learner, "user_id": user, "profile": {"goals": "pass"}, **own}
    yield (
        "progress",
        {"id": f"{name}-progress", "learner_id": learner, "concept": "sets", "mastery_level": 40, "updated_at": NOON},
    )


def _content(name: str) -> Iterator[Row]:
    own: dict[str, object] = {"organization_id": name, "updated_at": NOON}
    nugget, job = f"{name}-nugget", f"{name}-job"
    yield "watched_folders", {"id": f"{name}-folder", "path": f"/srv/{name}", **own}
    yield "monitored_urls", {"id": f"{name}-url", "url": f"https://{name}.test.example", **own}
    yield "ingestion_jobs", {"id": job, "type": "file", "source": "sets.pdf", "organization_id": name}
    yield "nuggets", {"id": nugget, "content": f"A set of {name}", "status": "ready", "embedding": vector(1), **own}
    yield (
        "nugget_sources",
        {
            "id": f"{name}-source",
            "nugget_id": nugget,
            "source_type": "file",
            "source_path": "sets.pdf",
            "ingestion_job_id": job,
        },
    )
    yield "narrative_nodes", {"id": f"{name}-node", "nugget_id": nugget, "organization_id": name}


def _learning(name: str) -> Iterator[Row]:
    learner, session, node = f"{name}-learner", f"{name}-session", f"{name}-node"
    yield (
        "sessions",
        {"id": session, "learner_id": learner, "organization_id": name, "current_node_id": node},
    )
    yield "session_nodes", {"id": f"{name}-visit", "session_id": session, "node_id": node, "time_spent": 30}
    yield "messages", {"id": f"{name}-message", "session_id": session, "role": "user", "content": "Why?"}
    yield "analytics", event(name, f"{name}-event", learner)


def _settings(name: str) -> Iterator[Row]:
    for scope, owner in (("organization", name), ("learner", f"{name}-learner")):
        yield "voice_configs", voice(scope, owner)
        yield "ai_model_configs", models(scope, owner)
        yield "system_settings", setting(f"{name}-{scope}", scope, owner)


def vector(first: float) -> str:
    """Write an embedding of the application's 1536 dimensions."""
    return f"[{first},{','.join(['0.5'] * 1535)}]"
