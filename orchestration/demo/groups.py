"""The planted groups: rings that trade votes, which a detector should find, and honest niches, which it should not.

Which users they are follows from the number of users alone. What the members do is in `content.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import Literal, get_args

from orchestration.demo import draws

Kind = Literal["clique", "cycle", "star", "niche"]
KINDS: tuple[Kind, ...] = get_args(Kind)
RINGS: tuple[Kind, ...] = ("clique", "cycle", "star")


@dataclass(frozen=True)
class Group:
    """Users who vote for each other, by number.

    Attributes:
        kind: `clique`, everybody up for everybody; `cycle`, each for the next one only, so that no pair is
            reciprocal; `star`, all for the first; `niche`, the few honest voices of a rare subject.
        members: their numbers.
    """

    kind: Kind
    members: tuple[int, ...]

    @property
    def is_ring(self) -> bool:
        """Whether the group is a fraud."""
        return self.kind in RINGS

    def edges(self) -> Iterator[tuple[int, int]]:
        """Give the planted pairs of voter and target."""
        match self.kind:
            case "clique" | "niche":
                yield from permutations(self.members, 2)
            case "cycle":
                yield from zip(self.members, self.members[1:] + self.members[:1], strict=True)
            case "star":
                yield from ((leaf, self.members[0]) for leaf in self.members[1:])


def planted_groups(users: int) -> tuple[Group, ...]:
    """Draw the groups among the first four fifths of the users; nobody is in two."""
    order = draws.shuffled("groups/order", users)
    candidates = iter(order[order < users * 4 // 5].tolist())
    sizes = draws.below("groups/size", max(len(KINDS), users // 120), 6)
    return tuple(_group(KINDS[k % len(KINDS)], 3 + size, candidates) for k, size in enumerate(sizes.tolist()))


def _group(kind: Kind, size: int, candidates: Iterator[int]) -> Group:
    return Group(kind, tuple(next(candidates) for _ in range(size)))
