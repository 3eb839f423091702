"""The blocks of edges are what COPY's binary format says, whatever the graph holds."""

import struct
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from assets.graph import packing
from assets.graph.packing import PackedEdges

ROW = struct.Struct(">hiiiiidiqi?")
LENGTHS = (5, 4, 4, 8, 8, 1)
Y2K = datetime(2000, 1, 1)


def pack(*people: tuple[Any, list[Any]]) -> tuple[PackedEdges, list[tuple[Any, ...]]]:
    """Pack people one by one and read the blocks back: user, concept, score, time, whether it is odd."""
    blocks: list[bytes] = []
    packed = PackedEdges(blocks.append)
    for person in people:
        packed.add([person])
    packed.flush()
    return packed, list(unpack(blocks))


def unpack(blocks: Iterable[bytes]) -> Iterable[tuple[Any, ...]]:
    """Read rows as the server does."""
    for n, a, user, b, concept, c, score, d, time, e, odd in ROW.iter_unpack(b"".join(blocks)):
        assert (n, a, b, c, d, e) == LENGTHS
        yield user, concept, score, Y2K + timedelta(microseconds=time), odd


@pytest.mark.parametrize("block", [1, 2, 50_000])
def test_edges_are_numbered_and_come_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch, block: int):
    monkeypatch.setattr(packing, "_BLOCK", block)
    packed, rows = pack(("ann", ["c1", 0.5, 0, "c2", 0.25, 1]), ("nobody", []), ("bob", ["c1", 1.0, -1]))
    assert rows == [
        (0, 0, 0.5, datetime(1970, 1, 1), False),
        (0, 1, 0.25, datetime(1970, 1, 1, 0, 0, 0, 1000), False),
        (2, 0, 1.0, datetime(1969, 12, 31, 23, 59, 59, 999000), False),
    ]
    assert list(packed.users.rows()) == [(0, "ann"), (1, "nobody"), (2, "bob")]
    assert list(packed.concepts.rows()) == [(0, "c1"), (1, "c2")]
    assert (packed.edges, packed.doubled) == (3, set())


@pytest.mark.parametrize("score", ["0.5", 1, None, True, [0.5]])
def test_a_score_of_another_type_is_odd(score: object):
    _, rows = pack(("ann", ["c1", score, 0, "c2", 0.5, 0]))
    assert [row[-1] for row in rows] == [True, False]


@pytest.mark.parametrize("time", [0.0, "0", None, 2**63 - 1, -(2**63), 10**16])
def test_a_time_of_another_type_or_beyond_all_calendars_is_odd(time: object):
    _, rows = pack(("ann", ["c1", 0.5, time, "c2", 0.5, 0]))
    assert [row[-1] for row in rows] == [True, False]


def test_the_second_edge_between_the_same_two_is_odd():
    _, rows = pack(("ann", ["c1", 0.5, 0, "c2", 0.5, 0, "c1", 0.5, 0]), ("bob", ["c1", 0.5, 0]))
    assert [row[-1] for row in rows] == [False, False, True, False]


@pytest.mark.parametrize("concept", [None, 7, "a\0b", ["c1"]])
def test_an_edge_to_what_has_no_key_is_none_of_the_models(concept: object):
    packed, rows = pack(("ann", ["c1", 0.5, 0, concept, 0.5, 0]))
    assert (len(rows), packed.edges) == (1, 1)
    assert list(packed.concepts.rows()) == [(0, "c1")]


@pytest.mark.parametrize("user", [None, 7, "a\0b", ["ann"]])
def test_a_user_without_a_key_is_left_out_with_all_edges(user: object):
    packed, rows = pack((user, ["c1", 0.5, 0]))
    assert (rows, packed.edges, list(packed.users.rows())) == ([], 0, [])


def test_a_user_that_comes_twice_is_named_and_keeps_one_number():
    packed, rows = pack(("ann", ["c1", 0.5, 0]), ("ann", ["c2", 0.5, 0]))
    assert packed.doubled == {"ann"}
    assert [row[0] for row in rows] == [0, 0]
