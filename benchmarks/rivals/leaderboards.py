"""The boards of a day in polars, and in pandas with `to_sql`."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

import pandas as pd
import polars as pl
from psycopg.sql import SQL, Identifier
from sqlalchemy import Engine

from benchmarks.rivals.copying import Connection, copy_in, copy_out

_USERS = SQL('SELECT id FROM users WHERE NOT "leaderboardOptOut" AND NOT "isShadowBanned" AND NOT "isSuspended"')
_LEDGERS: Mapping[str, SQL] = {
    "xp": SQL('SELECT "userId" AS user_id, "finalXP" AS points, "createdAt" AS at FROM xp_ledger'),
    "reputation": SQL('SELECT "userId" AS user_id, change AS points, "createdAt" AS at FROM reputation_ledger'),
}
_ENTRY = pl.Schema({"user_id": pl.String, "points": pl.Int64, "at": pl.Datetime("ms")})


def rank_in_polars(connection: Connection, starts: Mapping[str, date], on: date) -> None:
    """Fill the empty boards of a day."""
    users = copy_out(connection, _USERS, pl.Schema({"user_id": pl.String}))
    for metric, query in _LEDGERS.items():
        entries = copy_out(connection, query, _ENTRY).join(users, on="user_id")
        for period, start in starts.items():
            copy_in(connection, Identifier("leaderboard_entries"), _board(entries, metric, period, start, on))


def _board(entries: pl.DataFrame, metric: str, period: str, start: date, on: date) -> pl.DataFrame:
    inside = entries.filter(pl.col("at").is_between(midnight(start), midnight(on + timedelta(days=1)), closed="left"))
    sums = inside.group_by("user_id").agg(pl.col("points").sum())
    points = pl.col("points")
    return sums.select(
        pl.lit(metric).alias("metric"),
        pl.lit(period).alias("period"),
        pl.lit("GLOBAL").alias("scope"),
        pl.lit(start).alias("period_start"),
        pl.lit(on).alias("as_of"),
        pl.lit(midnight(on + timedelta(days=1))).alias("recorded_at"),
        "user_id",
        "points",
        points.rank("min", descending=True).alias("rank"),
        points.rank("dense", descending=True).alias("dense_rank"),
    )


def rank_in_pandas(engine: Engine, starts: Mapping[str, date], on: date) -> None:
    """Fill the empty boards of a day, as a notebook would: `read_sql_query`, then `to_sql`."""
    users = pd.read_sql_query(_USERS.as_string(), engine).rename(columns={"id": "user_id"})
    boards: list[pd.DataFrame] = []
    for metric, query in _LEDGERS.items():
        entries = pd.read_sql_query(query.as_string(), engine).merge(users, on="user_id")
        boards += [_pandas_board(entries, metric, period, start, on) for period, start in starts.items()]
    pd.concat(boards).to_sql("leaderboard_entries", engine, if_exists="append", index=False)


def _pandas_board(entries: pd.DataFrame, metric: str, period: str, start: date, on: date) -> pd.DataFrame:
    inside = entries[(entries["at"] >= midnight(start)) & (entries["at"] < midnight(on + timedelta(days=1)))]
    board = inside.groupby("user_id", as_index=False)["points"].sum()
    board["rank"] = board["points"].rank(method="min", ascending=False).astype(int)
    board["dense_rank"] = board["points"].rank(method="dense", ascending=False).astype(int)
    constants = {"metric": metric, "period": period, "scope": "GLOBAL", "period_start": start, "as_of": on}
    return board.assign(**constants, recorded_at=midnight(on + timedelta(days=1)))


def midnight(day: date) -> datetime:
    """Give the start of a day of UTC."""
    return datetime.combine(day, time())
