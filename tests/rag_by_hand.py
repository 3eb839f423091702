"""A day's figures computed from its fetched rows in plain Python: what the SQL is held against.

Nothing of `assets` or `sql` is imported; means are exact decimals, percentiles are floats as Postgres' own are.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from math import ceil, floor
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
_EXACT = Context(prec=60)
TARGETS: dict[str, float] = {
    "citationRateMin": 70,
    "latencyP50MsMax": 1500,
    "latencyP95MsMax": 3000,
    "costJpyMax": 3,
    "relevanceMin": 0.7,
}


def metrics(dialogues: Iterable[Row], days: Iterable[date], zone: str) -> list[Row]:
    """Give the row of each day, in order, without `id`."""
    by_day: dict[date, list[Row]] = {day: [] for day in days}
    for row in dialogues:
        day = row["created_at"].replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
        by_day.get(day, []).append(row)
    return [_day(rows, _end(day, zone)) for day, rows in sorted(by_day.items())]


def _end(day: date, zone: str) -> datetime:
    """Find the first instant of the next day by stepping through the minutes around its midnight."""
    utc = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=8)
    while utc.astimezone(ZoneInfo(zone)).date() <= day:
        utc += timedelta(minutes=15)
    return utc.replace(tzinfo=None)


def _day(rows: Sequence[Row], end: datetime) -> Row:
    citations = [row["citations"] if isinstance(row["citations"], list) else [] for row in rows]
    elements = [element for cited in citations for element in cited]
    latencies = sorted(_usable(rows, "latency_ms", lambda ms: ms >= 0))
    costs = _usable(rows, "token_cost_jpy", lambda cost: not cost.is_nan() and cost >= 0)
    votes = [100 if vote == 1 else 0 for vote in _usable(rows, "user_feedback", lambda vote: vote in (-1, 1))]
    exact: Row = {
        "citation_rate": _mean([100 if cited else 0 for cited in citations]),
        "p50": _percentile(latencies, 0.5),
        "p95": _percentile(latencies, 0.95),
        "p99": _percentile(latencies, 0.99),
        "cost": _mean(costs),
        "relevance": _mean(_usable(rows, "relevance_score", lambda score: not score.is_nan() and 0 <= score <= 1)),
    }
    return {
        "date": end - timedelta(milliseconds=1),
        "citation_rate": _rounded(exact["citation_rate"], 2),
        "citation_count": len(elements),
        "unique_sources_count": len(_sources(elements)),
        "latency_p50_ms": _whole(exact["p50"]),
        "latency_p95_ms": _whole(exact["p95"]),
        "latency_p99_ms": _whole(exact["p99"]),
        "cost_per_answer": _fitting(_rounded(exact["cost"], 2), 10_000),
        "total_cost": _fitting(sum(costs, Decimal(0)), 100_000_000),
        "total_queries": len(rows),
        "unique_users": len({row["user_id"] for row in rows}),
        "average_tokens_per_query": _rounded(_mean(_usable(rows, "total_tokens", lambda n: n >= 0)), 0),
        "average_relevance_score": _rounded(exact["relevance"], 2),
        "positive_votes_rate": _rounded(_mean(votes), 2),
        "slo_compliance": _compliance(exact, empty=not rows),
        "created_at": end,
    }


def _usable(rows: Sequence[Row], column: str, can_be: Callable[[Any], bool]) -> list[Any]:
    return [row[column] for row in rows if row[column] is not None and can_be(row[column])]


def _sources(elements: Iterable[Any]) -> set[str]:
    found = [element.get("source") for element in elements if isinstance(element, dict)]
    return {source for source in found if source is not None}


def _mean(values: Sequence[Any]) -> Decimal | None:
    return _EXACT.divide(sum(map(Decimal, values), Decimal(0)), Decimal(len(values))) if values else None


def _percentile(ordered: Sequence[int], share: float) -> float | None:
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    low, high = ordered[floor(place)], ordered[ceil(place)]
    return low + (place - floor(place)) * (high - low)


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _rounded(value: Decimal | None, places: int) -> Decimal | None:
    return None if value is None else value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _fitting(value: Decimal | None, bound: int) -> Decimal | None:
    return None if value is None or value >= bound else value


def _compliance(exact: Row, *, empty: bool) -> Row:
    rate, cost, relevance, p50, p95 = (exact[name] for name in ("citation_rate", "cost", "relevance", "p50", "p95"))
    met: dict[str, bool | None] = {
        "citationRateMet": None if rate is None else rate >= 70,
        "latencyMet": None if p50 is None else p50 <= 1500 and p95 <= 3000,
        "costMet": None if cost is None else cost <= 3,
        "relevanceMet": None if relevance is None else relevance >= Decimal("0.7"),
    }
    known = [value for value in met.values() if value is not None]
    overall = False if not all(known) else True if len(known) == len(met) else None
    actuals = {
        "citationRate": _number(rate),
        "latencyP50Ms": _number(p50),
        "latencyP95Ms": _number(p95),
        "costJpy": _number(cost),
        "relevance": _number(relevance),
    }
    return {**met, "overallMet": overall, "noData": empty, "targets": TARGETS, "actuals": actuals}


def _number(value: Decimal | float | None) -> float | None:
    """Give a figure as the JSON has it: to six decimals."""
    if value is None:
        return None
    exact = Decimal(f"{value:.15g}") if isinstance(value, float) else Decimal(value)
    return float(exact.quantize(Decimal("0.000001"), ROUND_HALF_UP))
