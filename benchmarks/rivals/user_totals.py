"""The totals in polars; users are written by one UPDATE from the table that was copied in."""

import polars as pl
from psycopg.sql import SQL, Identifier

from benchmarks.rivals.copying import Connection, copy_in, copy_out

TABLE = Identifier("bench", "user_totals")
CREATE = SQL("CREATE TABLE bench.user_totals (id text, xp int, reputation int, score float8)")
_USERS = SQL(
    """
    SELECT u.id, u."totalXP", u."totalReputation", u."trustScoreCache", t.score
    FROM users AS u
    LEFT JOIN trust_scores AS t ON t."userId" = u.id
    """
)
_XP = SQL('SELECT "userId", "finalXP" FROM xp_ledger')
_REPUTATION = SQL('SELECT "userId", change FROM reputation_ledger')
_USER = pl.Schema(
    {"id": pl.String, "had_xp": pl.Int64, "had_reputation": pl.Int64, "had_trust": pl.Float64, "score": pl.Float64}
)
_UPDATE = SQL(
    """
    UPDATE users AS u SET "totalXP" = t.xp, "totalReputation" = t.reputation, "trustScoreCache" = t.score
    FROM bench.user_totals AS t
    WHERE u.id = t.id
    """
)


def refresh(connection: Connection) -> None:
    """Write the totals of users whose totals differ."""
    users = copy_out(connection, _USERS, _USER)
    totals = users.join(_sums(connection, _XP, "xp"), on="id", how="left")
    totals = totals.join(_sums(connection, _REPUTATION, "reputation"), on="id", how="left").with_columns(
        pl.col("xp").fill_null(0), pl.col("reputation").fill_null(0), pl.col("score").fill_null(0.5)
    )
    changed = totals.filter(
        (pl.col("xp") != pl.col("had_xp"))
        | (pl.col("reputation") != pl.col("had_reputation"))
        | (pl.col("score") != pl.col("had_trust"))
    )
    with connection.transaction():
        copy_in(connection, TABLE, changed.select("id", "xp", "reputation", "score"))
        connection.execute(_UPDATE)


def _sums(connection: Connection, query: SQL, name: str) -> pl.DataFrame:
    rows = copy_out(connection, query, pl.Schema({"id": pl.String, name: pl.Int64}))
    return rows.group_by("id").agg(pl.col(name).sum())
