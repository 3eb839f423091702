"""Dialogues of a hundred days as numbers: who asked in which session, when, when the row arrived.

Days are those of Tokyo. One day is empty; some days are bad in one respect, so that objectives are missed; one row in
a hundred arrives days after its date. The rows' text and figures are in `dialogue_table.py`.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from orchestration.demo import draws
from orchestration.demo.clock import DAY, SECOND, midnights, time_of_day
from orchestration.demo.draws import Bools, Floats, Ints
from orchestration.demo.plan import DIALOGUE_DAYS
from orchestration.zones import day_start

ZONE = "Asia/Tokyo"
EMPTY_DAY = 37
SLOW_DAYS, UNCITED_DAYS, COSTLY_DAYS, IRRELEVANT_DAYS = (10, 12), (20, 23), (55, 60), (80, 82)

_MICROSECONDS = 1_000


@dataclass(frozen=True)
class Dialogues:
    """Rows in the order in which they arrived.

    Attributes:
        user: who asked.
        session: the number of the session.
        at: when, in microseconds.
        arrived: when the row was written, in microseconds; later than `at` for late rows.
        days_back: how many days before the last one, by the calendar of Tokyo.
    """

    user: Ints
    session: Ints
    at: Ints
    arrived: Ints
    days_back: Ints

    def on(self, rows: Ints, days: tuple[int, int]) -> Bools:
        """Tell which rows fall on bad days, first and last included."""
        return (self.days_back[rows] >= days[0]) & (self.days_back[rows] <= days[1])


def dialogues(users: int, last_day: date) -> Dialogues:
    """Draw about six dialogues a user."""
    sessions = users * 2
    sizes = 1 + draws.below("dialogues/size", sessions, 5)
    session = np.repeat(np.arange(sessions), sizes)
    user = draws.weighted("dialogues/user", sessions, draws.power_law("dialogues/active", users))
    at = _on_the_edges(_times(session, sizes, last_day), last_day)
    delay = np.where(draws.happens("dialogues/late", len(at), 0.01), _delay(len(at)), 0)
    order = np.argsort(at + delay, kind="stable")
    at, arrived = at[order], (at + delay)[order]
    return Dialogues(user[session[order]], session[order], at, arrived, _days_back(at, last_day))


def _times(session: Ints, sizes: Ints, last_day: date) -> Ints:
    """Start each session on some day; its dialogues follow within minutes, and never run into the next day."""
    start_day = DIALOGUE_DAYS - 1 - draws.weighted("dialogues/day", len(sizes), _days(last_day))
    start = start_day * DAY + time_of_day("dialogues/time", len(sizes))
    first = np.cumsum(sizes) - sizes
    step = np.arange(len(session)) - first[session]
    pause = draws.below("dialogues/pause", len(session), 60 * SECOND)
    at = start[session] + step * 120 * SECOND + pause
    latest = (start_day[session] + 1) * DAY
    exact = at * _MICROSECONDS + draws.below("dialogues/exact", len(session), _MICROSECONDS)
    return _first_instant(last_day) + np.minimum(exact, latest * _MICROSECONDS - 1)


def _days(last_day: date) -> Floats:
    """Weigh the days, counted back: fewer long ago and on weekends, none on the empty one."""
    back = np.arange(DIALOGUE_DAYS)
    weekday = (last_day.weekday() - back) % 7
    weights = (1.5 - back / DIALOGUE_DAYS) * np.where(weekday >= 5, 0.55, 1.0)
    weights[EMPTY_DAY] = 0.0
    return weights


def _first_instant(last_day: date) -> int:
    start = day_start(last_day - timedelta(days=DIALOGUE_DAYS - 1), ZONE)
    return int(start.timestamp()) * SECOND * _MICROSECONDS


def _days_back(at: Ints, last_day: date) -> Ints:
    return DIALOGUE_DAYS - 1 - (at - _first_instant(last_day)) // (DAY * _MICROSECONDS)


def _on_the_edges(at: Ints, last_day: date) -> Ints:
    """Move the first rows to the first or last microsecond of days in several zones."""
    days = [last_day - timedelta(days=back) for back in (1, 7, 30, 45)]
    edges = midnights(days, timedelta(microseconds=1))
    moved = at.copy()
    moved[: len(edges)] = [int(e.timestamp()) * 1_000_000 + e.microsecond for e in edges][: len(at)]
    return moved


def _delay(count: int) -> Ints:
    """Most late rows come within three days, a few after two weeks."""
    days = draws.spread("dialogues/delay", count, {0.0: 0.3, 0.85: 3.0, 1.0: 18.0})
    return (days * DAY).astype(np.int64) * _MICROSECONDS
