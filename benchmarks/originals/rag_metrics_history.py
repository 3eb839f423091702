"""The daily figures of seed 004 as its job computes them: six queries a day, then one insert.

Days are half-open ranges, figures are rounded to their columns: the original's other defects are left out too.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, LiteralString

import psycopg

from orchestration.partitions import Day

Connection = psycopg.Connection[Any]

_QUERIES: tuple[LiteralString, ...] = (
    """
    SELECT round(avg(CASE WHEN jsonb_array_length(citations) > 0 THEN 100 ELSE 0 END), 2) AS citation_rate,
           coalesce(sum(jsonb_array_length(citations)), 0) AS citation_count
    FROM ai_dialogue_log
    WHERE created_at >= %(start)s AND created_at < %(end)s
    """,
    """
    SELECT count(DISTINCT citation ->> 'source') AS unique_sources_count
    FROM ai_dialogue_log
    CROSS JOIN LATERAL jsonb_array_elements(citations) AS citation
    WHERE created_at >= %(start)s AND created_at < %(end)s
    """,
    """
    SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_ms)) AS latency_p50_ms,
           round(percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms)) AS latency_p95_ms,
           round(percentile_cont(0.99) WITHIN GROUP (ORDER BY latency_ms)) AS latency_p99_ms
    FROM ai_dialogue_log
    WHERE created_at >= %(start)s AND created_at < %(end)s AND latency_ms IS NOT NULL
    """,
    """
    SELECT round(avg(token_cost_jpy), 2) AS cost_per_answer, round(coalesce(sum(token_cost_jpy), 0), 2) AS total_cost
    FROM ai_dialogue_log
    WHERE created_at >= %(start)s AND created_at < %(end)s
    """,
    """
    SELECT count(*) AS total_queries, count(DISTINCT user_id) AS unique_users,
           round(avg(total_tokens)) AS average_tokens_per_query
    FROM ai_dialogue_log
    WHERE created_at >= %(start)s AND created_at < %(end)s
    """,
    """
    SELECT round(avg(relevance_score), 2) AS average_relevance_score,
           round(avg(CASE user_feedback WHEN 1 THEN 100 WHEN -1 THEN 0 END), 2) AS positive_votes_rate
    FROM ai_dialogue_log
    WHERE created_at >= %(start)s AND created_at < %(end)s
    """,
)
_CREATE = """
    INSERT INTO rag_metrics_history (
        date, citation_rate, citation_count, unique_sources_count, latency_p50_ms, latency_p95_ms, latency_p99_ms,
        cost_per_answer, total_cost, total_queries, unique_users, average_tokens_per_query, average_relevance_score,
        positive_votes_rate
    )
    VALUES (
        %(date)s, %(citation_rate)s, %(citation_count)s, %(unique_sources_count)s, %(latency_p50_ms)s,
        %(latency_p95_ms)s, %(latency_p99_ms)s, %(cost_per_answer)s, %(total_cost)s, %(total_queries)s,
        %(unique_users)s, %(average_tokens_per_query)s, %(average_relevance_score)s, %(positive_votes_rate)s
    )
"""


def roll_up(connection: Connection, days: Iterable[Day]) -> int:
    """Fill the rows of some days that have none; give how many days those are."""
    return sum(_roll_up_day(connection, day) for day in days)


def _roll_up_day(connection: Connection, day: Day) -> int:
    span = {"start": day.start.replace(tzinfo=None), "end": day.end.replace(tzinfo=None)}
    row: dict[str, Any] = {"date": span["end"] - timedelta(milliseconds=1)}
    for query in _QUERIES:
        row |= connection.execute(query, span).fetchone() or {}
    return connection.execute(_CREATE, row).rowcount
