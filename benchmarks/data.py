"""Skewed synthetic rows for the benchmarks, made by the server with a few INSERT … SELECT; equal sizes, equal rows.

A few users cast and receive most votes, earn most points, ask most questions, as real ones do. Every number is a hash
of the row's number. Constraints, triggers and indexes stay on. The demo's data are made elsewhere and look better.
"""

from typing import Any

import psycopg
from psycopg.sql import SQL

from benchmarks.sizes import Sizes

Connection = psycopg.Connection[Any]

# draw(n, stream) is uniform in [0, 1); user_id looks like the application's.
_FUNCTIONS = (
    SQL(
        """
        CREATE FUNCTION pg_temp.draw(n bigint, stream int) RETURNS float8 LANGUAGE sql IMMUTABLE
        RETURN (hashint8extended(n, stream) & 2147483647)::float8 / 2147483648
        """
    ),
    SQL(
        """
        CREATE FUNCTION pg_temp.user_id(n bigint) RETURNS text LANGUAGE sql IMMUTABLE
        RETURN 'c' || left(md5('user' || n), 24)
        """
    ),
)

_USERS = SQL(
    """
    INSERT INTO users (id, name, email, "createdAt", "updatedAt", "leaderboardOptOut", "isShadowBanned", "isSuspended")
    SELECT pg_temp.user_id(n), 'User ' || n, n || '@bench.example', joined, joined,
           pg_temp.draw(n, 2) < 0.02, pg_temp.draw(n, 3) < 0.01, pg_temp.draw(n, 4) < 0.005
    FROM generate_series(0, %(users)s - 1) AS n
    CROSS JOIN LATERAL (SELECT %(until)s::timestamp - pg_temp.draw(n, 1) * interval '700 days' AS joined)
    """
)
_DOUBTS = SQL(
    """
    INSERT INTO doubts (id, title, content, "authorId", "createdAt", "updatedAt")
    SELECT 'd' || left(md5('doubt' || n), 24), 'Doubt ' || n, repeat(md5(n::text), 6),
           pg_temp.user_id(floor(%(users)s * pg_temp.draw(n, 5) ^ 2.7)::bigint), asked, asked
    FROM generate_series(0, %(doubts)s - 1) AS n
    CROSS JOIN LATERAL (SELECT %(until)s::timestamp - pg_temp.draw(n, 6) * interval '400 days' AS asked)
    """
)
_ANSWERS = SQL(
    """
    INSERT INTO answers (id, content, "doubtId", "authorId", "createdAt", "updatedAt")
    SELECT 'a' || left(md5('answer' || n), 24), repeat(md5(n::text), 8),
           'd' || left(md5('doubt' || floor(%(doubts)s * pg_temp.draw(n, 7))::bigint), 24),
           pg_temp.user_id(floor(%(users)s * pg_temp.draw(n, 8) ^ 2.7)::bigint), given, given
    FROM generate_series(0, %(answers)s - 1) AS n
    CROSS JOIN LATERAL (SELECT %(until)s::timestamp - pg_temp.draw(n, 9) * interval '400 days' AS given)
    """
)
# A user votes once on a content, so more votes are drawn than wanted; what is kept stays in the order drawn.
_VOTES = SQL(
    """
    INSERT INTO {table} (id, type, "userId", {content}, "createdAt")
    SELECT %(prefix)s || left(md5(%(kind)s || 'vote' || n), 22),
           (CASE WHEN pg_temp.draw(n, 12) < 0.12 THEN 'DOWN' ELSE 'UP' END)::"VoteType",
           pg_temp.user_id(voter), left(%(kind)s, 1) || left(md5(%(kind)s || content), 24),
           %(until)s::timestamp - pg_temp.draw(n, 13) * interval '400 days'
    FROM (
        SELECT voter, content, min(n) AS n
        FROM (
            SELECT n, floor(%(users)s * pg_temp.draw(n, 10) ^ 2.7)::bigint AS voter,
                   floor(%(contents)s * pg_temp.draw(n, 11) ^ 1.2)::bigint AS content
            FROM generate_series(%(first)s::bigint, %(first)s::bigint + 2 * %(votes)s::bigint) AS n
        ) AS drawn
        GROUP BY voter, content
        ORDER BY n
        LIMIT %(votes)s
    ) AS kept
    ORDER BY kept.n
    ON CONFLICT DO NOTHING
    """
)
_FORGET_NEW_VOTES = SQL("DELETE FROM answer_votes WHERE id LIKE 'n%%'")
_NEW_VOTES = 1_000_000_000

_XP = SQL(
    """
    INSERT INTO xp_ledger (id, "userId", "eventType", "baseXP", "finalXP", reason, "createdAt")
    SELECT 'x' || left(md5('xp' || n), 24), pg_temp.user_id(floor(%(users)s * pg_temp.draw(n, 14) ^ 2.7)::bigint),
           'UPVOTE_RECEIVED', points, points, '',
           %(until)s::timestamp - interval '1 ms' - (1 - n::float8 / %(rows)s) ^ 1.5 * interval '365 days'
    FROM generate_series(1, %(rows)s) AS n
    CROSS JOIN LATERAL (SELECT 1 + floor(50 * pg_temp.draw(n, 15))::int AS points)
    """
)
_REPUTATION = SQL(
    """
    INSERT INTO reputation_ledger (id, "userId", "eventType", change, reason, "createdAt")
    SELECT 'r' || left(md5('reputation' || n), 24),
           pg_temp.user_id(floor(%(users)s * pg_temp.draw(n, 16) ^ 2.7)::bigint), 'UPVOTE_RECEIVED',
           floor(20 * pg_temp.draw(n, 17))::int - 5, '',
           %(until)s::timestamp - interval '1 ms' - (1 - n::float8 / %(rows)s) ^ 1.5 * interval '365 days'
    FROM generate_series(1, %(rows)s) AS n
    """
)
COMMUNITY_TABLES = ("users", "doubts", "answers", "doubt_votes", "answer_votes", "xp_ledger", "reputation_ledger")

_LEARNERS = SQL(
    """
    INSERT INTO users (id, clerk_id, email)
    SELECT md5('learner' || n)::uuid, 'clerk_' || n, n || '@bench.example'
    FROM generate_series(0, %(learners)s - 1) AS n
    """
)
_CITATIONS = SQL(
    """
    CREATE TEMP TABLE pool AS
    SELECT n AS number, coalesce(
        (SELECT jsonb_agg(jsonb_build_object(
                    'source', 'https://note.example/n/' || left(md5('source' || source), 13),
                    'title', 'Lecture notes ' || source, 'score', source %% 100))
         FROM generate_series(1, floor(6 * pg_temp.draw(n, 20))::int) AS place
         CROSS JOIN LATERAL (SELECT floor(5000 * pg_temp.draw(n * 8 + place, 21) ^ 2)::int AS source)), '[]'
    ) AS citations
    FROM generate_series(0, 19999) AS n
    """
)
_DIALOGUES = SQL(
    """
    INSERT INTO ai_dialogue_log (
        user_id, session_id, query, response, model_used, created_at, updated_at, citations, latency_ms, token_cost_jpy,
        citation_rate, prompt_tokens, completion_tokens, total_tokens, relevance_score, user_feedback
    )
    SELECT md5('learner' || floor(%(learners)s * pg_temp.draw(n, 22) ^ 2)::bigint)::uuid, md5('s' || n / 4)::uuid,
           repeat(md5(n::text), 3), repeat(md5('r' || n), 9), 'gpt-4o-mini', at, at,
           CASE WHEN pg_temp.draw(n, 23) > 0.02 THEN pool.citations END,
           CASE WHEN pg_temp.draw(n, 24) > 0.02 THEN (200 - 900 * ln(1 - pg_temp.draw(n, 25)))::int END,
           CASE WHEN pg_temp.draw(n, 26) > 0.03 THEN round((3 * pg_temp.draw(n, 27))::numeric, 2) END,
           round((100 * pg_temp.draw(n, 28))::numeric, 2), 900, 300, 1200,
           CASE WHEN pg_temp.draw(n, 29) > 0.05 THEN round((0.4 + 0.6 * pg_temp.draw(n, 30))::numeric, 2) END,
           CASE WHEN pg_temp.draw(n, 31) < 0.3 THEN floor(3 * pg_temp.draw(n, 32))::int - 1 END
    FROM generate_series(0, %(dialogues)s - 1) AS n
    JOIN pool ON pool.number = floor(20000 * pg_temp.draw(n, 33) ^ 1.5)::int
    CROSS JOIN LATERAL (
        SELECT %(from)s::timestamp + (%(until)s::timestamp - %(from)s::timestamp) * (n::float8 / %(dialogues)s) AS at
    )
    ORDER BY n
    """
)
RAG_TABLES = ("users", "ai_dialogue_log")


def load_community(connection: Connection, sizes: Sizes) -> None:
    """Fill the empty tables of the community domain that the benchmarks read."""
    counts = {"users": sizes.users, "doubts": sizes.doubts, "answers": sizes.answers, "until": sizes.until}
    make_functions(connection)
    for statement in (_USERS, _DOUBTS, _ANSWERS):
        connection.execute(statement, counts)
    on_doubts = sizes.votes * 4 // 10
    _cast(connection, sizes, "doubt", on_doubts, first=0, prefix="v")
    _cast(connection, sizes, "answer", sizes.votes - on_doubts, first=4 * sizes.votes, prefix="v")
    connection.execute(_XP, counts | {"rows": sizes.xp_entries})
    connection.execute(_REPUTATION, counts | {"rows": sizes.reputation_entries})


def load_rag(connection: Connection, sizes: Sizes) -> None:
    """Fill the empty tables of the rag domain: dialogues in the order of their time."""
    make_functions(connection)
    first = sizes.dialogue_days[0].start.replace(tzinfo=None)
    connection.execute(_LEARNERS, {"learners": sizes.learners})
    connection.execute(_CITATIONS, {})
    connection.execute(
        _DIALOGUES,
        {"learners": sizes.learners, "dialogues": sizes.dialogues, "from": first, "until": sizes.until},
    )


def cast_new_votes(connection: Connection, sizes: Sizes) -> None:
    """Cast 1 % more votes, on answers."""
    _cast(connection, sizes, "answer", sizes.new_votes, first=_NEW_VOTES, prefix="n")


def forget_new_votes(connection: Connection) -> None:
    """Take back the votes that were cast last."""
    connection.execute(_FORGET_NEW_VOTES, {})


def make_functions(connection: Connection) -> None:
    """Make draw and user_id, for as long as the connection lasts."""
    for statement in _FUNCTIONS:
        connection.execute(statement)


def _cast(connection: Connection, sizes: Sizes, kind: str, votes: int, *, first: int, prefix: str) -> None:
    """Let users vote on doubts or answers."""
    names = (SQL("doubt_votes"), SQL('"doubtId"')) if kind == "doubt" else (SQL("answer_votes"), SQL('"answerId"'))
    connection.execute(
        _VOTES.format(table=names[0], content=names[1]),
        {
            "users": sizes.users,
            "contents": sizes.doubts if kind == "doubt" else sizes.answers,
            "votes": votes,
            "first": first,
            "kind": kind,
            "prefix": prefix,
            "until": sizes.until,
        },
    )
