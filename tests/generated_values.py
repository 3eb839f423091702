"""Values of each column type, by what is rare about them; the text that Postgres reads, so that each type has all.

The first of each is the simplest: hypothesis draws it first and shrinks towards it. Choices are few and small, as an
example holds some thousand of them.
"""

from typing import Any
from uuid import UUID as Uuid

from hypothesis import strategies as st
from pgvector.sqlalchemy import VECTOR
from sqlalchemy import (
    ARRAY,
    UUID,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Enum,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    String,
)
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.types import TypeEngine

__all__ = ["Kinds", "kinds_of"]

Kinds = dict[str, st.SearchStrategy[Any]]

# As long as a name may get, and so long, and so little alike, that no index of words takes it.
_LONG = ("z" * 300, "".join(f"{number * 2654435761 % 2**32:08x}" for number in range(1200)))
_QUOTES = ('o\'clock "x" \\', "'; --", '{a,"b"}', "%s %(x)s", "a\tb\nc ")
_UNICODE = ("名前 🌱", "é ≠ e\u0301", "\u202eabc\ufeff", "\U0010ffff", "İı ß")
_MOMENTS = ("2026-01-01 00:00:00", "2026-02-28 23:59:59.9996", "1970-01-01 00:00:00")
_CLOCK_CHANGES = ("2026-03-29 02:30:00", "2026-10-25 02:30:00", "2026-03-08 02:59:59.999", "2026-11-01 01:30:00")
_ZONED = ("2026-03-29 02:30 Europe/Berlin", "2026-11-01 01:30 America/New_York", "2026-01-01 00:00 Asia/Kathmandu")
_ENDS_OF_TIME = ("infinity", "-infinity", "4713-11-24 00:00:00 BC", "294276-12-31 23:59:59")
_DAYS = ("2026-01-01", "2024-02-29", "2026-03-29")
_ENDS_OF_DAYS = ("infinity", "-infinity", "4713-11-24 BC", "5874897-12-31")
_DOCUMENTS = ("{}", '{"a": [1, {"b": null}]}', '"words"', "0")
_DEEP = '{"a": ' * 40 + "1e300" + "}" * 40
_UUIDS = (Uuid(int=0), Uuid(int=2**128 - 1))


def kinds_of(type_: TypeEngine[Any]) -> Kinds:
    """List the kinds of values that a type has.

    Raises:
        TypeError: nothing is known of the type, so its columns would be tested by nothing.
    """
    if isinstance(type_, ARRAY):
        return _arrays(kinds_of(type_.item_type))
    if isinstance(type_, Enum):
        return _labels(list(type_.enums))
    if isinstance(type_, String):
        return _words(type_.length)
    if isinstance(type_, VECTOR):
        return _vectors(type_.dim or 3)
    return _plain(type_)


def _plain(type_: TypeEngine[Any]) -> Kinds:
    if isinstance(type_, Float):
        return _FLOATS
    if isinstance(type_, Numeric):
        return _numbers(type_.precision or 20, type_.scale or 0)
    if isinstance(type_, Integer):
        return _integers(63 if isinstance(type_, BigInteger) else 31)
    if isinstance(type_, DateTime):
        return _ZONED_MOMENTS if type_.timezone else _PLAIN_MOMENTS
    for known, kinds in _SIMPLE.items():
        if isinstance(type_, known):
            return kinds
    raise TypeError(f"nothing is known of the values of {type_!r}")


def _words(length: int | None) -> Kinds:
    def fitting(*words: str) -> st.SearchStrategy[Any]:
        return st.sampled_from([word[:length] for word in words])

    return {
        "plain": fitting("same", "same", "another"),
        "empty": st.just(""),
        "quote": fitting(*_QUOTES),
        "unicode": fitting(*_UNICODE),
        "bound": fitting("z" * length) if length else fitting(*_LONG),
        "any": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=min(length or 6, 6)),
    }


def _labels(labels: list[str]) -> Kinds:
    return {"plain": st.sampled_from(labels), "bound": st.sampled_from([labels[0], labels[-1]])}


def _arrays(items: Kinds) -> Kinds:
    return {
        "plain": st.just(["same", "same"]) if "quote" in items else st.lists(items["plain"], max_size=2),
        "empty": st.just([]),
        "null inside": st.just([None]),
        **{kind: st.lists(items[kind], min_size=1, max_size=2) for kind in ("quote", "unicode") if kind in items},
    }


def _vectors(size: int) -> Kinds:
    def uniform(value: str) -> str:
        return f"[{','.join([value] * size)}]"

    return {
        "plain": st.sampled_from(("0.5", "1")).map(uniform),
        "empty": st.just(uniform("0")),
        "bound": st.sampled_from(("3.4e38", "-1e-38")).map(uniform),
    }


def _numbers(precision: int, scale: int) -> Kinds:
    most = "9" * (precision - scale) + "." + "9" * scale
    return {"plain": st.sampled_from(("1", "0", "0.5")), "bound": st.sampled_from((most, f"-{most}"))}


def _integers(bits: int) -> Kinds:
    return {"plain": st.integers(-3, 100), "bound": st.sampled_from((2**bits - 1, -(2**bits)))}


_FLOATS: Kinds = {
    "plain": st.sampled_from(("0.5", "1", "0.1")),
    "bound": st.sampled_from(("1.7976931348623157e308", "5e-324", "-0.0")),
    "not a number": st.sampled_from(("NaN", "Infinity", "-Infinity")),
}
_PLAIN_MOMENTS: Kinds = {
    "plain": st.sampled_from(_MOMENTS),
    "clock change": st.sampled_from(_CLOCK_CHANGES),
    "bound": st.sampled_from(_ENDS_OF_TIME),
}
_ZONED_MOMENTS: Kinds = {**_PLAIN_MOMENTS, "zone": st.sampled_from(_ZONED)}
_SIMPLE: dict[type[TypeEngine[Any]], Kinds] = {
    Boolean: {"plain": st.booleans()},
    Date: {"plain": st.sampled_from(_DAYS), "bound": st.sampled_from(_ENDS_OF_DAYS)},
    LargeBinary: {"plain": st.binary(max_size=4), "empty": st.just(b""), "bound": st.just(bytes(range(256)))},
    UUID: {"plain": st.integers(0, 2**32).map(lambda number: Uuid(int=number)), "bound": st.sampled_from(_UUIDS)},
    JSON: {
        "plain": st.sampled_from(_DOCUMENTS),
        "empty": st.sampled_from(("[]", '""')),
        "null inside": st.just("null"),
        "unicode": st.just('{"名前": "\\ud83c\\udf31", "": "é"}'),
        "bound": st.just(_DEEP),
    },
}
