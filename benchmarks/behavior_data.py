"""Skewed synthetic rows of the behavior application, made by the server; equal sizes, equal rows.

A few people study most, one kind of event is more than half of all, evenings are busier than mornings. Events are
written in the order of their time. For 200 events there is a person, for 25 a pattern and a configuration, for 10 a
prediction and a recommendation.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from benchmarks.data import make_functions

Connection = psycopg.Connection[Any]

EVENTS_A_PERSON = 200
UNTIL = datetime(2026, 6, 29)
# How many events there are for one row of a table; a batch has the same share.
EVENTS_A_ROW = {
    "behavioral_events": 1,
    "behavioral_patterns": 25,
    "struggle_predictions": 10,
    "recommendations": 10,
    "personalization_configs": 25,
}
_PEOPLE = (
    SQL(
        """
        INSERT INTO users (id, email, "updatedAt")
        SELECT pg_temp.user_id(n), n || '@bench.example', %(until)s::timestamp
        FROM generate_series(0, %(people)s - 1) AS n
        """
    ),
    SQL(
        """
        INSERT INTO personalization_preferences (id, "userId", "updatedAt")
        SELECT 'p' || left(md5('preferences' || n), 24), pg_temp.user_id(n), %(until)s::timestamp
        FROM generate_series(0, %(people)s - 1) AS n
        """
    ),
    SQL("INSERT INTO lectures (id) SELECT 'lecture ' || n FROM generate_series(0, 19) AS n"),
    SQL(
        """
        INSERT INTO learning_objectives (id, "lectureId", objective)
        SELECT 'objective ' || n, 'lecture ' || n %% 20, 'Objective ' || n FROM generate_series(0, 399) AS n
        """
    ),
)
# Who a row is about, and when it was written: rows with a higher number are newer.
_WHO_AND_WHEN = SQL(
    """
    CREATE FUNCTION pg_temp.whose(n bigint, stream int, people bigint) RETURNS bigint LANGUAGE sql IMMUTABLE
    RETURN floor(people * pg_temp.draw(n, stream) ^ 1.8)::bigint;
    CREATE FUNCTION pg_temp.written(n bigint, rows bigint, until timestamp) RETURNS timestamp LANGUAGE sql IMMUTABLE
    RETURN date_trunc('day', until - (1 - n::float8 / rows) * interval '365 days')
           + (0.25 + 0.75 * (365 * n::float8 / rows - floor(365 * n::float8 / rows)) ^ 0.7) * interval '24 h'
    """
)
_ROWS: Mapping[str, SQL] = {
    "behavioral_events": SQL(
        """
        INSERT INTO behavioral_events (
            id, "userId", "eventType", "eventData", "timestamp", "completionQuality", "contentType", "dayOfWeek",
            "difficultyLevel", "engagementLevel", "sessionPerformanceScore", "timeOfDay"
        )
        SELECT 'e' || left(md5('event' || n), 24), pg_temp.user_id(pg_temp.whose(n, 40, %(people)s)),
               (enum_range(NULL::"EventType"))[CASE WHEN pg_temp.draw(n, 41) < 0.55 THEN 3
                   ELSE 1 + floor(13 * pg_temp.draw(n, 42) ^ 1.5)::int END],
               jsonb_build_object('missionId', 'm' || left(md5('mission' || n / 12), 24), 'durationMs', n %% 90000,
                                  'cards', n %% 30, 'objective', 'objective ' || n %% 400),
               at, CASE WHEN pg_temp.draw(n, 43) < 0.4
                   THEN (enum_range(NULL::"CompletionQuality"))[1 + floor(3 * pg_temp.draw(n, 44))::int] END,
               (ARRAY['lecture', 'flashcard', 'validation', 'clinical'])[1 + floor(4 * pg_temp.draw(n, 45) ^ 2)::int],
               extract(dow FROM at)::int, (ARRAY['BEGINNER', 'INTERMEDIATE', 'ADVANCED'])[1 + n %% 3],
               (enum_range(NULL::"EngagementLevel"))[1 + floor(3 * pg_temp.draw(n, 46))::int],
               CASE WHEN pg_temp.draw(n, 47) < 0.3 THEN floor(100 * pg_temp.draw(n, 48))::int END,
               extract(hour FROM at)::int
        FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(rows)s - 1) AS n
        CROSS JOIN LATERAL (SELECT pg_temp.written(n, %(last)s, %(until)s) AS at) AS moment
        """
    ),
    "behavioral_patterns": SQL(
        """
        INSERT INTO behavioral_patterns (
            id, "userId", "patternType", "patternName", confidence, evidence, "detectedAt", "lastSeenAt",
            "occurrenceCount"
        )
        SELECT 'b' || left(md5('pattern' || n), 24), pg_temp.user_id(pg_temp.whose(n, 50, %(people)s)),
               (enum_range(NULL::"BehavioralPatternType"))[1 + floor(6 * pg_temp.draw(n, 51))::int], 'Pattern ' || n,
               round((0.3 + 0.7 * pg_temp.draw(n, 52))::numeric, 3),
               jsonb_build_object('sessions', n %% 40, 'hour', n %% 24),
               at, least(%(until)s, at + pg_temp.draw(n, 53) * interval '30 days'), 1 + n %% 20
        FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(rows)s - 1) AS n
        CROSS JOIN LATERAL (SELECT pg_temp.written(n, %(last)s, %(until)s) AS at) AS moment
        """
    ),
    "struggle_predictions": SQL(
        """
        INSERT INTO struggle_predictions (
            id, "userId", "learningObjectiveId", "topicId", "predictedStruggleProbability", "predictionConfidence",
            "predictionStatus", "featureVector", "strugglingFactors", "predictionDate", "predictedAt"
        )
        SELECT 's' || left(md5('prediction' || n), 24), pg_temp.user_id(pg_temp.whose(n, 60, %(people)s)),
               'objective ' || floor(400 * pg_temp.draw(n, 61))::int,
               CASE WHEN pg_temp.draw(n, 62) < 0.9 THEN 'topic ' || floor(20 * pg_temp.draw(n, 63) ^ 1.5)::int END,
               round(pg_temp.draw(n, 64)::numeric ^ 1.5, 4), round(pg_temp.draw(n, 65)::numeric, 2),
               (enum_range(NULL::"PredictionStatus"))[1 + floor(6 * pg_temp.draw(n, 66) ^ 2)::int],
               jsonb_build_object('retention', n %% 100, 'complexity', n %% 7), jsonb_build_object('pace', n %% 9),
               at, at
        FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(rows)s - 1) AS n
        CROSS JOIN LATERAL (SELECT pg_temp.written(n, %(last)s, %(until)s) AS at) AS moment
        """
    ),
    "recommendations": SQL(
        """
        INSERT INTO recommendations (
            id, "userId", "recommendationType", title, description, "actionableText", confidence, "estimatedImpact",
            "easeOfImplementation", "userReadiness", "priorityScore", status, "createdAt"
        )
        SELECT 'r' || left(md5('recommendation' || n), 24), pg_temp.user_id(pg_temp.whose(n, 70, %(people)s)),
               (enum_range(NULL::"RecommendationType"))[1 + floor(6 * pg_temp.draw(n, 71))::int],
               'Recommendation ' || n,
               repeat(md5(n::text), 3), repeat(md5(n::text), 2), 0.7, 0.6, 0.5, 0.8, pg_temp.draw(n, 72),
               (enum_range(NULL::"RecommendationStatus"))[1 + floor(4 * pg_temp.draw(n, 73) ^ 1.5)::int], at
        FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(rows)s - 1) AS n
        CROSS JOIN LATERAL (SELECT pg_temp.written(n, %(last)s, %(until)s) AS at) AS moment
        """
    ),
    "personalization_configs": SQL(
        """
        INSERT INTO personalization_configs (
            id, "userId", "preferencesId", context, "strategyVariant", "missionPersonalization", "timesSelected",
            "totalReward", "avgReward", "isActive", "activatedAt", "createdAt", "updatedAt"
        )
        SELECT 'k' || left(md5('config' || n), 24), pg_temp.user_id(person),
               'p' || left(md5('preferences' || person), 24),
               (enum_range(NULL::"PersonalizationContext"))[1 + n %% 4], 'variant ' || n %% 5,
               jsonb_build_object('intensity', n %% 3, 'minutes', n %% 60), n %% 50, (n %% 50) * pg_temp.draw(n, 81),
               pg_temp.draw(n, 81), pg_temp.draw(n, 82) < 0.25, at, at, at
        FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(rows)s - 1) AS n
        CROSS JOIN LATERAL (
            SELECT pg_temp.written(n, %(last)s, %(until)s) AS at, pg_temp.whose(n, 80, %(people)s) AS person
        ) AS moment
        """
    ),
}


def load(connection: Connection, events: int, share: float) -> None:
    """Fill the tables; the rows that are to be written when it is measured go to `bench.<table>` instead.

    Args:
        connection: of the owner, whose path is the domain's schema.
        events: how many behavioral events there are.
        share: of a table's rows, how many more are written in one batch.
    """
    people = max(events // EVENTS_A_PERSON, 5)
    make_functions(connection)
    connection.execute(_WHO_AND_WHEN)
    connection.execute("CREATE SCHEMA IF NOT EXISTS bench")
    for statement in _PEOPLE:
        connection.execute(statement, {"people": people, "until": UNTIL})
    for table, per_row in EVENTS_A_ROW.items():
        rows = events // per_row
        _set_aside(connection, table, people, first=2 * rows, rows=max(round(rows * share), 1))
        _fill(connection, table, people, rows)


def _set_aside(connection: Connection, table: str, people: int, *, first: int, rows: int) -> None:
    """Make a batch of the newest rows, and keep it beside the table."""
    name, kept = Identifier(table), Identifier("bench", table)
    given = {"people": people, "until": UNTIL, "first": first, "rows": rows, "last": first + rows}
    connection.execute(_ROWS[table], given)
    connection.execute(SQL("CREATE TABLE {} AS SELECT * FROM {}").format(kept, name))
    connection.execute(SQL("DELETE FROM {}").format(name))
    connection.execute(SQL("VACUUM {}").format(name))


def _fill(connection: Connection, table: str, people: int, rows: int) -> None:
    """Fill a table. One that is updated has room on its pages, as after some life: one row in eleven has gone."""
    lived_in = table != "behavioral_events"
    rows = rows * 11 // 10 if lived_in else rows
    given = {"people": people, "until": UNTIL, "first": 0, "rows": rows, "last": rows}
    connection.execute(_ROWS[table], given)
    if lived_in:
        connection.execute(SQL("DELETE FROM {} WHERE hashtext(id) % 11 = 0").format(Identifier(table)))
    connection.execute(SQL("VACUUM (ANALYZE) {}").format(Identifier(table)))
