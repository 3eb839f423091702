"""Points: what happened to whom (the history), the part of it that stands in the ledger, and balances beside it.

As in the real application the ledger was switched on late: what happened before is in `user_stats.totalPoints` only,
a few rows were never written, some arrived weeks after their date, and some balances drifted.
"""

from dataclasses import dataclass, fields
from datetime import timedelta

import numpy as np

from orchestration.demo import draws
from orchestration.demo.clock import DAY, Window, between, midnights, moments, time_of_day
from orchestration.demo.content import Answers, Doubts, Votes
from orchestration.demo.draws import Ints
from orchestration.demo.people import People

POINTS = {
    "DOUBT_CREATED": 5,
    "COMMENT_CREATED": 2,
    "UPVOTE_RECEIVED": 10,
    "DOWNVOTE_RECEIVED": -2,
    "ANSWER_ACCEPTED": 25,
    "DOUBT_RESOLVED": 5,
    "DAILY_LOGIN": 1,
    "STREAK_BONUS": 7,
    "ACHIEVEMENT_UNLOCKED": 50,
    "BADGE_EARNED": 100,
}
EVENTS = tuple(POINTS)
LOGIN_DAYS = 60

# Quantiles of the chance that a user logs in on a day: most hardly ever, a few nearly always.
_HABITS = {0.0: 0.0, 0.5: 0.02, 0.9: 0.15, 0.98: 0.6, 1.0: 0.95}


@dataclass(frozen=True)
class Events:
    """Events that gave points: the user, the position in `EVENTS`, the points, the time."""

    user: Ints
    kind: Ints
    points: Ints
    at: Ints

    def take(self, rows: Ints) -> "Events":
        """Give these events, in this order."""
        return Events(*(getattr(self, f.name)[rows] for f in fields(self)))


@dataclass(frozen=True)
class Content:
    """All that was written and voted."""

    doubts: Doubts
    answers: Answers
    doubt_votes: Votes
    answer_votes: Votes


def history(people: People, content: Content, window: Window) -> Events:
    """Give every event since the beginning, whether or not the ledger knows it."""
    doubts, answers = content.doubts, content.answers
    accepted = answers.accepted
    parts = [
        _events("DOUBT_CREATED", doubts.author, doubts.at),
        _events("COMMENT_CREATED", answers.author, answers.at),
        *_received(content.doubt_votes, doubts.author),
        *_received(content.answer_votes, answers.author),
        _events("ANSWER_ACCEPTED", answers.author[accepted], answers.accepted_at),
        _events("DOUBT_RESOLVED", doubts.author[answers.doubt[accepted]], answers.accepted_at),
        *_logins(people, window),
        *_honours(people, window),
    ]
    return Events(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Events)))


def _events(kind: str, user: Ints, at: Ints) -> Events:
    return Events(user, np.full(len(at), EVENTS.index(kind)), np.full(len(at), POINTS[kind]), at)


def _received(votes: Votes, author: Ints) -> tuple[Events, Events]:
    target = author[votes.content]
    return (
        _events("UPVOTE_RECEIVED", target[votes.up], votes.at[votes.up]),
        _events("DOWNVOTE_RECEIVED", target[~votes.up], votes.at[~votes.up]),
    )


def _logins(people: People, window: Window) -> tuple[Events, Events]:
    """Logins of the last two months, at most one a day, and a bonus for every seventh of a user."""
    habit = draws.spread("logins/habit", len(people), _HABITS) * ~people.silent
    cells = draws.uniform("logins/happen", len(people) * LOGIN_DAYS).reshape(len(people), LOGIN_DAYS)
    user, day = np.nonzero(cells < habit[:, None])
    midnight = window.end - (LOGIN_DAYS - day) * DAY
    at = midnight + time_of_day("logins/at", len(day))
    here = at >= people.joined[user]
    logins = _events("DAILY_LOGIN", user[here], at[here])
    number = np.arange(len(logins.user)) - np.searchsorted(logins.user, logins.user)
    seventh = number % 7 == 6
    bonus = _events("STREAK_BONUS", logins.user[seventh], logins.at[seventh] + 1)
    return _on_the_edges(logins, window), bonus


def _on_the_edges(logins: Events, window: Window) -> Events:
    """Move a few logins to the first or last millisecond of days in several zones."""
    last = moments(np.array([window.end - DAY]))[0].date()
    days = [last - timedelta(days=back) for back in (1, 7, 30, 45)]
    edges = [int(edge.timestamp() * 1000) for edge in midnights(days, timedelta(milliseconds=1))]
    at = logins.at.copy()
    at[: len(edges)] = edges[: len(at)]
    return Events(logins.user, logins.kind, logins.points, at)


def _honours(people: People, window: Window) -> tuple[Events, Events]:
    active = np.nonzero(~people.silent)[0]
    achievers = active[draws.happens("honours/achievement", active, 0.5)]
    bearers = active[draws.happens("honours/badge", active, 0.12)]
    return (
        _events("ACHIEVEMENT_UNLOCKED", achievers, _any_time("honours/at", people, achievers, window)),
        _events("BADGE_EARNED", bearers, _any_time("honours/badge_at", people, bearers, window)),
    )


def _any_time(stream: str, people: People, users: Ints, window: Window) -> Ints:
    return between(people.joined[users], window.end, draws.uniform(stream, users))


def ledger(events: Events, since: int) -> Events:
    """Give the rows of the ledger in the order in which they arrived, which is not that of their dates.

    One in 300 was never written, one in 200 came up to six weeks late.
    """
    rows = np.nonzero((events.at >= since) & ~draws.happens("ledger/lost", len(events.at), 1 / 300))[0]
    late = draws.happens("ledger/late", rows, 1 / 200)
    delay = np.where(late, 3 * DAY + draws.below("ledger/delay", rows, 42 * DAY), 0)
    return events.take(rows[np.argsort(events.at[rows] + delay, kind="stable")])


def balances(people: People, events: Events) -> Ints:
    """Give `totalPoints` by user: the whole history, and what nobody can explain any more.

    Some balances drifted up or down, a third of the silent users hold points from an import, and the two best share
    the first place.
    """
    users = len(people)
    total = np.bincount(events.user, weights=events.points, minlength=users).astype(np.int64)
    drift = draws.below("balances/drift", users, 90) - 40
    total += np.where(draws.happens("balances/drifted", users, 0.05), drift, 0)
    imported = people.silent & draws.happens("balances/imported", users, 0.33)
    total += np.where(imported, 20 * (1 + draws.below("balances/import", users, 30)), 0)
    best = np.argsort(total, kind="stable")[-2:]
    total[best] = total[best].max()
    return total


def reputation(people: People, events: Events) -> Ints:
    """Give `users.reputation`: from votes and accepted answers, and a dowry for some early members."""
    weights = {"UPVOTE_RECEIVED": 5, "DOWNVOTE_RECEIVED": -2, "ANSWER_ACCEPTED": 15}
    value = np.array([weights.get(kind, 0) for kind in EVENTS])[events.kind]
    total = np.bincount(events.user, weights=value, minlength=len(people)).astype(np.int64)
    early = np.arange(len(people)) < len(people) // 20
    return total + np.where(early, 50 * draws.below("reputation/dowry", len(people), 20), 0)
