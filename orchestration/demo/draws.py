"""Draws that depend on nothing but the name of a stream and the number of a row.

Each is a hash of the two (splitmix64), so that the same row gets the same value on any machine, in any order and
whatever the size of a block. Only exact arithmetic is used: no `exp`, no `pow`. What is drawn is decided elsewhere.
"""

import hashlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Bits = npt.NDArray[np.uint64]
Rows = int | Ints

SEED = "espalier demo 1"
_GOLDEN, _FIRST, _SECOND = (np.uint64(k) for k in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def bits(stream: str, rows: Rows) -> Bits:
    """Give 64 random bits for each row; `rows` is their count, or their numbers."""
    numbers = np.arange(rows) if isinstance(rows, int) else rows
    key = hashlib.blake2b(f"{SEED}/{stream}".encode(), digest_size=8).digest()
    mixed = (numbers.astype(np.uint64) + np.uint64(1)) * _GOLDEN + np.frombuffer(key, dtype="<u8")
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
    return mixed ^ (mixed >> np.uint64(31))


def uniform(stream: str, rows: Rows) -> Floats:
    """Draw from [0, 1)."""
    return (bits(stream, rows) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def below(stream: str, rows: Rows, bound: int | Ints) -> Ints:
    """Draw whole numbers from 0 to `bound` - 1, all equally likely."""
    return (uniform(stream, rows) * bound).astype(np.int64)


def happens(stream: str, rows: Rows, chance: float | Floats) -> Bools:
    """Draw what comes true with a chance."""
    return uniform(stream, rows) < chance


def weighted(stream: str, rows: Rows, weights: Floats) -> Ints:
    """Draw positions of `weights`, each as likely as its weight."""
    cumulative = np.cumsum(weights)
    found = np.searchsorted(cumulative, uniform(stream, rows) * cumulative[-1], side="right")
    return np.minimum(found, len(weights) - 1).astype(np.int64)


def spread(stream: str, rows: Rows, quantiles: Mapping[float, float]) -> Floats:
    """Draw from the distribution that has these quantiles, straight between them (its median is `[0.5]`)."""
    drawn = np.interp(uniform(stream, rows), list(quantiles), list(quantiles.values()))
    return drawn.astype(np.float64)


def shuffled(stream: str, count: int) -> Ints:
    """Give the numbers from 0 to `count` - 1 in a random order."""
    return np.argsort(bits(stream, count), kind="stable").astype(np.int64)


def power_law(stream: str, count: int) -> Floats:
    """Give weights that fall with a random rank as Zipf's law has it, a little flattened at the top."""
    return np.divide(1.0, shuffled(stream, count) + 3.0, dtype=np.float64)
