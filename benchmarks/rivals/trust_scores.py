"""The initialization of trust scores in polars: who has none, and their rows."""

import polars as pl
from psycopg.sql import SQL, Identifier

from benchmarks.rivals.copying import Connection, copy_in, copy_out

_USERS = SQL("SELECT id FROM users")
_SCORED = SQL('SELECT "userId" FROM trust_scores')
_IDS = pl.Schema({"id": pl.String})


def initialize(connection: Connection) -> None:
    """Give each user without a score the neutral one."""
    users = copy_out(connection, _USERS, _IDS)
    missing = users.join(copy_out(connection, _SCORED, _IDS), on="id", how="anti")
    scores = missing.select("id", pl.col("id").alias("userId"), pl.lit(0.5).alias("score"))
    copy_in(connection, Identifier("trust_scores"), scores)
