"""The daily figures in polars: the dialogues of all days copied out, citations parsed from JSON."""

from collections.abc import Sequence

import polars as pl
from psycopg.sql import SQL, Identifier

from benchmarks.rivals.copying import Connection, copy_in, copy_out
from orchestration.partitions import Day

_DIALOGUES = SQL(
    """
    SELECT user_id, created_at, citations, latency_ms, token_cost_jpy, total_tokens, relevance_score, user_feedback
    FROM ai_dialogue_log
    WHERE created_at >= %(from)s AND created_at < %(until)s
    """
)
_SCHEMA = pl.Schema(
    {
        "user_id": pl.String,
        "at": pl.Datetime("us"),
        "citations": pl.String,
        "latency": pl.Float64,
        "cost": pl.Float64,
        "tokens": pl.Float64,
        "relevance": pl.Float64,
        "feedback": pl.Int64,
    }
)
_CITATION = pl.List(pl.Struct({"source": pl.String}))


def roll_up(connection: Connection, days: Sequence[Day], zone: str) -> None:
    """Fill the empty rag_metrics_history with a row for each day."""
    span = {"from": days[0].start.replace(tzinfo=None), "until": days[-1].end.replace(tzinfo=None)}
    dialogues = copy_out(connection, _DIALOGUES, _SCHEMA, **span).with_columns(
        pl.col("citations").str.json_decode(_CITATION),
        day=pl.col("at").dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.date(),
    )
    sources = dialogues.select("day", "citations").explode("citations").unnest("citations").drop_nulls("source")
    distinct = sources.group_by("day").agg(unique_sources_count=pl.col("source").n_unique())
    figures = _figures(dialogues).join(distinct, on="day", how="left").with_columns(_last_instant(zone).alias("date"))
    copy_in(connection, Identifier("rag_metrics_history"), figures.drop("day"))


def _figures(dialogues: pl.DataFrame) -> pl.DataFrame:
    cited = pl.col("citations").list.len().fill_null(0)
    feedback = pl.col("feedback").replace_strict({1: 100.0, -1: 0.0}, default=None)
    return dialogues.group_by("day").agg(
        citation_rate=((cited > 0) * 100).mean().round(2, "half_away_from_zero"),
        citation_count=cited.sum(),
        latency_p50_ms=_percentile(0.5),
        latency_p95_ms=_percentile(0.95),
        latency_p99_ms=_percentile(0.99),
        cost_per_answer=pl.col("cost").mean().round(2, "half_away_from_zero"),
        total_cost=pl.col("cost").sum().round(2, "half_away_from_zero"),
        total_queries=pl.len(),
        unique_users=pl.col("user_id").n_unique(),
        average_tokens_per_query=pl.col("tokens").mean().round(0, "half_away_from_zero").cast(pl.Int64),
        average_relevance_score=pl.col("relevance").mean().round(2, "half_away_from_zero"),
        positive_votes_rate=feedback.mean().round(2, "half_away_from_zero"),
    )


def _last_instant(zone: str) -> pl.Expr:
    """Give the last millisecond of a day, in UTC."""
    next_day = pl.col("day").cast(pl.Datetime("ms")).dt.offset_by("1d").dt.replace_time_zone(zone)
    return next_day.dt.convert_time_zone("UTC").dt.replace_time_zone(None) - pl.duration(milliseconds=1)


def _percentile(share: float) -> pl.Expr:
    return pl.col("latency").quantile(share, "linear").round().cast(pl.Int64)
