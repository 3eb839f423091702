"""The vote graph in polars."""

import polars as pl
from psycopg.sql import SQL, Identifier

from benchmarks.rivals.copying import Connection, copy_in, copy_out

_VOTES = SQL(
    """
    SELECT v."userId", d."authorId", v.type = 'UP', v."createdAt"
    FROM doubt_votes AS v
    JOIN doubts AS d ON d.id = v."doubtId"
    UNION ALL
    SELECT v."userId", a."authorId", v.type = 'UP', v."createdAt"
    FROM answer_votes AS v
    JOIN answers AS a ON a.id = v."answerId"
    """
)
_SCHEMA = pl.Schema({"voter": pl.String, "target": pl.String, "up": pl.String, "at": pl.String})


def refresh(connection: Connection) -> None:
    """Fill the empty vote_graph."""
    cast = copy_out(connection, _VOTES, _SCHEMA)
    # Timestamps of one format order as text does.
    edges = cast.group_by("voter", "target").agg(
        votes=pl.len().cast(pl.Int64), up=(pl.col("up") == "t").sum().cast(pl.Int64), last_at=pl.col("at").max()
    )
    back = edges.select(voter="target", target="voter", back="votes").filter(pl.col("voter") != pl.col("target"))
    both = edges.join(back, on=["voter", "target"], how="left").with_columns(pl.col("back").fill_null(0))
    votes, up, back = (pl.col(name) for name in ("votes", "up", "back"))
    graph = both.select(
        pl.concat_str("voter", "target").alias("id"),
        pl.col("voter").alias("voterId"),
        pl.col("target").alias("targetUserId"),
        votes.alias("voteCount"),
        up.alias("upvoteCount"),
        (votes - up).alias("downvoteCount"),
        (2 * pl.min_horizontal("votes", "back") / (votes + back)).alias("reciprocity"),
        pl.col("last_at").alias("lastVoteAt"),
    )
    copy_in(connection, Identifier("vote_graph"), graph)
