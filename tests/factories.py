"""Single rows for tests, with sensible defaults: `factories.user(connection, "u1", reputation=40)`.

Each function inserts one row by unqualified names (the connection's search path decides where), returns its id, and
takes any column as a keyword. What is asserted belongs in the tests; bulk data in `orchestration/demo`.
"""

from collections.abc import Mapping
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

import psycopg
from psycopg.sql import SQL, Identifier, Placeholder
from psycopg.types.json import Jsonb

Connection = psycopg.Connection[Any]

# When a row says nothing else, it was made at this instant (UTC, as the columns without zone mean it).
NOON = datetime(2026, 1, 1, 12)

_numbers = count(1)


def insert(connection: Connection, table: str, row: Mapping[str, object]) -> None:
    """Insert a row; a dict becomes jsonb."""
    statement = SQL("INSERT INTO {} ({}) VALUES ({})").format(
        Identifier(table),
        SQL(", ").join(Identifier(name) for name in row),
        SQL(", ").join(Placeholder() for _ in row),
    )
    connection.execute(statement, [Jsonb(v) if isinstance(v, dict) else v for v in row.values()])


def _add(connection: Connection, table: str, row: Mapping[str, object], overrides: Mapping[str, object]) -> str:
    whole = {**row, **overrides}
    insert(connection, table, whole)
    return str(whole["id"])


def _new(kind: str) -> str:
    """Make an id that no other row of this run has."""
    return f"{kind}-{next(_numbers)}"


def new_uuid(number: int | None = None) -> UUID:
    """Make a uuid from a number, by default from one that was not used yet."""
    return UUID(int=next(_numbers) if number is None else number)


def user(connection: Connection, id: str | None = None, **overrides: object) -> str:
    """Insert a user of the community."""
    key = id or _new("user")
    row = {"id": key, "name": key, "email": f"{key}@test.example", "createdAt": NOON, "updatedAt": NOON}
    return _add(connection, "users", row, overrides)


def users(connection: Connection, *ids: str, **overrides: object) -> None:
    """Insert several users of the community that differ in their ids only."""
    for key in ids:
        user(connection, key, **overrides)


def user_stats(connection: Connection, user_id: str, total_points: int = 0, **overrides: object) -> str:
    """Insert a user's statistics, among them the balance of points."""
    times = {"createdAt": NOON, "updatedAt": NOON}
    row = {"id": _new("user_stats"), "userId": user_id, "totalPoints": total_points, **times}
    return _add(connection, "user_stats", row, overrides)


def doubt(connection: Connection, author_id: str, id: str | None = None, **overrides: object) -> str:
    """Insert a doubt that a user asked."""
    row = {
        "id": id or _new("doubt"),
        "title": "Why?",
        "content": "I do not see why.",
        "authorId": author_id,
        "createdAt": NOON,
        "updatedAt": NOON,
    }
    return _add(connection, "doubts", row, overrides)


def answer(
    connection: Connection, author_id: str, doubt_id: str | None = None, id: str | None = None, **overrides: object
) -> str:
    """Insert a user's answer to a doubt; without one, to a doubt of the same user that is made for it."""
    row = {
        "id": id or _new("answer"),
        "content": "Because.",
        "doubtId": doubt_id or doubt(connection, author_id),
        "authorId": author_id,
        "createdAt": NOON,
        "updatedAt": NOON,
    }
    return _add(connection, "answers", row, overrides)


def doubt_vote(
    connection: Connection, voter_id: str, doubt_id: str, type: str = "UP", at: datetime = NOON, **overrides: object
) -> str:
    """Insert a vote on a doubt."""
    key = _new("doubt_vote")
    row = {"id": key, "type": type, "userId": voter_id, "doubtId": doubt_id, "createdAt": at}
    return _add(connection, "doubt_votes", row, overrides)


def answer_vote(
    connection: Connection, voter_id: str, answer_id: str, type: str = "UP", at: datetime = NOON, **overrides: object
) -> str:
    """Insert a vote on an answer."""
    key = _new("answer_vote")
    row = {"id": key, "type": type, "userId": voter_id, "answerId": answer_id, "createdAt": at}
    return _add(connection, "answer_votes", row, overrides)


def vote(connection: Connection, voter_id: str, target_id: str, type: str = "UP", at: datetime = NOON) -> str:
    """Insert a vote of a user for another: on an answer of the target that is made for it."""
    return answer_vote(connection, voter_id, answer(connection, target_id), type, at)


def points(
    connection: Connection,
    user_id: str,
    points: int = 10,
    event: str = "UPVOTE_RECEIVED",
    at: datetime = NOON,
    id: str | None = None,
    **overrides: object,
) -> str:
    """Insert a row of the points ledger."""
    row = {"id": id or _new("points"), "userId": user_id, "eventType": event, "points": points, "createdAt": at}
    return _add(connection, "points_ledger", row, overrides)


def xp(
    connection: Connection,
    user_id: str,
    xp: int = 10,
    event: str = "UPVOTE_RECEIVED",
    at: datetime = NOON,
    id: str | None = None,
    **overrides: object,
) -> str:
    """Insert a row of the XP ledger, with all multipliers 1."""
    amounts = {"baseXP": xp, "finalXP": xp, "reason": ""}
    row = {"id": id or _new("xp"), "userId": user_id, "eventType": event, **amounts, "createdAt": at}
    return _add(connection, "xp_ledger", row, overrides)


def concept(connection: Connection, id: str | None = None, **overrides: object) -> str:
    """Insert a concept."""
    key = id or _new("concept")
    row = {"id": key, "name": f"Concept {key}", "createdAt": NOON, "updatedAt": NOON}
    return _add(connection, "concepts", row, overrides)


def prerequisite(connection: Connection, concept_id: str, prerequisite_id: str, **overrides: object) -> str:
    """Insert what must be known before a concept."""
    row = {"id": _new("prerequisite"), "conceptId": concept_id, "prerequisiteId": prerequisite_id}
    return _add(connection, "concept_prerequisites", row, overrides)


def attempt(
    connection: Connection,
    user_id: str,
    concept_id: str,
    correct: bool = True,
    at: datetime = NOON,
    **overrides: object,
) -> str:
    """Insert an attempt at a concept."""
    key = _new("attempt")
    row = {"id": key, "userId": user_id, "conceptId": concept_id, "isCorrect": correct, "createdAt": at}
    return _add(connection, "concept_attempts", row, overrides)


def mastery(connection: Connection, user_id: str, concept_id: str, score: float = 0.5, **overrides: object) -> str:
    """Insert a mastery record."""
    key = {"id": _new("mastery"), "userId": user_id, "conceptId": concept_id}
    row = {**key, "masteryScore": score, "createdAt": NOON, "updatedAt": NOON}
    return _add(connection, "mastery_records", row, overrides)


def learner(connection: Connection, id: UUID | None = None, **overrides: object) -> UUID:
    """Insert a user of the rag domain."""
    key = id or new_uuid()
    row = {"id": key, "clerk_id": f"clerk-{key}", "email": f"{key}@test.example", "name": "A learner"}
    return UUID(_add(connection, "users", row, overrides))


def material(connection: Connection, creator_id: UUID, id: UUID | None = None, **overrides: object) -> UUID:
    """Insert a material."""
    row = {"id": id or new_uuid(), "creator_id": creator_id, "title": "Scales", "type": "text"}
    return UUID(_add(connection, "materials", row, overrides))


def dialogue(
    connection: Connection, user_id: UUID, at: datetime = NOON, citations: object = None, **overrides: object
) -> UUID:
    """Insert a dialogue. `citations` is any JSON value; None is SQL's null, `Jsonb(None)` that of JSON."""
    row = {
        "id": new_uuid(),
        "user_id": user_id,
        "session_id": new_uuid(0),
        "query": "How?",
        "response": "So.",
        "model_used": "test-model",
        "citations": citations if citations is None or isinstance(citations, Jsonb) else Jsonb(citations),
        "created_at": at,
    }
    return UUID(_add(connection, "ai_dialogue_log", row, overrides))


def provenance(connection: Connection, content_id: UUID, type: str = "material", **overrides: object) -> UUID:
    """Insert where a content comes from."""
    row = {
        "id": new_uuid(),
        "content_id": content_id,
        "content_type": type,
        "license_type": "cc_by",
        "acquisition_method": "manual_upload",
    }
    return UUID(_add(connection, "provenance", row, overrides))
