"""The trigger on points_ledger: any interleaving of writes leaves xp_ledger equal to the mapping of points_ledger."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.sql import SQL, Identifier

from migrations import runner
from tests import factories
from tests.conftest import Connection, Site
from tests.migrations.site_state import names

USERS = ("ann", "bob", "cyd")
KEYS = ("p1", "p2", "p3", "p4")
EVENTS = ("DOUBT_CREATED", "UPVOTE_RECEIVED", "DAILY_LOGIN")

MIRRORED = """
    SELECT id, "userId", "eventType", "conceptId", "baseXP", "masteryMult", "trustMult", "factCheckMult", "timeDecay",
           "finalXP", reason, metadata, flagged, "createdAt" FROM xp_ledger
    WHERE metadata ->> 'source' = 'points_ledger' ORDER BY id
"""
SOURCE = 'SELECT id, "userId", "eventType"::text, points, description, "createdAt" FROM points_ledger ORDER BY id'

key, user, points = st.sampled_from(KEYS), st.sampled_from(USERS), st.integers(-(2**31), 2**31 - 1)
words = st.one_of(st.none(), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9))
step = st.one_of(
    st.tuples(st.just("insert"), key, user, points, words, st.sampled_from(EVENTS)),
    st.tuples(st.just("update"), key, user, points, words),
    st.tuples(st.just("rename"), key, key),
    st.tuples(st.just("delete"), key),
    st.tuples(st.just("truncate")),
    st.tuples(st.just("delete user"), user),
    st.tuples(st.just("rename user"), user, user),
    st.tuples(st.just("everyone"), points),
    st.tuples(st.just("shift keys")),
)

STATEMENTS = {
    "insert": (
        'INSERT INTO points_ledger (id, "userId", points, description, "eventType")'
        ' VALUES (%s, %s, %s, %s, %s::"PointEventType") ON CONFLICT (id) DO UPDATE SET points = excluded.points'
    ),
    "update": 'UPDATE points_ledger SET "userId" = %s, points = %s, description = %s WHERE id = %s',
    "rename": "UPDATE points_ledger SET id = %s WHERE id = %s",
    "delete": "DELETE FROM points_ledger WHERE id = %s",
    "truncate": "TRUNCATE points_ledger",
    "delete user": "DELETE FROM users WHERE id = %s",
    "rename user": "UPDATE users SET id = %s WHERE id = %s",
    "everyone": "UPDATE points_ledger SET points = %s",
    "shift keys": "UPDATE points_ledger SET id = id || 'x'",
}


def take(connection: Connection, doing: tuple[Any, ...]) -> None:
    """Do one thing; the application's own mistakes (a key twice, no such user) undo only themselves."""
    verb, *arguments = doing
    if verb in ("update", "rename", "rename user"):
        arguments = [*arguments[1:], arguments[0]]
    try:
        with connection.transaction():
            connection.execute(STATEMENTS[verb].encode(), arguments)
    except (psycopg.errors.UniqueViolation, psycopg.errors.ForeignKeyViolation):
        return


def expected(connection: Connection) -> list[dict[str, Any]]:
    return [
        {
            "id": row["id"],
            "userId": row["userId"],
            "eventType": row["eventType"],
            "conceptId": None,
            "baseXP": row["points"],
            "masteryMult": 1.0,
            "trustMult": 1.0,
            "factCheckMult": 1.0,
            "timeDecay": 1.0,
            "finalXP": row["points"],
            "reason": row["description"] or "",
            "metadata": {"source": "points_ledger"},
            "flagged": False,
            "createdAt": row["createdAt"],
        }
        for row in connection.execute(SOURCE).fetchall()
    ]


def mirrored(connection: Connection) -> list[dict[str, Any]]:
    return connection.execute(MIRRORED).fetchall()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(doings=st.lists(st.lists(step, max_size=6), max_size=5))
def test_any_interleaving_of_writes_is_mirrored(site: Site, doings: list[list[tuple[Any, ...]]]):
    with site.connect("community") as connection:
        connection.execute("TRUNCATE users CASCADE")
        factories.users(connection, *USERS)
        factories.xp(connection, "ann", 5, id="mine", metadata={"source": "elsewhere"})
        for transaction in doings:
            with connection.transaction():
                for doing in transaction:
                    take(connection, doing)
        assert mirrored(connection) == expected(connection)
        others = names(connection, "SELECT id FROM xp_ledger WHERE metadata ->> 'source' = 'elsewhere'")
        assert others == names(connection, "SELECT 'mine' FROM users WHERE name = 'ann'")


def test_a_transaction_that_is_rolled_back_leaves_no_trace_in_the_mirror(site: Site):
    with site.connect("community") as connection:
        factories.users(connection, "ann")
        with connection.transaction(force_rollback=True):
            factories.points(connection, "ann")
        assert mirrored(connection) == []


def test_a_row_of_the_same_id_that_did_not_come_from_points_is_not_overwritten(site: Site):
    with site.connect("community") as connection:
        factories.users(connection, "ann")
        factories.xp(connection, "ann", 5, id="p1")
        factories.points(connection, "ann", 9, id="p1")
        connection.execute("DELETE FROM points_ledger")
        assert names(connection, 'SELECT "finalXP" FROM xp_ledger') == {"5"}


def test_what_a_job_adds_to_a_mirrored_row_survives_a_later_update(site: Site):
    with site.connect("community") as connection:
        factories.users(connection, "ann")
        factories.points(connection, "ann", 9, id="p1")
        connection.execute("UPDATE xp_ledger SET flagged = true")
        connection.execute("UPDATE points_ledger SET points = 10")
        assert names(connection, 'SELECT "finalXP" FROM xp_ledger WHERE flagged') == {"10"}


def as_application(site: Site, work: Callable[[Connection], None]) -> None:
    """Work as a role that may write points and knows nothing of our tables."""
    with site.connect("community", "bootstrap") as connection, connection.transaction(force_rollback=True):
        connection.execute("CREATE ROLE application")
        connection.execute("GRANT USAGE ON SCHEMA community TO application")
        connection.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON points_ledger TO application")
        connection.execute(SQL("GRANT TEMPORARY ON DATABASE {} TO application").format(Identifier(site.database)))
        connection.execute("SET ROLE application")
        work(connection)


def test_the_application_needs_no_right_on_the_mirror_and_has_none(site: Site):
    with site.connect("community") as connection:
        factories.users(connection, "ann")

    def work(connection: Connection) -> None:
        factories.points(connection, "ann", 3, id="p1")
        for statement in ("SELECT * FROM xp_ledger", "SELECT xp_ledger_sync()", "SELECT xp_ledger_sync_truncate()"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(statement.encode())
        connection.execute("RESET ROLE")
        assert len(mirrored(connection)) == 1

    as_application(site, work)


def test_a_temporary_table_of_the_same_name_catches_nothing(site: Site):
    with site.connect("community") as connection:
        factories.users(connection, "ann")

    def work(connection: Connection) -> None:
        connection.execute("CREATE TEMPORARY TABLE xp_ledger (LIKE points_ledger)")
        connection.execute("SET LOCAL search_path = pg_temp, community")
        connection.execute(
            'INSERT INTO points_ledger (id, "userId", "eventType", points) VALUES (%s, %s, %s, 1)',
            ["p1", "ann", "DAILY_LOGIN"],
        )
        connection.execute("RESET ROLE")
        assert names(connection, "SELECT id FROM community.xp_ledger") == {"p1"}
        assert names(connection, "SELECT id FROM pg_temp.xp_ledger") == set()

    as_application(site, work)


def test_the_backfill_begins_again_when_the_trigger_comes_back(site: Site):
    with site.connect("community") as connection:
        connection.execute(
            "INSERT INTO espalier.checkpoints (job, last_key, rows_done, completed_as_of, state)"
            " VALUES ('community/xp_ledger', 'p9', 9, now(), '{\"kept\": 1}')"
        )
        runner.migrate(site.settings, "community", "0016")
        runner.migrate(site.settings, "community")
        row = connection.execute("SELECT last_key, rows_done, completed_as_of, state FROM espalier.checkpoints")
        assert row.fetchone() == {"last_key": None, "rows_done": 0, "completed_as_of": None, "state": {"kept": 1}}
        runner.migrate(site.settings, "community", "0013")
        assert names(connection, "SELECT job FROM espalier.checkpoints") == set()
