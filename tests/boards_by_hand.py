"""Leaderboards in plain Python, row by row, as a second opinion on what the SQL writes.

Nothing is imported from `assets` or `sql`, and a day is found the other way round: by each entry's date in the zone.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

PERIODS = ("DAILY", "WEEKLY", "MONTHLY", "ALL_TIME")
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Entry:
    """An entry of a ledger at an instant (UTC, without a zone)."""

    metric: str
    user: str
    points: int
    at: datetime
    opening: bool = False


@dataclass(frozen=True)
class Person:
    """What decides whether a user is shown."""

    opted_out: bool = False
    shadow_banned: bool = False
    suspended: bool = False
    until: datetime | None = None

    def is_shown(self, day: date, zone: str) -> bool:
        """Tell whether boards of a day show the user."""
        suspended = self.suspended and not (self.until and self.until <= midnight(day + ONE_DAY, zone))
        return not (self.opted_out or self.shadow_banned or suspended)


@dataclass(frozen=True)
class Row:
    """A row of a board."""

    metric: str
    period: str
    period_start: date
    as_of: date
    user: str
    points: int
    rank: int
    dense_rank: int
    previous_rank: int | None


def midnight(day: date, zone: str) -> datetime:
    """Give the instant at which a day begins, in UTC without a zone."""
    local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return local.astimezone(UTC).replace(tzinfo=None)


def period_start(period: str, day: date) -> date:
    """Give the first day of the period that a day lies in."""
    starts = {"DAILY": day, "WEEKLY": day - day.weekday() * ONE_DAY, "MONTHLY": date(day.year, day.month, 1)}
    return starts.get(period, date(1970, 1, 1))


def counts(entry: Entry, metric: str, period: str, day: date, zone: str) -> bool:
    """Tell whether an entry counts on the board of a period as of a day."""
    if entry.metric != metric or (entry.opening and period != "ALL_TIME"):
        return False
    own = entry.at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
    return own <= day and (period == "ALL_TIME" or own >= period_start(period, day))


def ranking(points: Mapping[str, int]) -> dict[str, tuple[int, int, int]]:
    """Rank users: points, rank with gaps, dense rank."""
    found: dict[str, tuple[int, int, int]] = {}
    by_points = sorted(points, key=lambda user: -points[user])
    for dense, (score, tied) in enumerate(groupby(by_points, key=lambda user: points[user]), start=1):
        first = len(found) + 1
        found |= {user: (score, first, dense) for user in tied}
    return found


def standing(
    entries: Iterable[Entry], people: Mapping[str, Person], metric: str, period: str, day: date, zone: str
) -> dict[str, tuple[int, int, int]]:
    """Rank those whom the board of a period shows as of a day."""
    points: dict[str, int] = defaultdict(int)
    for entry in entries:
        if counts(entry, metric, period, day, zone) and people[entry.user].is_shown(day, zone):
            points[entry.user] += entry.points
    return ranking(points)


def boards(entries: list[Entry], people: Mapping[str, Person], day: date, zone: str) -> set[Row]:
    """Give all rows of a day."""
    rows: set[Row] = set()
    for metric in ("xp", "reputation"):
        for period in PERIODS:
            past = standing(entries, people, metric, period, day - ONE_DAY, zone)
            for user, own in standing(entries, people, metric, period, day, zone).items():
                previous = past[user][1] if user in past else None
                rows.add(Row(metric, period, period_start(period, day), day, user, *own, previous))
    return rows
