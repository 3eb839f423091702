"""The vote graph equals a plain computation, is written only where it changed, and loses no vote."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.community.vote_graph import VOTE_GRAPH, refresh
from tests import factories
from tests.conftest import Connection, Materialize, Site, figures
from tests.faults.forked import Forked
from tests.faults.run_asset import running_asset

KEY = "community/vote_graph"
USERS = ["ann", "bob", "cyd", "dan"]
START = datetime(2026, 1, 1)

# Who votes on whose content, up or down, how many minutes after the start; on a doubt or on an answer.
votes = st.lists(
    st.tuples(st.sampled_from(USERS), st.sampled_from(USERS), st.booleans(), st.integers(0, 10_000), st.booleans()),
    max_size=25,
)


def cast_vote(connection: Connection, number: int, vote: tuple[str, str, bool, int, bool]) -> None:
    voter, target, up, minutes, on_doubt = vote
    at = START + timedelta(minutes=minutes)
    kind = "UP" if up else "DOWN"
    doubt = factories.doubt(connection, target, f"d{number}")
    if on_doubt:
        factories.doubt_vote(connection, voter, doubt, kind, at)
        return
    answer = factories.answer(connection, target, doubt)
    factories.answer_vote(connection, voter, answer, kind, at)


def people(connection: Connection) -> None:
    for user in USERS:
        factories.user(connection, user)


def forget_everything(connection: Connection) -> None:
    connection.execute("DELETE FROM users")


def expected(cast: list[tuple[str, str, bool, int, bool]]) -> set[tuple[Any, ...]]:
    counts = Counter((voter, target) for voter, target, *_ in cast)
    return {edge(pair, counts, [vote for vote in cast if vote[:2] == pair]) for pair in counts}


def edge(
    pair: tuple[str, str], counts: Counter[tuple[str, str]], own: list[tuple[str, str, bool, int, bool]]
) -> tuple[Any, ...]:
    there, back = len(own), 0 if pair[0] == pair[1] else counts[pair[1], pair[0]]
    up = sum(vote[2] for vote in own)
    last = START + timedelta(minutes=max(vote[3] for vote in own))
    return (*pair, there, up, there - up, 2 * min(there, back) / (there + back), last)


def graph(connection: Connection) -> set[tuple[Any, ...]]:
    rows = connection.execute(
        'SELECT "voterId", "targetUserId", "voteCount", "upvoteCount", "downvoteCount", reciprocity, "lastVoteAt"'
        " FROM vote_graph"
    )
    return {tuple(row.values()) for row in rows}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=votes, after=votes)
def test_the_graph_equals_a_plain_computation_after_any_votes(site: Site, before: list[Any], after: list[Any]):
    with site.connect() as connection, VOTE_GRAPH.session(site.postgres) as session:
        forget_everything(connection)
        people(connection)
        for cast in (before, after):
            connection.execute("DELETE FROM doubts")
            for number, vote in enumerate(cast):
                cast_vote(connection, number, vote)
            assert all(check.passed for check in refresh(session).check_results or ())
            assert graph(connection) == expected(cast)


def test_a_second_run_writes_nothing(site: Site, materialize: Materialize):
    with site.connect() as connection:
        people(connection)
        for number, pair in enumerate([("ann", "bob"), ("bob", "ann"), ("cyd", "ann")]):
            cast_vote(connection, number, (*pair, True, number, False))
        first = figures(materialize(KEY), KEY)
        before = connection.execute("SELECT xmin::text, * FROM vote_graph ORDER BY id").fetchall()
        second = figures(materialize(KEY), KEY)
        after = connection.execute("SELECT xmin::text, * FROM vote_graph ORDER BY id").fetchall()
    assert (first["rows_written"], second["rows_written"]) == (3, 0)
    assert before == after


def test_a_vote_that_was_taken_back_takes_its_edge_along(site: Site, materialize: Materialize):
    with site.connect() as connection:
        people(connection)
        cast_vote(connection, 1, ("ann", "bob", True, 0, False))
        materialize(KEY)
        connection.execute("DELETE FROM answer_votes")
        assert figures(materialize(KEY), KEY)["deleted"] == 1
        assert graph(connection) == set()


def test_a_graph_somebody_spoilt_is_made_right_again(site: Site, materialize: Materialize):
    with site.connect() as connection:
        people(connection)
        cast_vote(connection, 1, ("ann", "bob", True, 0, False))
        materialize(KEY)
        connection.execute('UPDATE vote_graph SET "voteCount" = 9, reciprocity = 1')
        assert figures(materialize(KEY), KEY)["updated"] == 1
        assert graph(connection) == expected([("ann", "bob", True, 0, False)])


def test_two_runs_at_once_one_wins_and_the_other_says_so(site: Site, materialize: Materialize):
    with site.connect() as holder:
        holder.execute("BEGIN")
        holder.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 20260101))", [KEY])
        lost = materialize(KEY, raise_on_error=False)
        holder.execute("ROLLBACK")
    assert not lost.success
    failure = lost.failure_data_for_node("community__vote_graph")
    assert failure is not None
    assert failure.user_failure_data is not None
    assert "another run is writing it" in (failure.user_failure_data.description or "")
    assert materialize(KEY).success


def test_a_vote_cast_while_the_graph_is_refreshed_is_neither_lost_nor_doubled(site: Site, materialize: Materialize):
    """A trigger holds the refresh in mid-statement until the second vote has been committed."""
    with site.connect() as connection, site.connect() as gate:
        people(connection)
        cast_vote(connection, 1, ("ann", "bob", True, 0, False))
        hold_inserts(connection)
        gate.execute("SELECT pg_advisory_lock(7)")
        with running_asset(site, KEY, {}) as run:
            wait_until_held(connection, run)
            cast_vote(connection, 2, ("ann", "bob", True, 5, False))
            gate.execute("SELECT pg_advisory_unlock(7)")
            assert run.wait(60) == 0
        assert graph(connection) == expected([("ann", "bob", True, 0, False)])
        assert materialize(KEY).success
        assert graph(connection) == expected([("ann", "bob", True, 0, False), ("ann", "bob", True, 5, False)])


def hold_inserts(connection: Connection) -> None:
    connection.execute(
        "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_advisory_xact_lock_shared(7); RETURN NEW; END $$"
    )
    connection.execute("CREATE TRIGGER hold BEFORE INSERT ON vote_graph FOR EACH ROW EXECUTE FUNCTION hold()")


def wait_until_held(connection: Connection, run: Forked) -> None:
    """Wait for the server to report a session that waits for the gate."""
    waiting = "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 7"
    while connection.execute(waiting).fetchone() == {"n": 0}:
        assert run.poll() is None, "the run ended before it came to the gate"
        connection.execute("SELECT pg_sleep(0.01)")


def test_a_missing_table_is_refused_although_public_has_its_namesake(site: Site, materialize: Materialize):
    with site.connect() as connection:
        connection.execute("DROP TABLE answer_votes")
    with site.server.admin(site.database) as admin:
        admin.execute("CREATE TABLE public.answer_votes (id text)")
    result = materialize(KEY, raise_on_error=False)
    failure = result.failure_data_for_node("community__vote_graph")
    assert failure is not None
    assert failure.user_failure_data is not None
    line = failure.user_failure_data.description or ""
    assert "schema community: no table answer_votes" in line
    assert "in public, not read" in line


def test_the_jobs_role_writes_the_graph_and_not_the_votes(site: Site):
    with site.connect(role="jobs") as jobs:
        rights = jobs.execute(
            "SELECT has_table_privilege('vote_graph', 'INSERT') AS graph,"
            " has_table_privilege('answer_votes', 'INSERT') AS votes,"
            " has_table_privilege('vote_graph', 'TRUNCATE') AS truncate"
        ).fetchone()
    assert rights == {"graph": True, "votes": False, "truncate": False}


@pytest.mark.parametrize("name", ["every_vote_counts", "edges_are_consistent"])
def test_its_checks_pass_and_block(site: Site, materialize: Materialize, name: str):
    result = materialize(KEY)
    assert {e.check_name: e.passed for e in result.get_asset_check_evaluations()}[name]
