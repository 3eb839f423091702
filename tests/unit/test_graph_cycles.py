"""The cycles among prerequisites are found and named, against networkx on drawn graphs."""

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from assets.graph.cycles import find_cycles, written

CONCEPTS = st.sampled_from("abcdefgh")
PAIRS = st.sets(st.tuples(CONCEPTS, CONCEPTS), max_size=20)


def test_a_cycle_comes_round_to_its_beginning_by_its_names():
    (cycle,) = find_cycles([("b", "c"), ("a", "b"), ("c", "a"), ("c", "d")])
    assert cycle == ["a", "b", "c"]
    assert written(cycle, {"a": "Adding", "b": "Borrowing"}) == "Adding → Borrowing → c → Adding"


def test_a_concept_that_needs_itself_is_named_also_where_it_lies_on_another_cycle():
    assert find_cycles([("x", "x"), ("a", "b"), ("b", "a"), ("b", "b")]) == [["a", "b"], ["x"], ["b"]]


def test_what_has_an_order_has_no_cycle():
    assert find_cycles([("a", "b"), ("a", "c"), ("b", "c")]) == []


@given(PAIRS)
def test_every_group_of_concepts_that_need_each_other_has_a_cycle_that_is_real(pairs: set[tuple[str, str]]):
    found = find_cycles(sorted(pairs))
    graph = nx.DiGraph(list(pairs))
    knots = [set(group) for group in nx.strongly_connected_components(graph) if len(group) > 1]
    for cycle in found:
        assert set(zip(cycle, [*cycle[1:], cycle[0]], strict=True)) <= pairs
    for knot in knots:
        assert any(len(cycle) > 1 and set(cycle) <= knot for cycle in found) or any(len(c) == 1 for c in found)
    assert {c[0] for c in found if len(c) == 1} == {a for a, b in pairs if a == b}
    assert set().union(*knots) <= {concept for cycle in found for concept in cycle}
