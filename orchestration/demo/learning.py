"""Attempts at concepts, and the mastery that the application recorded from them.

A learner's ability, the concept's difficulty and practice decide. A few pairs have attempts and no record yet, and
some records lag behind their attempts.
"""

from dataclasses import dataclass, fields

import numpy as np

from orchestration.demo import draws
from orchestration.demo.clock import DAY, Window, between
from orchestration.demo.curriculum import CONCEPTS
from orchestration.demo.draws import Bools, Floats, Ints
from orchestration.demo.people import People

ATTEMPTS_A_USER, ATTEMPTS_A_CONCEPT = 10, 10
TERM = 45 * DAY


@dataclass(frozen=True)
class Attempts:
    """Attempts in the order of time, with the share of right ones of the pair before and after each."""

    user: Ints
    concept: Ints
    correct: Bools
    hints: Ints
    before: Floats
    after: Floats
    at: Ints

    def take(self, rows: Ints) -> "Attempts":
        """Give these attempts, in this order."""
        return Attempts(*(getattr(self, f.name)[rows] for f in fields(self)))


@dataclass(frozen=True)
class Mastery:
    """One row a pair of learner and concept that has a record."""

    user: Ints
    concept: Ints
    total: Ints
    correct: Ints
    hints: Ints
    first: Ints
    last: Ints


def attempts(people: People, window: Window) -> Attempts:
    """Draw the attempts."""
    count = len(people) * ATTEMPTS_A_USER
    user = np.sort(draws.weighted("attempts/user", count, people.ear))
    at = _times(people, window, user)
    at = at[np.lexsort((at, user))]
    concept = _concepts(user)
    hints = draws.below("attempts/hints", count, 4) * draws.happens("attempts/hinted", count, 0.15)
    order = np.lexsort((at, concept, user))
    user, concept, hints, at = user[order], concept[order], hints[order], at[order]
    number = _place_in_run(user * len(CONCEPTS) + concept)
    correct = draws.happens("attempts/correct", order, _chance(user, concept, number))
    right_before = _running(correct, number)
    before = right_before / np.maximum(number, 1)
    after = (right_before + correct) / (number + 1)
    by_time = np.argsort(at, kind="stable")
    return Attempts(user, concept, correct, hints, before, after, at).take(by_time)


def _times(people: People, window: Window, user: Ints) -> Ints:
    """A learner practises for a term of some months; half of them are still at it."""
    joined = people.joined[user]
    stopped = between(joined, window.end, draws.uniform("attempts/stopped", user)) + DAY
    end = np.minimum(np.where(draws.happens("attempts/goes on", user, 0.5), window.end, stopped), window.end)
    share = draws.spread("attempts/at", len(user), {0.0: 0.0, 0.5: 0.7, 1.0: 1.0})
    return between(np.maximum(joined, end - TERM), end, share)


def _concepts(user: Ints) -> Ints:
    """Each learner walks through a stretch of the curriculum and now and then goes back a step or two.

    Rows stand by user and time.
    """
    start = draws.below("attempts/start", user, len(CONCEPTS))
    place, total = _place_in_run(user), np.bincount(user)[user]
    stretch = np.minimum(len(CONCEPTS), 1 + total // ATTEMPTS_A_CONCEPT)
    back = (1 + draws.below("attempts/back", len(user), 3)) * draws.happens("attempts/goes back", len(user), 0.2)
    return (start + np.maximum(place * stretch // total - back, 0)) % len(CONCEPTS)


def _chance(user: Ints, concept: Ints, number: Ints) -> Floats:
    ability = draws.spread("people/ability", user, {0.0: 0.2, 0.5: 0.75, 1.0: 0.98})
    difficulty = np.array([c.difficulty for c in CONCEPTS])[concept]
    return np.clip(ability + 0.06 * np.minimum(number, 8) - 0.05 * (difficulty - 2), 0.05, 0.98)


def _place_in_run(keys: Ints) -> Ints:
    """Number the rows of each run of equal keys from 0."""
    return np.arange(len(keys)) - np.searchsorted(keys, keys)


def _running(correct: Bools, number: Ints) -> Ints:
    """Count the right answers of the same pair before each row (rows stand by pair and time)."""
    ever = np.concatenate([[0], np.cumsum(correct)])[:-1]
    return ever - ever[np.arange(len(number)) - number]


def mastery(tried: Attempts) -> Mastery:
    """Sum the attempts up to one record a pair; one in fifty pairs has none, one in thirty misses its last day."""
    key = tried.user * len(CONCEPTS) + tried.concept
    stale = draws.happens("mastery/stale", key, 1 / 30) & (tried.at > int(tried.at.max()) - DAY)
    known = ~draws.happens("mastery/unrecorded", key, 1 / 50) & ~stale
    pairs, place, total = np.unique(key[known], return_inverse=True, return_counts=True)
    correct = np.bincount(place, weights=tried.correct[known]).astype(np.int64)
    hints = np.bincount(place, weights=tried.hints[known]).astype(np.int64)
    first, last = np.full(len(pairs), tried.at.max()), np.zeros(len(pairs), dtype=np.int64)
    np.minimum.at(first, place, tried.at[known])
    np.maximum.at(last, place, tried.at[known])
    return Mastery(pairs // len(CONCEPTS), pairs % len(CONCEPTS), total, correct, hints, first, last)
