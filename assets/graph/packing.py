"""Packs the edges from users to concepts into rows of COPY's binary format, block after block.

The graph gives a user with one flat list of values; a million edges are numbered, checked for their types and written
in seconds and within a bounded memory. What they are compared with is in `sql/graph/compare.sql`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

import numpy as np

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
_BLOCK = 50_000
# Five columns of live_mastery, each behind its length, all of fixed size.
_ROW = np.dtype(
    [
        ("columns", ">i2"),
        ("user_length", ">i4"),
        ("user", ">i4"),
        ("concept_length", ">i4"),
        ("concept", ">i4"),
        ("score_length", ">i4"),
        ("score", ">f8"),
        ("updated_at_length", ">i4"),
        ("updated_at", ">i8"),
        ("odd_length", ">i4"),
        ("odd", "?"),
    ]
)
_LENGTHS = {
    "columns": 5,
    "user_length": 4,
    "concept_length": 4,
    "score_length": 8,
    "updated_at_length": 8,
    "odd_length": 1,
}
_NO_KEY = -1
_FROM_1970_TO_2000 = 946_684_800_000_000
# What a timestamp can hold begins in 4713 BC.
_FIRST_MS, _LAST_MS = -210_000_000_000_000, 9_000_000_000_000_000
_T = TypeVar("_T")


def batches(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Give items in lists of at most `size`."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def is_key(value: object) -> bool:
    """Tell whether a value of the graph can be a key: a string that Postgres could hold."""
    return type(value) is str and "\0" not in value


class Numbers(dict[Any, int]):
    """Numbers keys in the order in which they come; what is no key gets a number below zero."""

    def __missing__(self, key: object) -> int:
        self[key] = number = len(self) if is_key(key) else _NO_KEY
        return number

    def rows(self) -> Iterable[tuple[int, str]]:
        """Give the numbered keys as rows."""
        return ((number, key) for key, number in self.items() if number != _NO_KEY)


@dataclass
class PackedEdges:
    """Takes users with their edges and writes blocks of rows.

    Attributes:
        write: where the blocks go.
        users: numbers of the users seen.
        concepts: numbers of the concepts seen at the end of an edge.
        doubled: users that came more than once.
        edges: how many edges of the model were seen.
    """

    write: Callable[[bytes], object]
    users: Numbers = field(default_factory=Numbers)
    concepts: Numbers = field(default_factory=Numbers)
    doubled: set[str] = field(default_factory=set[str])
    edges: int = 0
    _owners: list[int] = field(default_factory=list[int])
    _counts: list[int] = field(default_factory=list[int])
    _values: list[Any] = field(default_factory=list[Any])

    def add(self, people: Iterable[tuple[Any, list[Any]]]) -> None:
        """Take users, each with the flat list of their edges: concept, score, time, and so on."""
        for user, values in people:
            number = self._number(user)
            if number != _NO_KEY:
                self._owners.append(number)
                self._counts.append(len(values) // 3)
                self._values += values
        if len(self._values) >= 3 * _BLOCK:
            self.flush()

    def _number(self, user: Any) -> int:
        if not is_key(user):
            return _NO_KEY
        known = len(self.users)
        number = self.users[user]
        if number != known:
            self.doubled.add(user)
        return number

    def flush(self) -> None:
        """Write what has been taken so far."""
        values, edges = self._values, len(self._values) // 3
        rows = np.zeros(edges, _ROW)
        for name, length in _LENGTHS.items():
            rows[name] = length
        rows["user"] = np.repeat(np.array(self._owners, np.int32), self._counts)
        rows["concept"] = np.fromiter(map(self.concepts.__getitem__, _keys(values[::3])), np.int32, edges)
        rows["odd"] = _repeated(rows)
        _fill(rows, "score", values[1::3], float)
        _fill(rows, "updated_at", values[2::3], int)
        _turn_into_timestamps(rows)
        self._write(rows[rows["concept"] != _NO_KEY])
        for taken in (self._owners, self._counts, self._values):
            taken.clear()

    def _write(self, rows: Any) -> None:
        self.edges += len(rows)
        self.write(rows.tobytes())


def _keys(values: list[Any]) -> Iterable[Any]:
    """Give values to be numbered; one that is no string may not even have a hash."""
    if set(map(type, values)) <= {str}:
        return values
    return (value if is_key(value) else None for value in values)


def _repeated(rows: Any) -> Any:
    """Tell which rows lie between a user and a concept that a row before them lies between."""
    pairs = rows["user"].astype(np.int64) << 32 | rows["concept"].astype(np.int64)
    order = np.argsort(pairs, kind="stable")
    repeated = np.zeros(len(rows), np.bool_)
    repeated[order[1:]] = pairs[order[1:]] == pairs[order[:-1]]
    return repeated


def _fill(rows: Any, column: str, values: list[Any], kind: type) -> None:
    """Fill a column; an edge with a value of another type is odd and will be looked at by its key."""
    if set(map(type, values)) <= {kind}:
        rows[column] = values
        return
    rows["odd"] |= np.fromiter((type(value) is not kind for value in values), np.bool_, len(values))
    rows[column] = [value if type(value) is kind else 0 for value in values]


def _turn_into_timestamps(rows: Any) -> None:
    """Turn milliseconds since 1970 into Postgres' microseconds since 2000; what is out of its range is odd."""
    times = rows["updated_at"].astype(np.int64)
    rows["odd"] |= (times < _FIRST_MS) | (times > _LAST_MS)
    rows["updated_at"] = np.where(rows["odd"], 0, times * 1000 - _FROM_1970_TO_2000)
