"""The rows of `users` and `user_stats`, rendered from the people and from what they did.

Some users opted out of leaderboards, are suspended (a few of them until a day that has passed) or shadow banned.
"""

from dataclasses import dataclass

import numpy as np

from orchestration.demo import draws, phrases
from orchestration.demo.clock import DAY, Window, moments
from orchestration.demo.draws import Bools, Ints
from orchestration.demo.ledger import EVENTS, Events, balances, reputation
from orchestration.demo.people import People
from orchestration.demo.table import Block, Table, blank, choose, ids

MODERATION = frozenset({"isShadowBanned", "isSuspended", "suspendedUntil", "leaderboardOptOut"})

_COUNTED = {
    "doubtsAsked": "DOUBT_CREATED",
    "doubtsResolved": "DOUBT_RESOLVED",
    "commentsPosted": "COMMENT_CREATED",
    "acceptedAnswers": "ANSWER_ACCEPTED",
    "upvotesReceived": "UPVOTE_RECEIVED",
    "downvotesReceived": "DOWNVOTE_RECEIVED",
}


def users_table(people: People, events: Events, window: Window, mail_host: str) -> Table:
    """Give `users`: everybody, with the reputation that the application counted."""
    earned = reputation(people, events)

    def block(rows: Ints) -> Block:
        joined = moments(people.joined[rows])
        return {
            "id": ids("user", rows),
            **_identity(rows, mail_host),
            "reputation": earned[rows].tolist(),
            "credits": draws.below("users/credits", rows, 200).tolist(),
            "createdAt": joined,
            "updatedAt": joined,
            **_moderation(rows, window),
        }

    return Table("users", len(people), block, newer=MODERATION)


def _identity(rows: Ints, mail_host: str) -> Block:
    first = choose("users/first", rows, phrases.FIRST_NAMES)
    last = choose("users/last", rows, phrases.LAST_NAMES)
    names = list(zip(first, last, rows.tolist(), strict=True))
    year = (1 + draws.below("users/year", rows, 5)).tolist()
    return {
        "name": blank([f"{f} {n}" for f, n, _ in names], draws.happens("users/nameless", rows, 0.02)),
        "email": [f"{f}.{n}.{row}@{mail_host}".lower() for f, n, row in names],
        "role": choose("users/role", rows, ("STUDENT",) * 57 + ("TEACHER",) * 2 + ("ADMIN",)),
        "university": blank(choose("users/university", rows, phrases.UNIVERSITIES), _unknown(rows)),
        "course": blank(choose("users/course", rows, phrases.COURSES), _unknown(rows)),
        "year": blank(year, _unknown(rows)),
        "subscriptionTier": choose("users/subscription", rows, phrases.SUBSCRIPTIONS),
        "tier": choose("users/tier", rows, phrases.TIERS),
    }


def _unknown(rows: Ints) -> Bools:
    return draws.happens("users/unknown", rows, 0.3)


def _moderation(rows: Ints, window: Window) -> Block:
    suspended = draws.happens("users/suspended", rows, 0.008)
    until = window.end + (draws.below("users/until", rows, 60) - 20) * DAY
    return {
        "isShadowBanned": draws.happens("users/banned", rows, 0.01).tolist(),
        "isSuspended": suspended.tolist(),
        "suspendedUntil": blank(moments(until), ~suspended | draws.happens("users/for_good", rows, 0.3)),
        "leaderboardOptOut": draws.happens("users/opted_out", rows, 0.03).tolist(),
    }


@dataclass(frozen=True)
class _Stats:
    """Users that have a row of `user_stats`, their balances, and how many events of each kind they have."""

    user: Ints
    total: Ints
    counts: Ints

    def count(self, rows: Ints, kind: str) -> list[int]:
        """Count events of a kind of the users in these rows."""
        return self.counts[self.user[rows], EVENTS.index(kind)].tolist()


def user_stats_table(people: People, events: Events, window: Window) -> Table:
    """Give `user_stats`: the balances; one user in 25 has none."""
    counts = np.bincount(events.user * len(EVENTS) + events.kind, minlength=len(people) * len(EVENTS))
    user = np.nonzero(~draws.happens("user_stats/absent", len(people), 0.04))[0]
    stats = _Stats(user, balances(people, events), counts.reshape(len(people), len(EVENTS)))

    def block(rows: Ints) -> Block:
        total = stats.total[stats.user[rows]]
        return {
            "id": ids("user_stats", rows),
            "userId": ids("user", stats.user[rows]),
            "totalPoints": total.tolist(),
            "currentLevel": _level(total).tolist(),
            **{column: stats.count(rows, kind) for column, kind in _COUNTED.items()},
            "createdAt": moments(people.joined[stats.user[rows]]),
            "updatedAt": moments(np.full(len(rows), window.end - 1)),
        }

    return Table("user_stats", len(user), block)


def _level(total: Ints) -> Ints:
    """Give the level that so many points reach: level 2 at 100, each step half as much again."""
    thresholds = [100 * 3**step // 2**step for step in range(19)]
    return 1 + np.searchsorted(thresholds, total, side="right")
