"""Leaderboards equal a plain computation for any ledger, zone and order of days, and feed the application's table."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.community.leaderboard_entries import LEADERBOARD_ENTRIES, refresh_day
from assets.community.leaderboard_snapshots import LEADERBOARD_SNAPSHOTS, periods_of, write_period
from tests import boards_by_hand, factories
from tests.boards_by_hand import ONE_DAY, Entry, Person, Row, midnight
from tests.conftest import Connection, Materialize, Site, figures
from tests.ledgers import at, checks, complete_backfills, held_lock, refusal, versions

ENTRIES, SNAPSHOTS = "community/leaderboard_entries", "community/leaderboard_snapshots"
USERS = ["ann", "bob", "cyd", "dan", "eve", "fay", "gus"]
# Clocks change at midnight in Havana, by half an hour on Lord Howe; Kathmandu and Apia are far from any hour of UTC.
ZONES = ["UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]
# Three weeks around a change of clocks and the end of a month, and one across a year's end.
STARTS = [datetime(2025, 10, 20), datetime(2025, 2, 25), datetime(2025, 12, 20)]

HIDDEN = [
    Person(opted_out=True),
    Person(shadow_banned=True),
    Person(suspended=True),
    *(Person(suspended=True, until=start + n * ONE_DAY) for start in STARTS for n in (3, 9)),
]
people = st.fixed_dictionaries({user: st.sampled_from([Person()] * 8 + HIDDEN) for user in USERS})


QUARTERS = [0, 1, 16, 20, 21, 40, 52, 72, 73, 88, 92, 95]


def instant(start: datetime, day: int, quarter: int, seconds: int) -> datetime:
    return start + timedelta(days=day, minutes=15 * quarter, seconds=seconds)


@st.composite
def ledgers(draw: st.DrawFn) -> tuple[datetime, list[Entry]]:
    """Draw entries of three weeks: few different points, so that there are ties; many at midnight in some zone."""
    start = draw(st.sampled_from(STARTS))
    entry = st.builds(
        Entry,
        metric=st.sampled_from(["xp", "xp", "reputation"]),
        user=st.sampled_from(USERS),
        points=st.integers(-2, 3),
        at=st.builds(
            instant, st.just(start), st.integers(0, 20), st.sampled_from(QUARTERS), st.sampled_from([0, 0, 0, 1, 899])
        ),
        opening=st.booleans() if draw(st.booleans()) else st.just(False),
    )
    return start, draw(st.lists(entry, min_size=20, max_size=60))


def add_people(connection: Connection, shown: dict[str, Person]) -> None:
    for user, person in shown.items():
        factories.user(
            connection,
            user,
            leaderboardOptOut=person.opted_out,
            isShadowBanned=person.shadow_banned,
            isSuspended=person.suspended,
            suspendedUntil=person.until,
        )


def add_entries(connection: Connection, entries: list[Entry]) -> None:
    for n, entry in enumerate(entries):
        event = "OPENING_BALANCE" if entry.opening else "UPVOTE_RECEIVED"
        if entry.metric == "xp":
            factories.xp(connection, entry.user, entry.points, event, entry.at)
            continue
        row = {"id": f"r{n}", "userId": entry.user, "eventType": event, "change": entry.points, "reason": ""}
        factories.insert(connection, "reputation_ledger", row | {"createdAt": entry.at})


def stored(connection: Connection) -> set[Row]:
    rows = connection.execute(
        "SELECT metric, period, period_start, as_of, user_id, points, rank, dense_rank, previous_rank"
        " FROM leaderboard_entries WHERE scope = 'GLOBAL'"
    )
    return {Row(*row.values()) for row in rows}


def shown_to_the_application(connection: Connection) -> set[tuple[Any, ...]]:
    rows = connection.execute(
        'SELECT "userId", period::text, points, rank, "periodStart", "periodEnd", "createdAt"'
        " FROM leaderboard_snapshots WHERE scope = 'GLOBAL'"
    )
    return {tuple(row.values()) for row in rows}


def period_end(row: Row) -> date:
    """Give the day after a period."""
    after = {"DAILY": row.period_start + ONE_DAY, "WEEKLY": row.period_start + 7 * ONE_DAY}
    return after.get(row.period) or (row.period_start + 31 * ONE_DAY).replace(day=1)


def snapshot(row: Row, zone: str) -> tuple[Any, ...]:
    """Give the row of the application's table for a row of a board."""
    end_of_day = midnight(row.as_of + ONE_DAY, zone)
    ever = row.period == "ALL_TIME"
    start = datetime(1970, 1, 1) if ever else midnight(row.period_start, zone)
    end = end_of_day if ever else midnight(period_end(row), zone)
    return (row.user, row.period, row.points, row.rank, start, end, end_of_day)


def newest(rows: set[Row], days: list[date]) -> set[Row]:
    """Keep, of the XP boards of each period, the one of its newest day (of which even nobody may be left)."""
    kept: set[Row] = set()
    for row in rows:
        in_period = [day for day in days if boards_by_hand.period_start(row.period, day) == row.period_start]
        if row.metric == "xp" and row.as_of == max(in_period):
            kept.add(row)
    return kept


def compute(site: Site, days: list[date], zone: str) -> None:
    """Compute days one after the other, as their runs would."""
    for day in days:
        with LEADERBOARD_ENTRIES.session(site.postgres) as session:
            session.run(lambda tx, day=day: refresh_day(tx, day, zone), repeatable_read=True)
        with LEADERBOARD_SNAPSHOTS.session(site.postgres) as session:
            for period in periods_of([day]):
                session.run(lambda tx, period=period: write_period(tx, period, zone), repeatable_read=True)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=ledgers(), shown=people, zone=st.sampled_from(ZONES), data=st.data())
def test_days_in_any_order_equal_a_plain_computation(
    site: Site, drawn: tuple[datetime, list[Entry]], shown: dict[str, Person], zone: str, data: st.DataObject
):
    start, entries = drawn
    offsets = data.draw(st.lists(st.integers(2, 21), min_size=2, max_size=5, unique=True), label="days")
    days = [start.date() + n * ONE_DAY for n in offsets]
    with site.connect() as connection:
        connection.execute("TRUNCATE users CASCADE")
        add_people(connection, shown)
        add_entries(connection, entries)
        compute(site, days, zone)
        expected = {row for day in days for row in boards_by_hand.boards(entries, shown, day, zone)}
        assert stored(connection) == expected
        assert shown_to_the_application(connection) == {snapshot(row, zone) for row in newest(expected, days)}


# Days of 23, 24 and 25 hours; a Monday that begins a month; the first day of a year.
EDGES = [date(2025, 3, 9), date(2025, 3, 30), date(2025, 4, 6), date(2025, 9, 1), date(2025, 10, 26), date(2026, 1, 1)]


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_begins_at_its_first_instant_and_ends_before_the_next(site: Site, zone: str):
    shown = {user: Person() for user in USERS}
    for day in EDGES:
        start, end = midnight(day, zone), midnight(day + ONE_DAY, zone)
        last = timedelta(milliseconds=1)
        edges = (start - last, start, start + last, end - last, end, midnight(day - ONE_DAY, zone))
        entries = [Entry("xp", user, n, edge) for n, (user, edge) in enumerate(zip(USERS, edges, strict=False))]
        with site.connect() as connection:
            connection.execute("TRUNCATE users CASCADE")
            add_people(connection, shown)
            add_entries(connection, entries)
            compute(site, [day], zone)
            assert stored(connection) == boards_by_hand.boards(entries, shown, day, zone)


WEEK = [Entry("xp", "ann", 5, at("2026-01-05T12:00")), Entry("xp", "bob", 5, at("2026-01-06T12:00"))]


def a_week(connection: Connection) -> None:
    """Two users with the same points, one day apart."""
    add_people(connection, {user: Person() for user in USERS})
    add_entries(connection, WEEK)
    complete_backfills(connection)


def test_a_backfill_is_one_run_and_a_second_one_writes_nothing(site: Site, materialize: Materialize):
    with site.connect() as connection:
        a_week(connection)
        first = materialize(ENTRIES, SNAPSHOTS, days=("2026-01-04", "2026-01-07"))
        before = versions(connection, ["leaderboard_entries", "leaderboard_snapshots"])
        second = materialize(ENTRIES, SNAPSHOTS, days=("2026-01-04", "2026-01-07"))
        assert versions(connection, ["leaderboard_entries", "leaderboard_snapshots"]) == before
        days = [date(2026, 1, day) for day in range(4, 8)]
        shown = {user: Person() for user in USERS}
        assert stored(connection) == {row for day in days for row in boards_by_hand.boards(WEEK, shown, day, "UTC")}
    assert figures(first, ENTRIES)["days"] == 4
    assert figures(first, ENTRIES)["rows_written"] == len(before[0])
    assert [figures(second, key)["rows_written"] for key in (ENTRIES, SNAPSHOTS)] == [0, 0]
    assert all(checks(first).values())


def test_who_opts_out_is_gone_from_the_board_at_the_next_run(site: Site, materialize: Materialize):
    with site.connect() as connection:
        a_week(connection)
        materialize(ENTRIES, SNAPSHOTS, partition="2026-01-06")
        connection.execute("UPDATE users SET \"leaderboardOptOut\" = true WHERE id = 'bob'")
        materialize(ENTRIES, SNAPSHOTS, partition="2026-01-06")
        assert {row.user for row in stored(connection)} == {"ann"}
        assert {row[0] for row in shown_to_the_application(connection)} == {"ann"}


def test_the_board_of_the_last_user_to_opt_out_is_emptied(site: Site, materialize: Materialize):
    with site.connect() as connection:
        a_week(connection)
        materialize(ENTRIES, SNAPSHOTS, partition="2026-01-05")
        connection.execute('UPDATE users SET "leaderboardOptOut" = true')
        materialize(ENTRIES, SNAPSHOTS, partition="2026-01-05")
        assert stored(connection) == set()
        assert shown_to_the_application(connection) == set()


def application_row(connection: Connection, user: str, id: str) -> None:
    row = {"id": id, "userId": user, "period": "DAILY", "scope": "GLOBAL", "points": 1, "rank": 9}
    times = {"periodStart": at("2026-01-06"), "periodEnd": at("2026-01-06T23:59:59.999"), "createdAt": factories.NOON}
    factories.insert(connection, "leaderboard_snapshots", row | times)


def test_rows_of_the_application_are_updated_under_their_id_and_never_deleted(site: Site, materialize: Materialize):
    with site.connect() as connection:
        a_week(connection)
        application_row(connection, "bob", "theirs")
        application_row(connection, "eve", "hers")
        result = materialize(ENTRIES, SNAPSHOTS, partition="2026-01-06")
        rows = connection.execute(
            "SELECT id, points, rank, \"periodEnd\" FROM leaderboard_snapshots WHERE period = 'DAILY' ORDER BY id"
        ).fetchall()
    assert [tuple(row.values()) for row in rows] == [
        ("hers", 1, 9, at("2026-01-06T23:59:59.999")),
        ("theirs", 5, 1, at("2026-01-07")),
    ]
    assert figures(result, SNAPSHOTS)["rows_of_the_application_only"] == 1


def test_points_that_are_no_integer_are_ranked_and_kept_from_the_application(site: Site, materialize: Materialize):
    with site.connect() as connection:
        a_week(connection)
        for _ in range(2):
            factories.xp(connection, "cyd", 2**31 - 1, at=at("2026-01-06T12:00"))
        result = materialize(ENTRIES, SNAPSHOTS, partition="2026-01-06")
        materialize(ENTRIES, SNAPSHOTS, partition="2026-01-06")
        first = {(row.user, row.points) for row in stored(connection) if row.rank == 1}
        assert {row[0] for row in shown_to_the_application(connection)} == {"ann", "bob"}
        refused = connection.execute("SELECT source_key, payload FROM espalier.quarantine ORDER BY 1").fetchall()
    assert first == {("cyd", 2**32 - 2)}
    assert [row["source_key"] for row in refused] == [
        "cyd ALL_TIME 1970-01-01",
        "cyd DAILY 2026-01-06",
        "cyd MONTHLY 2026-01-01",
        "cyd WEEKLY 2026-01-05",
    ]
    assert figures(result, SNAPSHOTS)["quarantined"] == 4


@pytest.mark.parametrize("key", [ENTRIES, SNAPSHOTS])
def test_two_runs_of_one_day_one_wins_and_the_other_says_so(site: Site, materialize: Materialize, key: str):
    with site.connect() as connection:
        a_week(connection)
    held = {ENTRIES: f"{ENTRIES}/2026-01-06", SNAPSHOTS: f"{SNAPSHOTS}/DAILY/2026-01-06"}[key]
    with held_lock(site, held):
        lost = materialize(key, partition="2026-01-06", raise_on_error=False)
    assert "another run is writing it" in refusal(lost, key)
    assert materialize(key, partition="2026-01-06").success


def test_half_a_ledger_is_not_ranked(site: Site, materialize: Materialize):
    with site.connect() as connection:
        a_week(connection)
        connection.execute("DELETE FROM espalier.checkpoints")
        refused = materialize(ENTRIES, partition="2026-01-06", raise_on_error=False)
        assert stored(connection) == set()
    assert "the backfill is not complete" in refusal(refused, ENTRIES)


def test_the_time_that_is_written_is_the_end_of_the_day(site: Site, materialize: Materialize):
    with site.connect() as connection:
        a_week(connection)
        materialize(ENTRIES, partition="2026-01-06")
        times = connection.execute("SELECT DISTINCT recorded_at FROM leaderboard_entries").fetchall()
    assert times == [{"recorded_at": datetime(2026, 1, 7, tzinfo=UTC)}]
