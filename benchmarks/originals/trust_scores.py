"""The initialization of trust scores of seed 000, phase 4: an insert for each user."""

from typing import Any
from uuid import uuid4

import psycopg
from psycopg.sql import SQL

Connection = psycopg.Connection[Any]

_CREATE = 'INSERT INTO trust_scores (id, "userId", score) VALUES (%s, %s, 0.5)'


def initialize_trust_scores(connection: Connection, find_users: SQL) -> int:
    """Give users, none of whom may have one, a score; give how many those are."""
    users = connection.execute(find_users).fetchall()
    for user in users:
        connection.execute(_CREATE, [uuid4().hex, user["id"]])
    return len(users)
