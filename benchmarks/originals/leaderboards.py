"""The leaderboards of seeds 000 and 002: for each board and user one sum of a ledger, then one insert a place.

The plans name the table and the periods and have no code; this is the loop of seed 000's phase 5, once for each board.
Equal points share a rank here: the original breaks ties arbitrarily.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, LiteralString

import psycopg
from psycopg.sql import SQL

Connection = psycopg.Connection[Any]
Board = tuple[str, str]

_SUMS: Mapping[str, LiteralString] = {
    "xp": """
        SELECT sum("finalXP") AS points FROM xp_ledger
        WHERE "userId" = %s AND "createdAt" >= %s AND "createdAt" < %s
    """,
    "reputation": """
        SELECT sum(change) AS points FROM reputation_ledger
        WHERE "userId" = %s AND "createdAt" >= %s AND "createdAt" < %s
    """,
}
_CREATE = """
    INSERT INTO leaderboard_entries
        (metric, period, scope, period_start, as_of, user_id, points, rank, dense_rank, recorded_at)
    VALUES (%s, %s, 'GLOBAL', %s, %s, %s, %s, %s, %s, %s)
"""


def rank_all(connection: Connection, starts: Mapping[str, date], on: date, find_users: SQL) -> int:
    """Fill the empty boards of a day (of UTC) with users; give how many those are.

    Args:
        connection: to the tables.
        starts: the first day of each period, by its name.
        on: the day, which is the last one of all periods.
        find_users: the users whom boards may show.
    """
    users = connection.execute(find_users).fetchall()
    for metric in _SUMS:
        for period, start in starts.items():
            _rank(connection, users, (metric, period), start, on)
    return len(users)


def _rank(connection: Connection, users: Iterable[dict[str, Any]], board: Board, start: date, on: date) -> None:
    until = on + timedelta(days=1)
    points: dict[str, int] = {}
    for user in users:
        found = connection.execute(_SUMS[board[0]], [user["id"], start, until]).fetchone()
        if found and found["points"] is not None:
            points[user["id"]] = found["points"]
    rank, dense_rank, last = 0, 0, None
    for place, (user_id, won) in enumerate(sorted(points.items(), key=lambda item: -item[1]), start=1):
        if won != last:
            rank, dense_rank, last = place, dense_rank + 1, won
        row = [*board, start, on, user_id, won, rank, dense_rank, until]
        connection.execute(_CREATE, row)
