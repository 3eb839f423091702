"""Whatever the history of attempts: incremental runs equal a full one, SQL equals plain Python, a replay every byte.

Drawn histories; single cases stand in `test_mastery_records.py`.
"""

from datetime import datetime, timedelta
from typing import Any

import psycopg
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests import factories
from tests.conftest import Connection, Site
from tests.mastery_by_hand import DELETE_DERIVED, by_hand, derive, derived_id, records

START = datetime(2026, 3, 1, 2)
USERS, CONCEPTS = ("ann", 'O\'Neil, "x\\y" {z}', "NULL"), ("c1", "c2", "")

STATEMENTS = {
    "try": (
        'INSERT INTO concept_attempts (id, "userId", "conceptId", "isCorrect", "hintsUsed", "createdAt")'
        " SELECT %(key)s, u.id, c.id, %(correct)s, %(hints)s, %(at)s FROM users AS u, concepts AS c"
        " WHERE u.id = %(user)s AND c.id = %(concept)s"
        ' ON CONFLICT (id) DO UPDATE SET "isCorrect" = excluded."isCorrect", "conceptId" = excluded."conceptId"'
    ),
    "correct": 'UPDATE concept_attempts SET "isCorrect" = NOT "isCorrect" WHERE id = %(key)s',
    "move in time": 'UPDATE concept_attempts SET "createdAt" = %(at)s WHERE "userId" = %(user)s',
    "give hints": 'UPDATE concept_attempts SET "hintsUsed" = %(hints)s WHERE "conceptId" = %(concept)s',
    "withdraw": 'DELETE FROM concept_attempts WHERE "userId" = %(user)s AND "conceptId" = %(concept)s',
    "withdraw one": "DELETE FROM concept_attempts WHERE id = %(key)s",
    "truncate": "TRUNCATE concept_attempts",
    "rename concept": "UPDATE concepts SET id = 'moved' WHERE id = %(concept)s",
    "rename back": "UPDATE concepts SET id = %(concept)s WHERE id = 'moved'",
    "delete concept": "DELETE FROM concepts WHERE id = %(concept)s",
    "add concept": (
        'INSERT INTO concepts (id, name, "updatedAt") VALUES (%(concept)s, %(key)s, %(at)s) ON CONFLICT DO NOTHING'
    ),
    "delete user": "DELETE FROM users WHERE id = %(user)s",
    "write a record": (
        'INSERT INTO mastery_records (id, "userId", "conceptId", "masteryScore", "updatedAt")'
        " SELECT %(key)s, u.id, c.id, 0.123, '2027-01-01' FROM users AS u, concepts AS c"
        " WHERE u.id = %(user)s AND c.id = %(concept)s"
        ' ON CONFLICT ("userId", "conceptId") DO UPDATE SET "masteryScore" = 0.123, "updatedAt" = \'2027-01-01\''
    ),
}
step = st.tuples(
    st.sampled_from(["try"] * 3 * len(STATEMENTS) + sorted(STATEMENTS)),
    st.fixed_dictionaries(
        {
            "key": st.sampled_from([f"a{n}" for n in range(12)]),
            "user": st.sampled_from(USERS),
            "concept": st.sampled_from(CONCEPTS),
            "correct": st.booleans(),
            "hints": st.integers(-2, 5),
            "after": st.one_of(st.integers(-50 * 24 * 60, 0), st.integers(0, 20 * 24 * 60)),
        }
    ),
)
night = st.tuples(st.lists(step, min_size=1, max_size=8), st.integers(0, 15), st.sampled_from([1, 3, 1000]))


AHEAD = {"key": "a1", "user": "ann", "concept": "c1", "correct": True, "hints": 0, "after": 3 * 24 * 60}


def do(connection: Connection, doing: tuple[str, dict[str, Any]], now: datetime) -> None:
    """Do one thing, at a time so many minutes after the last run; a mistake of the application undoes itself."""
    verb, values = doing
    at = now + timedelta(minutes=values["after"])
    try:
        connection.execute(STATEMENTS[verb].encode(), {**values, "at": at})
    except (psycopg.errors.UniqueViolation, psycopg.errors.ForeignKeyViolation):
        return


def begin_again(connection: Connection) -> None:
    """Take everything away that an earlier example left."""
    connection.execute("TRUNCATE users, concepts CASCADE")
    connection.execute("DELETE FROM espalier.checkpoints")
    factories.users(connection, *USERS)
    for number, key in enumerate(CONCEPTS):
        factories.concept(connection, key, name=f"Concept {number}")


def derived(connection: Connection) -> dict[tuple[str, str], dict[str, Any]]:
    """Read the records whose id shows that they were derived; the others are somebody else's."""
    found = {(row["userId"], row["conceptId"]): row for row in records(connection)}
    return {pair: row for pair, row in found.items() if row["id"] == derived_id(pair)}


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(nights=[([("try", AHEAD)], 1, 1000), ([], 1, 1), ([], 5, 3)])
@given(nights=st.lists(night, min_size=3, max_size=6))
def test_any_history_gives_what_plain_python_gives(
    site: Site, nights: list[tuple[list[tuple[str, dict[str, Any]]], int, int]]
):
    now = START
    with site.connect() as connection:
        begin_again(connection)
        for doings, days, batch_size in nights:
            for doing in doings:
                do(connection, doing, now)
            now += timedelta(days=days)
            assert derive(site, now, batch_size=batch_size)["checks"]["equal_to_a_recomputation"]
            assert derived(connection) == by_hand(connection, now)
        incremental = records(connection)
        assert derive(site, now, full_refresh=True)["rows_written"] == 0
        connection.execute(DELETE_DERIVED)
        derive(site, now, full_refresh=True)
        assert records(connection) == incremental
