"""Time zones of days: what a zone is, and whether its days can be told apart by a UTC date.

Pure functions; partitions and windows are in `orchestration/partitions.py`.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_FIRST, _LAST = date(2015, 1, 1), date(2040, 1, 1)


def zone_info(zone: str) -> ZoneInfo:
    """Look up a zone of the IANA database; ValueError when it is unknown."""
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{zone!r} is no time zone of the IANA database, such as Europe/Berlin") from None


def day_start(day: date, zone: str) -> datetime:
    """Give the instant, in UTC, at which a day begins in a zone."""
    return datetime(day.year, day.month, day.day, tzinfo=zone_info(zone)).astimezone(UTC)


def _end_dates(zone: str) -> Iterator[date]:
    days = (_FIRST + timedelta(n) for n in range((_LAST - _FIRST).days))
    for day in days:
        yield (day_start(day, zone) - timedelta(milliseconds=1)).date()


@cache
def day_ends_have_distinct_dates(zone: str) -> bool:
    """Tell whether no two days of a zone end on the same UTC date (true of all but a few zones)."""
    dates = list(_end_dates(zone))
    return len(set(dates)) == len(dates)


def refuse_zone_with_colliding_days(zone: str) -> str:
    """Pass a zone on, unless two of its days would share a row under a unique index on the UTC date.

    `rag_metrics_history.date` holds the end of a day in UTC and is unique by its UTC date (seed 004). In a zone
    whose midnight crosses midnight UTC at a clock change, such as Atlantic/Azores, one date stands for two days.
    """
    if not day_ends_have_distinct_dates(zone_info(zone).key):
        raise ValueError(f"{zone!r} has two days that end on one UTC date, which rag_metrics_history cannot hold")
    return zone
