"""When two objects are the same although they are not called the same, and how a schema differs from what is wanted.

Indexes, constraints and triggers are compared by what they do: Prisma and Postgres shorten long names differently. A
unique constraint and a unique index over the same columns serve alike.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from migrations.catalog import Snapshot, Thing

State = Literal["equal", "differing", "missing"]
Shape = tuple[str, str, str]

_NAME = r'(?:"(?:[^"]|"")*"|[\w$]+)'
_INDEX = re.compile(rf"^(CREATE (?:UNIQUE )?INDEX) {_NAME} ON")
_TRIGGER = re.compile(rf"^(CREATE (?:CONSTRAINT )?TRIGGER) {_NAME}")
_UNIQUE_INDEX = re.compile(r"CREATE UNIQUE INDEX ON .* USING btree (\([^()]*\))")
_UNIQUE = re.compile(r"UNIQUE (\([^()]*\))")


@dataclass(frozen=True)
class Match:
    """What was found of a wanted object; under another name, perhaps."""

    state: State
    found: Thing | None = None
    text: str = ""


def shape(thing: Thing, text: str) -> Shape:
    """Reduce an object to what it does; of equal shape are those that can stand for each other."""
    if thing.kind == "index":
        text = _INDEX.sub(r"\1 ON", text)
        unique = _UNIQUE_INDEX.fullmatch(text)
        return ("unique", str(thing.table), unique[1]) if unique else ("index", str(thing.table), text)
    if thing.kind == "constraint":
        unique = _UNIQUE.fullmatch(text)
        return ("unique", str(thing.table), unique[1]) if unique else ("constraint", str(thing.table), text)
    if thing.kind == "trigger":
        return "trigger", str(thing.table), _TRIGGER.sub(r"\1", text)
    if thing.kind == "column":
        return "column", thing.name, text.replace("CURRENT_TIMESTAMP", "now()")
    return thing.kind, thing.name, _words(text) if thing.kind == "function" else text


def match(thing: Thing, text: str, found: Snapshot, shapes: Mapping[Shape, Thing]) -> Match:
    """Look for an object among those of a schema."""
    twin = shapes.get(shape(thing, text))
    if twin:
        return Match("equal", twin, found[twin])
    return Match("differing", thing, found[thing]) if thing in found else Match("missing")


def shapes_of(found: Snapshot) -> dict[Shape, Thing]:
    """Index a schema's objects by their shape; an object that has its own name's right comes before its twins."""
    return {shape(thing, text): thing for thing, text in sorted(found.items(), reverse=True)}


def compare(wanted: Snapshot, found: Snapshot) -> dict[Thing, Match]:
    """Look for every wanted object."""
    shapes = shapes_of(found)
    return {thing: match(thing, text, found, shapes) for thing, text in wanted.items()}


def extra(known: Iterable[Thing], matches: Iterable[Match], found: Snapshot) -> list[Thing]:
    """Name what stands there and is not wanted; of a table that nobody asked for only the table."""
    taken = {m.found for m in matches} | set(known)
    tables = {thing.name for thing in taken if thing and thing.kind == "table"}
    return sorted(thing for thing in found if thing not in taken and thing.table in (None, *tables))


def type_of(text: str) -> str:
    """Leave a column's default out of its definition."""
    return re.split(r" (?:default|generated as) ", text, maxsplit=1)[0]


def _words(text: str) -> str:
    """Write a function's text without layout, case, comments, and the second way to write an assignment."""
    bare = re.sub(r"--[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL).lower().replace(":=", "=")
    return re.sub(r"\s+|;(?=\s*end)|;(?=\s*\$function\$)", "", bare).replace("end;$function$", "end$function$")
