"""What a generator hands to the loader: a table's name, its number of rows, and a function that renders some of them.

Rows are rendered in blocks, so that memory does not grow with the table. Nothing here knows a database.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from orchestration.demo import draws
from orchestration.demo.draws import Bools, Ints

Block = Mapping[str, Sequence[object]]
BLOCK_ROWS = 20_000


@dataclass(frozen=True)
class Table:
    """A table's rows, not yet rendered.

    Attributes:
        name: of the table, unqualified.
        rows: how many there are.
        block: renders the rows of these numbers, as columns.
        newer: columns that only a later revision of the schema has; left out where they are absent.
    """

    name: str
    rows: int
    block: Callable[[Ints], Block]
    newer: frozenset[str] = frozenset()

    def columns(self) -> tuple[str, ...]:
        """Name the columns, as rendered."""
        return tuple(self.block(np.arange(1)))

    def blocks(self, size: int = BLOCK_ROWS) -> Iterator[Block]:
        """Render all rows, `size` of them at a time."""
        for start in range(0, self.rows, size):
            yield self.block(np.arange(start, min(start + size, self.rows)))


def ids(kind: str, numbers: Ints) -> list[str]:
    """Give the text ids of rows, which sort as their numbers do: `user_0000042`."""
    return [f"{kind}_{number:07d}" for number in numbers.tolist()]


def uuids(stream: str, numbers: Ints) -> list[str]:
    """Give the uuids of rows (of the form of version 4, but derived from the row's number)."""
    high, low = draws.bits(f"{stream}/high", numbers).tolist(), draws.bits(f"{stream}/low", numbers).tolist()
    return [_uuid(h, lo) for h, lo in zip(high, low, strict=True)]


def _uuid(high: int, low: int) -> str:
    head = f"{high >> 32:08x}-{high >> 16 & 0xFFFF:04x}-4{high & 0xFFF:03x}"
    return f"{head}-{0x8000 | low >> 50:04x}-{low & 0xFFFFFFFFFFFF:012x}"


def choose(stream: str, numbers: Ints, options: tuple[str, ...]) -> list[str]:
    """Draw one of the options for each row."""
    return pick(options, draws.below(stream, numbers, len(options)))


def pick(options: tuple[str, ...], positions: Ints) -> list[str]:
    """Give the option at each position."""
    return [options[position] for position in positions.tolist()]


def blank(values: Iterable[object], missing: Bools) -> list[object]:
    """Put None where a value is missing."""
    return [None if gone else value for value, gone in zip(values, missing.tolist(), strict=True)]
