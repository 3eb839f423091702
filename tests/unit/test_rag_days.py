"""Days of a zone as ranges of UTC instants: they follow each other without gap, and Dagster means the same ones."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orchestration.partitions import Day, daily
from orchestration.zones import day_ends_have_distinct_dates
from tests import rag_by_hand

ZONES = ["Europe/Berlin", "America/Sao_Paulo", "Asia/Tokyo", "Australia/Lord_Howe"]
FIRST = date(2015, 1, 1)
zones = st.sampled_from(ZONES)
days = st.dates(FIRST, date(2035, 12, 31))
instants = st.datetimes(datetime(2015, 1, 2), datetime(2035, 12, 30), timezones=st.just(UTC))


@given(zones, days)
def test_a_day_ends_where_the_next_begins(zone: str, on: date) -> None:
    assert Day.of(on, zone).end == Day.of(on + timedelta(days=1), zone).start


@given(zones, instants)
def test_an_instant_lies_in_the_day_that_its_clock_shows_and_in_no_other(zone: str, at: datetime) -> None:
    shown = at.astimezone(ZoneInfo(zone)).date()
    around = [Day.of(shown + timedelta(days=n), zone) for n in (-1, 0, 1)]
    assert [day.on for day in around if day.start <= at < day.end] == [shown]


@given(zones, days)
def test_the_first_and_last_microsecond_belong_to_the_day(zone: str, on: date) -> None:
    day = Day.of(on, zone)
    edges = (day.start, day.end - timedelta(microseconds=1))
    assert {edge.astimezone(ZoneInfo(zone)).date() for edge in edges} == {on}


@pytest.mark.parametrize("zone", ZONES)
def test_dagsters_windows_are_the_same_days(zone: str) -> None:
    partitions = daily(date(2018, 1, 1), zone)
    for on in (date(2018, 1, 1) + timedelta(days=n) for n in range(500)):
        window = partitions.time_window_for_partition_key(on.isoformat())
        day = Day.of(on, zone)
        assert (window.start.timestamp(), window.end.timestamp()) == (day.start.timestamp(), day.end.timestamp())


@pytest.mark.parametrize(
    ("zone", "on", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("America/Sao_Paulo", date(2018, 11, 4), 23),
        ("America/Sao_Paulo", date(2018, 2, 17), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Asia/Tokyo", date(2026, 3, 29), 24),
    ],
)
def test_days_of_a_clock_change_are_as_long_as_they_are(zone: str, on: date, hours: float) -> None:
    day = Day.of(on, zone)
    assert day.end - day.start == timedelta(hours=hours)


@given(zones, days, days)
def test_two_days_end_on_two_utc_dates(zone: str, one: date, other: date) -> None:
    assume(one != other)
    ends = {(Day.of(on, zone).end - timedelta(milliseconds=1)).date() for on in (one, other)}
    assert len(ends) == 2


@pytest.mark.parametrize(("zone", "distinct"), [*((zone, True) for zone in ZONES), ("Atlantic/Azores", False)])
def test_a_zone_whose_days_share_a_utc_date_is_told_apart(zone: str, distinct: bool) -> None:
    assert day_ends_have_distinct_dates(zone) is distinct


def test_the_computation_by_hand_puts_dialogues_into_the_day_of_the_zone() -> None:
    rows = [{"created_at": datetime(2026, 3, 28, 23, minutes), **_nothing()} for minutes in (0, 59)]
    found = rag_by_hand.metrics(rows, [date(2026, 3, 28), date(2026, 3, 29)], "Europe/Berlin")
    assert [(row["date"], row["total_queries"]) for row in found] == [
        (datetime(2026, 3, 28, 22, 59, 59, 999000), 0),
        (datetime(2026, 3, 29, 21, 59, 59, 999000), 2),
    ]


def _nothing() -> rag_by_hand.Row:
    names = ("citations", "latency_ms", "token_cost_jpy", "user_feedback", "relevance_score", "total_tokens", "user_id")
    return dict.fromkeys(names)
