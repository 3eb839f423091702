"""What is compared and repaired: which kinds of the graph's elements, all of them or those at one concept or user.

A kind is an asset (`graph/<kind>`); its elements are what stands in Neo4j and in `espalier.graph_drift`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from orchestration.errors import EspalierError

Kind = Literal["concepts", "part_of", "prerequisite_of", "mastered_by"]
Element = Literal["concept", "domain", "part_of", "prerequisite_of", "user", "mastered_by"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ELEMENTS: Mapping[Kind, tuple[Element, ...]] = {
    "concepts": ("concept",),
    "part_of": ("domain", "part_of"),
    "prerequisite_of": ("prerequisite_of",),
    "mastered_by": ("user", "mastered_by"),
}
_KIND_OF: Mapping[str, Kind] = {element: kind for kind, elements in ELEMENTS.items() for element in elements}


def kind_of(element: str) -> Kind:
    """Name the kind of an element; what is none of the model's is told with the concepts."""
    return _KIND_OF.get(element, "concepts")


@dataclass(frozen=True)
class Scope:
    """The kinds that are compared, and the one concept or user where it is no more than that."""

    kinds: frozenset[Kind]
    concept: str | None = None
    user: str | None = None

    @classmethod
    def of(cls, kinds: Collection[str] | None, concept: str | None = None, user: str | None = None) -> "Scope":
        """Make a scope from what a user typed; no kinds are all kinds.

        Raises:
            EspalierError: a kind that does not exist, or a concept and a user at once.
        """
        unknown = sorted(set(kinds or ()) - set(KINDS))
        if unknown:
            raise EspalierError(f"kind {unknown[0]}: there is no such kind; there are {', '.join(KINDS)}")
        if concept is not None and user is not None:
            raise EspalierError(f"concept {concept} and user {user}: compare one of them at a time")
        return cls(frozenset(kind for kind in KINDS if not kinds or kind in kinds), concept, user)

    @property
    def elements(self) -> list[Element]:
        """The elements of the kinds."""
        return [element for kind in KINDS if kind in self.kinds for element in ELEMENTS[kind]]

    @property
    def is_whole(self) -> bool:
        """Whether this is the whole graph, so that nothing in it may be left over."""
        return len(self.kinds) == len(KINDS) and self.concept is None and self.user is None
