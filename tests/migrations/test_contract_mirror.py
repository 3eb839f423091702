"""After the switch: whatever both applications write, in any order, the two ledgers say the same in their own words."""

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import factories
from tests.conftest import Connection, Site
from tests.migrations.switching import equal_ledgers, points_of, switched, take

pytestmark = pytest.mark.parametrize("server", [18], indirect=True, ids=["pg18"], scope="session")
KNOWN = ("DOUBT_CREATED", "UPVOTE_RECEIVED", "ACHIEVEMENT_UNLOCKED", "BADGE_EARNED")
UNKNOWN = ("PEER_REVIEW", "", "doubt_created", "X" * 200, "Ünïcode 🎓")
STOOD_FOR = "ACHIEVEMENT_UNLOCKED"

key, user = st.sampled_from(("k1", "k2", "k3")), st.sampled_from(("ann", "bob"))
number = st.one_of(st.integers(-3, 3), st.integers(-(2**31), 2**31 - 1))
words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)
old_event, new_event = st.sampled_from(KNOWN), st.sampled_from((*KNOWN, *UNKNOWN))
maybe = st.one_of(st.none(), words)

old_step = st.one_of(
    st.tuples(st.just("old insert"), key, user, old_event, number, maybe),
    st.tuples(st.just("old update"), old_event, number, maybe, key),
    st.tuples(st.just("old points"), number, key),
    st.tuples(st.just("old rename"), key, key),
    st.tuples(st.just("old delete"), key),
    st.tuples(st.just("old shift")),
    st.tuples(st.just("old truncate")),
)
new_step = st.one_of(
    st.tuples(st.just("new insert"), key, user, new_event, number, number, words),
    st.tuples(st.just("new update"), new_event, number, words, key),
    st.tuples(st.just("new flag"), key),
    st.tuples(st.just("new owner"), user, key),
    st.tuples(st.just("new rename"), key, key),
    st.tuples(st.just("new delete"), key),
    st.tuples(st.just("new shift")),
    st.tuples(st.just("new truncate")),
)
user_step = st.one_of(
    st.tuples(st.just("delete user"), user),
    st.tuples(st.just("rename user"), user, user),
)
STATEMENTS = {
    "old insert": (
        'INSERT INTO points_ledger (id, "userId", "eventType", points, description)'
        ' VALUES (%s, %s, %s::"PointEventType", %s, %s) ON CONFLICT (id) DO UPDATE SET points = excluded.points'
    ),
    "old update": (
        'UPDATE points_ledger SET "eventType" = %s::"PointEventType", points = %s, description = %s WHERE id = %s'
    ),
    "old points": "UPDATE points_ledger SET points = %s WHERE id = %s",
    "old rename": "UPDATE points_ledger SET id = %s WHERE id = %s",
    "old delete": "DELETE FROM points_ledger WHERE id = %s",
    "old shift": "UPDATE points_ledger SET id = id || 'x'",
    "old truncate": "TRUNCATE points_ledger",
    "new insert": (
        'INSERT INTO xp_ledger (id, "userId", "eventType", "baseXP", "finalXP", reason) VALUES (%s, %s, %s, %s, %s, %s)'
        ' ON CONFLICT (id) DO UPDATE SET "finalXP" = excluded."finalXP", "eventType" = excluded."eventType"'
    ),
    "new update": 'UPDATE xp_ledger SET "eventType" = %s, "finalXP" = %s, reason = %s WHERE id = %s',
    "new flag": "UPDATE xp_ledger SET flagged = true WHERE id = %s",
    "new owner": 'UPDATE xp_ledger SET "userId" = %s WHERE id = %s',
    "new rename": "UPDATE xp_ledger SET id = %s WHERE id = %s",
    "new delete": "DELETE FROM xp_ledger WHERE id = %s",
    "new shift": "UPDATE xp_ledger SET id = id || 'y'",
    "new truncate": "TRUNCATE xp_ledger",
    "delete user": "DELETE FROM users WHERE id = %s",
    "rename user": "UPDATE users SET id = %s WHERE id = %s",
}
EVENTS = """
    SELECT id, p."eventType"::text AS said, x."eventType" AS own FROM points_ledger AS p JOIN xp_ledger AS x USING (id)
"""


def take_step(connection: Connection, doing: tuple[Any, ...]) -> None:
    """Do one thing; an application's own mistakes (a key twice, no such user) undo only themselves."""
    verb, *arguments = doing
    try:
        with connection.transaction():
            connection.execute(STATEMENTS[verb].encode(), arguments)
    except (psycopg.errors.UniqueViolation, psycopg.errors.ForeignKeyViolation):
        return


def begin_anew(connection: Connection) -> None:
    connection.execute("TRUNCATE users CASCADE")
    connection.execute("TRUNCATE espalier.ledger_late_writes")
    factories.users(connection, "ann", "bob")


def assert_equal_with_events(connection: Connection) -> None:
    equal_ledgers(connection)
    for row in connection.execute(EVENTS).fetchall():
        assert row["said"] == (row["own"] if row["own"] in (*KNOWN,) else STOOD_FOR), row


@pytest.fixture
def connection(site: Site):
    """A connection to a site that has switched."""
    switched(site)
    with site.connect() as connection:
        yield connection


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(doings=st.lists(st.lists(st.one_of(old_step, new_step, user_step), max_size=6), max_size=5))
def test_any_interleaving_of_both_applications_leaves_equal_ledgers(
    connection: Connection, doings: list[list[tuple[Any, ...]]]
):
    begin_anew(connection)
    for transaction in doings:
        with connection.transaction():
            for doing in transaction:
                take_step(connection, doing)
        assert_equal_with_events(connection)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(doings=st.lists(st.one_of(new_step, user_step), max_size=8))
def test_nothing_that_the_new_application_does_is_a_late_write(connection: Connection, doings: list[tuple[Any, ...]]):
    begin_anew(connection)
    for doing in doings:
        take_step(connection, doing)
    late = connection.execute("SELECT operation FROM espalier.ledger_late_writes").fetchall()
    assert late == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(event=old_event, points=number, description=maybe)
def test_an_entry_of_the_old_ledger_comes_back_from_the_new_one_as_it_was(
    connection: Connection, event: str, points: int, description: str | None
):
    begin_anew(connection)
    factories.points(connection, "ann", points, event, id="k", description=description)
    before = connection.execute("SELECT * FROM points_ledger").fetchall()
    connection.execute("UPDATE xp_ledger SET flagged = true")
    assert connection.execute("SELECT * FROM points_ledger").fetchall() == before


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(event=new_event, base=number, final=number, reason=words)
def test_an_entry_of_the_new_ledger_is_not_changed_by_what_the_old_one_makes_of_it(
    connection: Connection, event: str, base: int, final: int, reason: str
):
    begin_anew(connection)
    factories.xp(connection, "ann", base, event, id="k", finalXP=final, reason=reason, masteryMult=1.5)
    before = connection.execute("SELECT * FROM xp_ledger").fetchall()
    connection.execute("UPDATE points_ledger SET points = points, description = description")
    assert connection.execute("SELECT * FROM xp_ledger").fetchall() == before


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(doings=st.lists(st.one_of(new_step, user_step), max_size=8))
def test_whatever_was_written_with_the_old_table_retired_is_there_when_it_comes_back(
    site: Site, connection: Connection, doings: list[tuple[Any, ...]]
):
    begin_anew(connection)
    for name in ("k1", "k2", "k3"):
        factories.xp(connection, "ann", 1, id=name)
    connection.execute("UPDATE espalier.ledger_switches SET switched_at = now() - interval '8 days'")
    take(site, "0001")
    for doing in doings:
        take_step(connection, doing)
    take(site, "0000")
    assert_equal_with_events(connection)
    assert len(points_of(connection)) == connection.execute("SELECT FROM xp_ledger").rowcount
