"""The time in which the demo's rows happen: a window that ends with its last day, hours of a day, edges of days.

Instants are whole numbers since the epoch, in UTC. No clock is read: the last day is given.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, cast

import numpy as np

from orchestration.demo import draws
from orchestration.demo.draws import Floats, Ints, Rows
from orchestration.zones import day_start

SECOND = 1_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR

EDGE_ZONES = ("UTC", "Asia/Tokyo", "Asia/Kolkata", "America/New_York")

# How much happens in each hour of a day: little at night, most in the evening.
_HOURS = np.array([2, 1, 1, 1, 1, 2, 4, 6, 8, 9, 9, 8, 7, 8, 9, 9, 10, 11, 12, 14, 15, 13, 9, 5], dtype=np.float64)


@dataclass(frozen=True)
class Window:
    """From the start (included) to the end (excluded), in milliseconds since the epoch."""

    start: int
    end: int


def window(last_day: date, days: int) -> Window:
    """Give the window of so many days that ends with `last_day`, in UTC."""
    end = datetime(last_day.year, last_day.month, last_day.day, tzinfo=UTC) + timedelta(days=1)
    milliseconds = int(end.timestamp()) * SECOND
    return Window(milliseconds - days * DAY, milliseconds)


def time_of_day(stream: str, rows: Rows) -> Ints:
    """Draw milliseconds since midnight as people are awake."""
    return draws.weighted(f"{stream}/hour", rows, _HOURS) * HOUR + draws.below(f"{stream}/rest", rows, HOUR)


def between(start: Ints, end: int | Ints, share: Floats) -> Ints:
    """Give the instants at a share of the way from start to end; the end itself is never reached."""
    return np.minimum(start + ((end - start) * share).astype(np.int64), np.maximum(start, np.asarray(end) - 1))


def midnights(days: list[date], epsilon: timedelta) -> list[datetime]:
    """Give the first and the last instant of days in zones where midnight is not that of UTC (in UTC)."""
    starts = [day_start(day, zone) for day in days for zone in EDGE_ZONES]
    return [instant for start in starts for instant in (start, start - epsilon)]


def moments(instants: Ints, unit: Literal["ms", "us"] = "ms") -> list[datetime]:
    """Turn instants into the naive UTC datetimes that `timestamp without time zone` holds."""
    return cast("list[datetime]", instants.astype(f"datetime64[{unit}]").tolist())


def quantile_shares(early: float) -> Mapping[float, float]:
    """Quantiles of a share of the way of which half the draws lie before `early`."""
    return {0.0: 0.0, 0.5: early, 0.9: min(1.0, early * 6), 1.0: 1.0}
