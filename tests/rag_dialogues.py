"""Dialogues for the tests of the daily figures: one at a time, drawn by hypothesis, or many with all the dirt.

What must come out of them is in `rag_by_hand.py`.
"""

import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from orchestration.zones import day_start
from tests import factories
from tests.conftest import Connection

TOKYO = "Asia/Tokyo"
DAYS_OF_A_WEEK = 4
Row = dict[str, Any]

sources = st.sampled_from(["a", "b", "https://example.org/c", ""])
citation = st.one_of(
    st.fixed_dictionaries({"source": sources}),
    st.sampled_from([{"source": None}, {"title": "no source"}, None, "text", 7, [{"source": "nested"}]]),
)
citations = st.one_of(
    st.lists(citation, max_size=4), st.sampled_from([{"source": "an object"}, "text", 42, True, Jsonb(None)])
)


def decimals(low: str, high: str) -> st.SearchStrategy[Decimal]:
    return st.decimals(low, high, places=2, allow_nan=False)


dialogues = st.fixed_dictionaries(
    {
        "minute": st.integers(0, DAYS_OF_A_WEEK * 24 * 60 - 1),
        "user": st.integers(0, 3),
        "citations": st.none() | citations,
        "latency_ms": st.none() | st.integers(-5, 5) | st.integers(1400, 3100) | st.just(2**31 - 1),
        "token_cost_jpy": st.none() | decimals("-1", "6") | st.sampled_from([Decimal(0), Decimal("NaN")]),
        "total_tokens": st.none() | st.integers(-2, 4000),
        "relevance_score": st.none() | decimals("-0.5", "1.5") | st.sampled_from([Decimal("NaN"), Decimal("0.7")]),
        "user_feedback": st.none() | st.sampled_from([-1, 0, 1]),
    }
)


def learner(number: int) -> UUID:
    """Give the id of one of the four users."""
    return factories.new_uuid(1_000_000 + number)


def ask(connection: Connection, at: datetime, user: int = 0, **figures: object) -> None:
    factories.dialogue(connection, learner(user), at, **figures)


def naive_start(day: date, zone: str) -> datetime:
    return day_start(day, zone).replace(tzinfo=None)


def dirty_days(connection: Connection, first: date, days: int, rows: int) -> None:
    """Insert dialogues over some days, with values that should not be and times on the edges of days."""
    draw = random.Random(20260101)  # noqa: S311 - repeatable data, no secret
    start = naive_start(first, TOKYO)
    edges = [timedelta(days=n) + e for n in range(1, days) for e in (timedelta(0), -timedelta(microseconds=1))]
    times = [timedelta(seconds=draw.random() * days * 86400) for _ in range(rows - len(edges))]
    for at in [*edges, *times]:
        if at.days != 30:
            ask(connection, start + at, draw.randrange(4), **_dirty(draw))


def _dirty(draw: random.Random) -> Row:
    cited = [{"source": draw.choice(["a", "b", "c", None])} for _ in range(draw.randrange(4))]
    return {
        "citations": draw.choice([None, cited, cited, cited, {"source": "x"}, "text", Jsonb(None)]),
        "latency_ms": draw.choice([None, -1, draw.randrange(4000), draw.randrange(4000)]),
        "token_cost_jpy": draw.choice([None, Decimal("-0.01"), Decimal(0), Decimal(draw.randrange(600)) / 100]),
        "total_tokens": draw.choice([None, -1, draw.randrange(4000)]),
        "relevance_score": draw.choice([None, Decimal("1.5"), Decimal(draw.randrange(101)) / 100]),
        "user_feedback": draw.choice([None, -1, 0, 1]),
    }
