"""Users carry the sums of their ledgers: equal to a plain computation, in batches, whatever is written meanwhile."""

from collections import defaultdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import factories
from tests.conftest import Connection, Materialize, Site, figures
from tests.faults.forked import Forked
from tests.faults.run_asset import run_asset, running_asset
from tests.ledgers import checks, complete_backfills, held_lock, refusal, versions

KEY = "community/user_totals"
USERS = ["ann", "bob", "cyd", "dan", "eve"]

# Entries of XP and of reputation (whose, how many), and trust scores of some.
entries = st.lists(st.tuples(st.sampled_from(USERS), st.integers(-(2**31), 2**31 - 1)), max_size=12)
trust = st.dictionaries(st.sampled_from(USERS), st.floats(0, 1), max_size=5)
Entries = list[tuple[str, int]]


def reputation(connection: Connection, user: str, change: int) -> None:
    count = connection.execute("SELECT count(*) AS n FROM reputation_ledger").fetchone() or {"n": 0}
    row = {"id": f"r{count['n']}", "userId": user, "eventType": "UPVOTE", "change": change, "reason": ""}
    factories.insert(connection, "reputation_ledger", row)


def totals(connection: Connection) -> dict[str, tuple[int, int, float]]:
    rows = connection.execute('SELECT id, "totalXP", "totalReputation", "trustScoreCache" FROM users')
    return {row["id"]: (row["totalXP"], row["totalReputation"], row["trustScoreCache"]) for row in rows}


def sums(rows: Entries) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for user, amount in rows:
        found[user] += amount
    return found


def fits(number: int) -> bool:
    return -(2**31) <= number < 2**31


def expected(
    before: dict[str, tuple[int, int, float]], xp: Entries, change: Entries, scores: dict[str, float]
) -> dict[str, tuple[int, int, float]]:
    """Compute totals by plain Python; a user whose sum is no integer stays as before."""
    by_xp, by_change = sums(xp), sums(change)
    new = {user: (by_xp[user], by_change[user], scores.get(user, 0.5)) for user in USERS}
    return {user: row if fits(row[0]) and fits(row[1]) else before[user] for user, row in new.items()}


def write_entries(connection: Connection, xp: Entries, change: Entries, scores: dict[str, float]) -> None:
    connection.execute("TRUNCATE xp_ledger, reputation_ledger, trust_scores")
    for user, amount in xp:
        factories.xp(connection, user, amount)
    for user, amount in change:
        reputation(connection, user, amount)
    for user, score in scores.items():
        factories.insert(connection, "trust_scores", {"id": user, "userId": user, "score": score})


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(xp=entries, change=entries, scores=trust, batch_size=st.integers(1, 6))
def test_totals_equal_a_plain_computation(
    site: Site,
    materialize: Materialize,
    xp: Entries,
    change: Entries,
    scores: dict[str, float],
    batch_size: int,
):
    with site.connect() as connection:
        connection.execute("TRUNCATE users, espalier.checkpoints CASCADE")
        factories.users(connection, *USERS)
        complete_backfills(connection)
        for part in (slice(0, len(xp) // 2), slice(0, None)):
            before = totals(connection)
            write_entries(connection, xp[part], change[part], scores)
            result = materialize(KEY, config={"batch_size": batch_size})
            assert totals(connection) == expected(before, xp[part], change[part], scores)
            assert checks(result)["ledger_sum_equals_total"]


def people(connection: Connection) -> None:
    """Give every user of the tests ten XP and five of reputation."""
    factories.users(connection, *USERS, reputation=5)
    for user in USERS:
        factories.user_stats(connection, user, 10)
        factories.xp(connection, user, 10)
        reputation(connection, user, 5)
    complete_backfills(connection)


def test_a_second_run_writes_nothing_and_what_the_application_owns_stays(site: Site, materialize: Materialize):
    with site.connect() as connection:
        people(connection)
        first = materialize(KEY)
        before = versions(connection, ["users"])
        second = materialize(KEY)
        assert versions(connection, ["users"]) == before
        updated = connection.execute('SELECT DISTINCT "updatedAt" FROM users').fetchall()
    assert updated == [{"updatedAt": factories.NOON}]
    assert (figures(first, KEY)["rows_written"], figures(second, KEY)["rows_written"]) == (len(USERS), 0)
    assert checks(first) == checks(second) == {"ledger_sum_equals_total": True, "totals_are_as_before": True}


def test_users_whose_entries_are_gone_go_to_zero(site: Site, materialize: Materialize):
    with site.connect() as connection:
        people(connection)
        materialize(KEY)
        connection.execute("DELETE FROM xp_ledger WHERE \"userId\" = 'ann'")
        assert figures(materialize(KEY), KEY)["rows_written"] == 1
        assert totals(connection)["ann"] == (0, 5, 0.5)


def test_totals_that_are_not_those_before_adoption_warn_with_their_number(site: Site, materialize: Materialize):
    with site.connect() as connection:
        people(connection)
        connection.execute("UPDATE users SET reputation = 6 WHERE id IN ('ann', 'bob')")
        connection.execute('UPDATE user_stats SET "totalPoints" = 11 WHERE "userId" = \'ann\'')
        result = materialize(KEY)
    assert result.success
    assert checks(result) == {"ledger_sum_equals_total": True, "totals_are_as_before": False}
    assert (figures(result, KEY)["xp_differs"], figures(result, KEY)["reputation_differs"]) == (1, 2)


def test_a_sum_that_is_no_integer_goes_to_quarantine_and_the_user_stays(site: Site, materialize: Materialize):
    with site.connect() as connection:
        people(connection)
        factories.xp(connection, "ann", 2**31 - 1)
        result = materialize(KEY, as_of="2026-02-01T02:00:00+00:00")
        materialize(KEY, as_of="2026-02-02T02:00:00+00:00")
        assert totals(connection)["ann"] == (0, 0, 0.5)
        refused = connection.execute(
            "SELECT source_key, payload, first_seen::text, last_seen::text FROM espalier.quarantine"
        ).fetchall()
    assert figures(result, KEY)["quarantined"] == 1
    assert [tuple(row.values()) for row in refused] == [
        ("ann", {"xp": 2**31 + 9, "reputation": 5}, "2026-02-01 02:00:00+00", "2026-02-02 02:00:00+00")
    ]


def test_only_the_users_named_are_written(site: Site, materialize: Materialize):
    with site.connect() as connection:
        people(connection)
        result = materialize(KEY, config={"user_ids": ["bob", "'; DROP TABLE users; --"]})
        assert {user for user, row in totals(connection).items() if row[0]} == {"bob"}
    assert figures(result, KEY)["rows_written"] == 1


def test_a_dry_run_writes_nothing_and_counts_who_would_change(site: Site, materialize: Materialize):
    with site.connect() as connection:
        people(connection)
        factories.xp(connection, "ann", 2**31 - 1)
        before = versions(connection, ["users"])
        result = materialize(KEY, config={"dry_run": True})
        assert versions(connection, ["users"]) == before
        assert connection.execute("SELECT * FROM espalier.quarantine").fetchall() == []
    assert figures(result, KEY)["unsettled"] == len(USERS) - 1


def test_what_an_earlier_run_left_pending_is_computed_anew(site: Site, materialize: Materialize):
    with site.connect() as connection:
        people(connection)
        connection.execute("INSERT INTO espalier.user_totals_pending VALUES ('ann', 666, 666, 0.6), ('gone', 1, 1, 1)")
        materialize(KEY, config={"batch_size": 2})
        assert set(totals(connection).values()) == {(10, 5, 0.5)}
        assert connection.execute("SELECT * FROM espalier.user_totals_pending").fetchall() == []


def test_half_a_ledger_is_not_summed(site: Site, materialize: Materialize):
    with site.connect() as connection:
        people(connection)
        connection.execute("DELETE FROM espalier.checkpoints WHERE job = 'community/xp_ledger'")
        refused = materialize(KEY, raise_on_error=False)
        assert set(totals(connection).values()) == {(0, 0, 0.5)}
    assert "community/xp_ledger: the backfill is not complete" in refusal(refused, KEY)


def test_two_runs_at_once_one_wins_and_the_other_says_so(site: Site, materialize: Materialize):
    with site.connect() as connection:
        people(connection)
    with held_lock(site, KEY):
        lost = materialize(KEY, raise_on_error=False)
    assert "another run is writing it" in refusal(lost, KEY)
    assert materialize(KEY).success


def test_entries_and_users_written_while_batches_are_written_are_neither_lost_nor_an_error(
    site: Site, materialize: Materialize
):
    """A trigger holds the first batch: what the application writes meanwhile is found by the next pass."""
    with site.connect() as connection, site.connect() as gate:
        people(connection)
        hold_totals(connection)
        gate.execute("SELECT pg_advisory_lock(7)")
        with running_asset(site, KEY, {"batch_size": 1}) as run:
            wait_until_held(connection, run)
            for user in USERS:
                factories.xp(connection, user, 1)
            factories.user(connection, "new")
            factories.xp(connection, "new", 3)
            gate.execute("SELECT pg_advisory_unlock(7)")
            assert run.wait(60) == 0
        assert totals(connection) == dict.fromkeys(USERS, (11, 5, 0.5)) | {"new": (3, 0, 0.5)}


def hold_totals(connection: Connection) -> None:
    connection.execute(
        "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS"
        " $$ BEGIN PERFORM pg_advisory_xact_lock_shared(7); RETURN NEW; END $$"
    )
    connection.execute("CREATE TRIGGER hold BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION hold()")


def wait_until_held(connection: Connection, run: Forked) -> None:
    waiting = "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 7"
    while connection.execute(waiting).fetchone() == {"n": 0}:
        assert run.poll() is None, "the run ended before it came to the gate"
        connection.execute("SELECT pg_sleep(0.01)")


@pytest.mark.parametrize("name", ["user_totals.batch_written", "user_totals.batch_committed"])
def test_a_killed_run_leaves_no_user_half_done_and_the_next_one_goes_on(site: Site, name: str):
    with site.connect() as connection:
        people(connection)
        assert run_asset(site, KEY, {"batch_size": 2}, f"{name}@2") < 0
        done = [row for row in totals(connection).values() if row[0]]
        assert 0 < len(done) < len(USERS)
        assert run_asset(site, KEY, {"batch_size": 2}) == 0
        assert set(totals(connection).values()) == {(10, 5, 0.5)}
