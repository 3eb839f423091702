"""The people of the community: when they joined, how much each writes and votes, who studies with whom.

Activity follows a power law; every seventh user joined and was never heard of again. Text and columns are in
`people_tables.py`.
"""

from dataclasses import dataclass

import numpy as np

from orchestration.demo import draws
from orchestration.demo.clock import DAY, Window, between
from orchestration.demo.draws import Bools, Floats, Ints
from orchestration.demo.groups import Group, planted_groups

STUDY_GROUP = 6


@dataclass(frozen=True)
class People:
    """The users by number, in the order in which they joined.

    Attributes:
        joined: when, in milliseconds.
        silent: whether a user never did anything.
        voice: how much a user writes, relative to the others.
        ear: how much a user reads and votes, relative to the others.
        study_order: the users in an order in which each run of `STUDY_GROUP` studies together.
        study_place: where in that order a user stands.
        groups: the planted rings and niches.
    """

    joined: Ints
    silent: Bools
    voice: Floats
    ear: Floats
    study_order: Ints
    study_place: Ints
    groups: tuple[Group, ...]

    def __len__(self) -> int:
        return len(self.joined)


def people(users: int, window: Window) -> People:
    """Draw the users of a window."""
    groups = planted_groups(users)
    silent = draws.happens("people/silent", users, 0.14)
    silent[[member for group in groups for member in group.members]] = False
    voice, ear = draws.power_law("people/voice", users), draws.power_law("people/ear", users)
    order = draws.shuffled("people/study", users)
    place = np.empty_like(order)
    place[order] = np.arange(users)
    heard = np.where(silent, 0.0, 1.0)
    return People(_joined(users, window), silent, heard * voice, heard * (ear + voice), order, place, groups)


def _joined(users: int, window: Window) -> Ints:
    """Half of them in the last two fifths of the window, none on its last day."""
    growth = draws.spread("people/joined", users, {0.0: 0.0, 0.5: 0.6, 1.0: 1.0})
    start = np.full(users, window.start)
    return np.sort(between(start, window.end - DAY, growth))


def study_mates(people: People, users: Ints) -> Ints:
    """Draw for each row somebody else of the user's study group (the user, where the group has one member)."""
    first = people.study_place[users] // STUDY_GROUP * STUDY_GROUP
    size = np.minimum(first + STUDY_GROUP, len(people)) - first
    step = 1 + draws.below("people/mate", len(users), np.maximum(size - 1, 1))
    return people.study_order[first + (people.study_place[users] - first + step) % size]
