"""What people ask of the graph: prerequisites, chains, a way to a target, what is weak, what can come next.

Reads Neo4j only, as it is: whether it is right is what the reconciliation is for. Every walk is bounded in hops and
takes each concept once. The questions are in `sql/graph/paths.cypher`, the arithmetic in `ordering.py`.
"""

from collections.abc import Collection, Container
from dataclasses import dataclass

import sql
from assets.graph.ordering import in_learning_order, reach
from orchestration.errors import EspalierError
from orchestration.graph import GraphSession

QUERIES = sql.load("graph", "paths", "cypher")


@dataclass(frozen=True)
class Concept:
    """What is shown of a concept."""

    id: str
    name: str
    domain: str | None
    difficulty: int

    @property
    def rank(self) -> tuple[int, str, str]:
        """Of concepts that may come next, the easiest comes first."""
        return self.difficulty, self.name, self.id


@dataclass(frozen=True)
class Prerequisite(Concept):
    """A concept that must be known before another, and how many hops away it is."""

    distance: int


@dataclass(frozen=True)
class Prerequisites:
    """What must be known before a concept, nearest first, and whether there is more beyond the bound."""

    concept: Concept
    prerequisites: list[Prerequisite]
    beyond_bound: bool


@dataclass(frozen=True)
class Step(Concept):
    """A concept on the way to a target, with the user's score in it so far."""

    score: float | None


@dataclass(frozen=True)
class LearningPath:
    """What a user has yet to master for a target, in order; which of it is circular; whether the bound cut it off."""

    target: Concept
    mastered: bool
    steps: list[Step]
    cycles: list[list[Concept]]
    beyond_bound: bool


@dataclass(frozen=True)
class Weakness(Concept):
    """A concept that a user is weak in, and how many concepts not yet mastered build on it."""

    score: float
    blocks: int


@dataclass(frozen=True)
class Candidate(Concept):
    """A concept that a user can begin now: its prerequisites, all mastered, and what directly builds on it."""

    score: float | None
    prerequisites: int
    unlocks: int


def find_concept(g: GraphSession, given: str) -> Concept:
    """Find the concept of an id, else of an exact name.

    Raises:
        EspalierError: there is none, or several have that name.
    """
    found = [Concept(**row) for row in g.read(QUERIES["find_concepts"], given=given)]
    chosen = [concept for concept in found if concept.id == given] or found
    if not chosen:
        raise EspalierError(f"no concept {given!r} in the graph; give an id or an exact name")
    if len(chosen) > 1:
        ids = ", ".join(concept.id for concept in chosen[:5])
        raise EspalierError(f"{len(chosen)} concepts are named {given!r}; give one of the ids {ids}")
    return chosen[0]


def is_learner(g: GraphSession, user: str) -> bool:
    """Tell whether a user is in the graph: who has no mastery record is not."""
    return bool(g.read(QUERIES["find_user"], user=user))


def prerequisites(g: GraphSession, concept: Concept, hops: int) -> Prerequisites:
    """Find what must be known before a concept, each once, at its least distance."""
    distances, more = _prerequisites_within(g, concept.id, hops)
    known = _described(g, distances)
    found = [Prerequisite(**vars(known[other]), distance=distance) for other, distance in distances.items()]
    return Prerequisites(concept, sorted(found, key=lambda p: (p.distance, *p.rank)), more)


def _prerequisites_within(g: GraphSession, concept: str, hops: int) -> tuple[dict[str, int], bool]:
    """Give the distance of each prerequisite, and whether there are more beyond the last hop."""
    seen = {concept: 0}
    frontier = [concept]
    for distance in range(1, hops + 1):
        frontier = _one_hop_up(g, frontier, seen)
        seen |= dict.fromkeys(frontier, distance)
    more = bool(_one_hop_up(g, frontier, seen))
    del seen[concept]
    return seen, more


def _one_hop_up(g: GraphSession, frontier: Collection[str], seen: Container[str]) -> list[str]:
    rows = g.read(QUERIES["prerequisites_of"], frontier=list(frontier)) if frontier else []
    return [row["id"] for row in rows if row["id"] not in seen]


def _described(g: GraphSession, ids: Collection[str]) -> dict[str, Concept]:
    return {row["id"]: Concept(**row) for row in g.read(QUERIES["describe"], ids=list(ids))}


def shortest_chain(g: GraphSession, start: str, end: str, hops: int) -> list[Concept] | None:
    """Give a shortest chain of prerequisites from one concept to another, both included; None where there is none."""
    if start == end:
        return list(_described(g, [start]).values())
    rows = g.read(QUERIES["shortest_chain"], **{"from": start, "to": end})
    if not rows or len(rows[0]["ids"]) > hops + 1:
        return None
    known = _described(g, rows[0]["ids"])
    return [known[concept] for concept in rows[0]["ids"]]


def learning_path(g: GraphSession, user: str, target: Concept, *, hops: int, mastered_from: float) -> LearningPath:
    """Order all that a user has not mastered and must know for a target, the target last.

    What lies behind a mastered concept counts too. Concepts that need each other stand together, in order of
    difficulty, and are named.
    """
    distances, more = _prerequisites_within(g, target.id, hops)
    known = _described(g, {*distances, target.id})
    needs = dict.fromkeys(known, ()) | _edges(g, "edges_into", known)
    order, cycles = in_learning_order(needs, lambda concept: known[concept].rank)
    scores = mastery_of(g, user)
    return LearningPath(
        target,
        scores.get(target.id, 0) >= mastered_from,
        [Step(**vars(known[c]), score=scores.get(c)) for c in order if scores.get(c, 0) < mastered_from],
        [[known[concept] for concept in cycle] for cycle in cycles],
        more,
    )


def _edges(g: GraphSession, query: str, ids: Collection[str]) -> dict[str, Collection[str]]:
    return {row["id"]: row["others"] for row in g.read(QUERIES[query], ids=list(ids))}


def mastery_of(g: GraphSession, user: str) -> dict[str, float]:
    """Give a user's score in each concept."""
    return {row["id"]: row["score"] for row in g.read(QUERIES["mastery_of"], user=user)}


def weak_concepts(g: GraphSession, user: str, *, hops: int, weak_below: float, mastered_from: float) -> list[Weakness]:
    """List what a user is weak in; first what most concepts that the user has not mastered build on."""
    scores = mastery_of(g, user)
    weak = {concept: score for concept, score in scores.items() if score < weak_below}
    blocked = _blocked_by(g, weak, hops, {c for c, score in scores.items() if score >= mastered_from})
    known = _described(g, weak)
    found = (Weakness(**vars(known[c]), score=score, blocks=blocked[c]) for c, score in weak.items() if c in known)
    return sorted(found, key=lambda w: (-w.blocks, w.score, *w.rank))


def _blocked_by(g: GraphSession, weak: Collection[str], hops: int, mastered: Collection[str]) -> dict[str, int]:
    """Count what builds on each weak concept within so many hops and is not mastered; the concept itself is not."""
    bit, reached = reach(_edges_down(g, weak, hops), hops)
    done = sum(1 << bit[concept] for concept in mastered if concept in bit)
    return {c: (reached[c] & ~done & ~(1 << bit[c])).bit_count() if c in bit else 0 for c in weak}


def _edges_down(g: GraphSession, start: Collection[str], hops: int) -> dict[str, Collection[str]]:
    """Walk down from several concepts at once; what each is a prerequisite of."""
    edges: dict[str, Collection[str]] = {}
    seen, frontier = set(start), set(start)
    for _ in range(hops if frontier else 0):
        further = _edges(g, "edges_out_of", frontier)
        edges |= further
        frontier = {other for others in further.values() for other in others} - seen
        seen |= frontier
        if not frontier:
            break
    return edges


def next_concepts(g: GraphSession, user: str, mastered_from: float) -> list[Candidate]:
    """List what a user can begin now: every prerequisite is mastered, the concept is not."""
    scores = mastery_of(g, user)
    rows = g.read(QUERIES["next_concepts"], mastered=[c for c, score in scores.items() if score >= mastered_from])
    return [Candidate(**row, score=scores.get(row["id"])) for row in rows]
