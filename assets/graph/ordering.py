"""The order in which concepts can be learned, and what stands in the way of one: plain functions over edges.

Edges lead from a concept to its direct prerequisites (`needs`) or to what it is a prerequisite of (`leads_to`). Dirty
data has cycles: they are found and named, and every function ends.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from graphlib import TopologicalSorter
from heapq import heappop, heappush
from typing import Any

Edges = Mapping[str, Collection[str]]


def in_learning_order(needs: Edges, rank: Callable[[str], Any]) -> tuple[list[str], list[list[str]]]:
    """Order concepts so that each comes after all that it needs; give also those that no order can please.

    Args:
        needs: the direct prerequisites of every concept; what is not a key itself is left out.
        rank: which of those that may come next comes first.

    Returns:
        The concepts in order, and the groups whose members need each other. A group stands together in the order,
        after all that it needs and before all that needs it.
    """
    groups = mutual_groups(needs)
    group_of = {concept: n for n, group in enumerate(groups) for concept in group}
    above: dict[int, set[int]] = {n: set() for n in range(len(groups))}
    for concept, n in group_of.items():
        above[n] |= {group_of[other] for other in needs[concept] if other in group_of} - {n}
    first = [min(map(rank, group)) for group in groups]
    order = [c for n in _sorted(above, first.__getitem__) for c in sorted(groups[n], key=rank)]
    return order, [sorted(group) for group in groups if _is_knot(group, needs)]


def _sorted(above: Mapping[int, set[int]], rank: Callable[[int], Any]) -> Iterable[int]:
    """Give what stands above first; of what may come next, always the first in rank."""
    sorter = TopologicalSorter(above)
    sorter.prepare()
    ready: list[tuple[Any, int]] = []
    while sorter.is_active():
        for n in sorter.get_ready():
            heappush(ready, (rank(n), n))
        _, first = heappop(ready)
        yield first
        sorter.done(first)


def _is_knot(group: Collection[str], needs: Edges) -> bool:
    return len(group) > 1 or any(concept in needs[concept] for concept in group)


def cycles(leads_to: Edges) -> list[list[str]]:
    """Name cycles until each concept that is in any is in one that is named: always a shortest one, without its end."""
    knots = {c: group for group in mutual_groups(leads_to) if _is_knot(group, leads_to) for c in group}
    found: list[list[str]] = []
    covered: set[str] = set()
    for concept in sorted(knots):
        if concept not in covered:
            found.append(_shortest_cycle(concept, leads_to, set(knots[concept])))
            covered.update(found[-1])
    return found


def _shortest_cycle(start: str, leads_to: Edges, knot: set[str]) -> list[str]:
    """Walk breadth first from a concept until it comes round to itself."""
    came_from: dict[str, str] = {}
    frontier = [start]
    while start not in came_from:
        further: dict[str, str] = {}
        for concept in frontier:
            for other in sorted(knot.intersection(leads_to[concept]) - came_from.keys()):
                further.setdefault(other, concept)
        came_from |= further
        frontier = list(further)
    path = [start]
    while (before := came_from[path[-1]]) != start:
        path.append(before)
    return [start, *reversed(path[1:])]


def mutual_groups(needs: Edges) -> list[list[str]]:
    """Part concepts into groups in which each needs each other one (Kosaraju; without recursion, which has a limit)."""
    wanted_by: dict[str, list[str]] = defaultdict(list)
    for concept, others in needs.items():
        for other in others:
            wanted_by[other].append(concept)
    seen: set[str] = set()
    finished = [concept for start in needs for concept in _depth_first(start, needs, seen, needs)]
    seen.clear()
    groups = (_depth_first(start, wanted_by, seen, needs) for start in reversed(finished) if start not in seen)
    return [group for group in groups if group]


def _depth_first(start: str, edges: Edges, seen: set[str], known: Collection[str]) -> list[str]:
    """Visit all that can be reached and was not seen; give it in the order in which it was finished."""
    if start in seen:
        return []
    seen.add(start)
    finished: list[str] = []
    stack = [(start, iter(edges.get(start, ())))]
    while stack:
        concept, others = stack[-1]
        following = next((other for other in others if other in known and other not in seen), None)
        if following is None:
            finished.append(concept)
            stack.pop()
        else:
            seen.add(following)
            stack.append((following, iter(edges.get(following, ()))))
    return finished


def reach(leads_to: Edges, hops: int) -> tuple[dict[str, int], dict[str, int]]:
    """Find for every concept what can be reached from it in so many hops, without walking a path twice.

    Each set of concepts is one integer with a bit a concept, so that a hop is an `or` for each edge.

    Returns:
        The number of each concept's bit, and for each concept the integer of what it reaches (perhaps itself).
    """
    concepts = dict.fromkeys([*leads_to, *(other for others in leads_to.values() for other in others)])
    bit = {concept: n for n, concept in enumerate(concepts)}
    reached = dict.fromkeys(concepts, 0)
    for _ in range(hops):
        further = {concept: _one_more_hop(others, bit, reached) for concept, others in leads_to.items()}
        if all(reached[concept] == bits for concept, bits in further.items()):
            break
        reached |= further
    return bit, reached


def _one_more_hop(others: Collection[str], bit: Mapping[str, int], reached: Mapping[str, int]) -> int:
    bits = 0
    for other in others:
        bits |= 1 << bit[other] | reached[other]
    return bits
