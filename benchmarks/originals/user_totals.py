"""The totals of seed 000, phase 5: for each user one sum of the XP ledger and one update."""

from typing import Any

import psycopg
from psycopg.sql import SQL

Connection = psycopg.Connection[Any]

_SUM_XP = 'SELECT sum("finalXP") AS xp FROM xp_ledger WHERE "userId" = %s'
_UPDATE_USER = 'UPDATE users SET "totalXP" = %s, "trustScoreCache" = 0.5 WHERE id = %s'


def compute_totals(connection: Connection, find_users: SQL) -> int:
    """Set the totals of users; give how many those are."""
    users = connection.execute(find_users).fetchall()
    for user in users:
        found = connection.execute(_SUM_XP, [user["id"]]).fetchone()
        connection.execute(_UPDATE_USER, [found["xp"] or 0 if found else 0, user["id"]])
    return len(users)
