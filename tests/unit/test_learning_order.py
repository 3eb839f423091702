"""The order of learning and the reach of a concept, against networkx on random graphs, cycles and all."""

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.graph.ordering import cycles, in_learning_order, mutual_groups, reach

NAMES = [f"c{n}" for n in range(12)]
EDGES = st.dictionaries(st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES), max_size=5), max_size=12)


def as_graph(edges: dict[str, set[str]]) -> "nx.DiGraph[str]":
    return nx.DiGraph([(start, end) for start, ends in edges.items() for end in ends])


def whole(edges: dict[str, set[str]]) -> dict[str, set[str]]:
    """Give every concept its entry."""
    return {name: edges.get(name, set()) for name in {*edges, *(n for ends in edges.values() for n in ends)}}


@given(EDGES)
def test_groups_that_need_each_other_are_the_strongly_connected_components(edges: dict[str, set[str]]) -> None:
    needs = whole(edges)
    graph = as_graph(needs)
    graph.add_nodes_from(needs)
    expected = {frozenset(group) for group in nx.strongly_connected_components(graph)}
    assert {frozenset(group) for group in mutual_groups(needs)} == expected


@settings(max_examples=300)
@given(EDGES)
def test_each_concept_comes_after_all_that_it_needs_unless_they_need_it_too(edges: dict[str, set[str]]) -> None:
    needs = whole(edges)
    order, cycles = in_learning_order(needs, lambda name: name)
    assert sorted(order) == sorted(needs)
    graph, place = as_graph(needs), {name: n for n, name in enumerate(order)}
    graph.add_nodes_from(needs)
    for name in needs:
        for other in nx.descendants(graph, name):
            assert place[other] < place[name] or nx.has_path(graph, other, name)
    in_cycles = {name for group in cycles for name in group}
    assert in_cycles == {n for n in needs if any(nx.has_path(graph, other, n) for other in needs[n])}


def test_of_those_that_may_come_next_the_first_in_rank_does() -> None:
    needs = {"z": (), "a": (), "m": ("z",), "b": ("a",), "c": ("b", "m")}
    assert in_learning_order(needs, lambda name: name) == (["a", "b", "z", "m", "c"], [])


def test_concepts_that_need_each_other_stand_together_and_are_named() -> None:
    needs = {"a": ("c",), "b": ("a",), "c": ("b", "root"), "root": (), "end": ("b",), "self": ("self",)}
    order, cycles = in_learning_order(needs, lambda name: name)
    assert [name for name in order if name != "self"] == ["root", "a", "b", "c", "end"]
    assert sorted(cycles) == [["a", "b", "c"], ["self"]]


def test_what_is_needed_from_outside_is_left_out() -> None:
    assert in_learning_order({"a": ("elsewhere",)}, lambda name: name) == (["a"], [])


def test_a_chain_longer_than_pythons_stack_is_ordered() -> None:
    needs = {f"{n:06}": (f"{n - 1:06}",) if n else () for n in range(20_000)}
    order, cycles = in_learning_order(needs, lambda name: name)
    assert (order, cycles) == (sorted(needs), [])


@settings(max_examples=300)
@given(EDGES, st.integers(1, 6))
def test_what_is_reached_in_so_many_hops_is_what_networkx_reaches(edges: dict[str, set[str]], hops: int) -> None:
    bit, reached = reach(edges, hops)
    graph = as_graph(edges)
    graph.add_nodes_from(bit)
    for name in bit:
        near = nx.single_source_shortest_path_length(graph, name, cutoff=hops)
        around = any(near[n] < hops and name in edges.get(n, ()) for n in near)
        expected = {other for other in near if other != name or around}
        assert {other for other, n in bit.items() if reached[name] >> n & 1} == expected


@settings(max_examples=300)
@given(EDGES)
def test_each_concept_of_a_cycle_is_in_one_that_is_named_and_each_of_these_is_one(edges: dict[str, set[str]]) -> None:
    leads_to = whole(edges)
    graph = as_graph(leads_to)
    found = cycles(leads_to)
    assert all(nx.is_path(graph, [*cycle, cycle[0]]) and len(set(cycle)) == len(cycle) for cycle in found)
    in_any = {name for name in graph if any(nx.has_path(graph, other, name) for other in leads_to[name])}
    assert {name for cycle in found for name in cycle} == in_any


def test_a_cycle_is_named_from_its_first_concept_on_the_shortest_way() -> None:
    leads_to = {"b": ("c",), "c": ("a", "d"), "a": ("b",), "d": ("e",), "e": ("a",), "self": ("self",), "free": ("a",)}
    assert cycles(leads_to) == [["a", "b", "c"], ["d", "e", "a", "b", "c"], ["self"]]
