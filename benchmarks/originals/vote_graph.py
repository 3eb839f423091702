"""The vote graph of seed 000, section 9, vote by vote: an upsert each, then each edge looks its reverse up.

The plan says that a scheduled job fills the table, and has no code for it; this is the loop that its other phases use.
"""

from typing import Any
from uuid import uuid4

import psycopg
from psycopg.sql import SQL

Connection = psycopg.Connection[Any]

_UPSERT_EDGE = """
    INSERT INTO vote_graph (id, "voterId", "targetUserId", "voteCount", "upvoteCount", "downvoteCount", "lastVoteAt")
    VALUES (%(id)s, %(voter)s, %(target)s, 1, %(up)s, %(down)s, %(at)s)
    ON CONFLICT ("voterId", "targetUserId") DO UPDATE
    SET "voteCount" = vote_graph."voteCount" + 1,
        "upvoteCount" = vote_graph."upvoteCount" + excluded."upvoteCount",
        "downvoteCount" = vote_graph."downvoteCount" + excluded."downvoteCount",
        "lastVoteAt" = greatest(vote_graph."lastVoteAt", excluded."lastVoteAt")
"""
_FIND_EDGES = 'SELECT id, "voterId" AS voter, "targetUserId" AS target, "voteCount" AS votes FROM vote_graph'
_FIND_REVERSE = (
    'SELECT "voteCount" AS votes FROM vote_graph WHERE "voterId" = %(target)s AND "targetUserId" = %(voter)s'
)
_SET_RECIPROCITY = "UPDATE vote_graph SET reciprocity = %(reciprocity)s WHERE id = %(id)s"


def refresh(connection: Connection, find_votes: SQL) -> int:
    """Fill an empty vote_graph from votes (voter, target, up, down, at); give how many those are."""
    votes = connection.execute(find_votes).fetchall()
    for vote in votes:
        connection.execute(_UPSERT_EDGE, {"id": uuid4().hex, **vote})
    for edge in connection.execute(_FIND_EDGES).fetchall():
        _set_reciprocity(connection, edge)
    return len(votes)


def _set_reciprocity(connection: Connection, edge: dict[str, Any]) -> None:
    reverse = connection.execute(_FIND_REVERSE, edge).fetchone() if edge["voter"] != edge["target"] else None
    if reverse:
        there, back = edge["votes"], reverse["votes"]
        connection.execute(_SET_RECIPROCITY, {"id": edge["id"], "reciprocity": 2 * min(there, back) / (there + back)})
