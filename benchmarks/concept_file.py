"""Reads a file of exercises as concepts and prerequisites, and says of all that it leaves out why.

The form is that of the Junyi Academy's exercise table: `name`, `prerequisites` (names, separated by commas, in one
field), `creation_date`, `seconds_per_fast_problem`, `pretty_display_name`, `area`. Plain functions; what is done with
the result is in `real_concepts.py`.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from orchestration.errors import EspalierError

NEEDED = ("name", "prerequisites")
NOTHING = frozenset({"", "N/A", "NULL", "null", "None"})
# A question mark beside a sign that is not ASCII was a sign itself before somebody's code page; so was U+FFFD.
_MIS_ENCODED = re.compile(r"\ufffd|#NAME\?|\?(?=[^\x00-\x7f])|(?<=[^\x00-\x7f])\?(?=[^\x00-\x7f\s])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Seconds that a fast solver takes, up to which an exercise has difficulty 1, 2, 3, 4.
_BANDS = (5, 10, 20, 40)

Row = dict[str, str]


@dataclass(frozen=True)
class Concept:
    """A usable row: the name is the id, the title the description, the area the domain."""

    id: str
    title: str | None
    domain: str | None
    difficulty: int
    created_at: datetime | None
    line: int


@dataclass(frozen=True)
class LeftOut:
    """What could not be used, in which line, and why; the row, or the field, as it was."""

    table: str
    key: str
    reason: str
    payload: dict[str, object]


@dataclass
class ConceptFile:
    """What a file holds: concepts by name, edges from a concept to its prerequisites, and what was left out."""

    concepts: dict[str, Concept] = field(default_factory=dict[str, Concept])
    edges: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    left_out: list[LeftOut] = field(default_factory=list[LeftOut])


def read_concepts(path: Path) -> ConceptFile:
    """Read a file; a name that comes again, a prerequisite that is none, a title that is unreadable are left out.

    Raises:
        EspalierError: the columns are not those of such a file.
    """
    rows = list(_rows(path))
    found = ConceptFile()
    for line, row in rows:
        _take_concept(found, line, row)
    for line, row in rows:
        for other in split_names(row.get("prerequisites") or ""):
            _take_edge(found, line, row, other)
    return found


def split_names(text: str) -> list[str]:
    """Split the names of a field; what is empty between two commas is nothing."""
    return [name.strip() for name in text.split(",") if name.strip() not in NOTHING]


def _rows(path: Path) -> Iterator[tuple[int, Row]]:
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        reader = csv.DictReader(file, restkey="?")
        header = [name.strip() for name in reader.fieldnames or ()]
        if not set(NEEDED) <= set(header):
            raise EspalierError(f"{path}: columns {', '.join(NEEDED)} are needed, found {', '.join(header) or 'none'}")
        reader.fieldnames = header
        for row in reader:
            yield reader.line_num, {key: str(value or "") for key, value in row.items()}


def _take_concept(found: ConceptFile, line: int, row: Row) -> None:
    name = row["name"].strip()
    reason = unusable(name, row) or _comes_again(found, name)
    if reason:
        found.left_out.append(_left_out("concepts", line, reason, row))
        return
    created, title = parse_time(row.get("creation_date", "")), row.get("pretty_display_name", "").strip()
    if _MIS_ENCODED.search(title):
        found.left_out.append(_left_out("concepts", line, f"title {title!r} is mis-encoded; loaded without it", row))
        title = ""
    if created is None:
        said = row.get("creation_date", "")
        found.left_out.append(_left_out("concepts", line, f"creation_date {said!r} is no time; loaded without it", row))
    domain = row.get("area", "").strip()
    band = difficulty(row.get("seconds_per_fast_problem", ""))
    found.concepts[name] = Concept(name, title or None, None if domain in NOTHING else domain, band, created, line)


def unusable(name: str, row: Row) -> str | None:
    """Say why a row is no concept, None when it is one."""
    if name in NOTHING:
        return "it has no name"
    if _CONTROL.search(name) or "\ufffd" in name:
        return f"name {name!r} is mis-encoded"
    if "?" in row:
        return "it has more fields than the header"
    return None


def _comes_again(found: ConceptFile, name: str) -> str | None:
    if name in found.concepts:
        return f"name {name} occurs a second time; line {found.concepts[name].line} is kept"
    return None


def _take_edge(found: ConceptFile, line: int, row: Row, other: str) -> None:
    name = row["name"].strip()
    kept = found.concepts.get(name)
    if kept is None or kept.line != line:  # the row itself was left out, and with it what it says
        return
    if other not in found.concepts:
        reason = f"prerequisite {other} is no concept of the file"
    elif (name, other) in found.edges:
        reason = f"prerequisite {other} is listed a second time"
    else:
        found.edges.add((name, other))
        return
    found.left_out.append(_left_out("concept_prerequisites", line, reason, {"name": name, "prerequisite": other}))


def _left_out(table: str, line: int, reason: str, row: Row) -> LeftOut:
    clean = {key: _CONTROL.sub("\ufffd", value) for key, value in row.items()}
    return LeftOut(table, f"line {line}", _CONTROL.sub("\ufffd", reason), {**clean, "line": line})


def parse_time(text: str) -> datetime | None:
    """Read a time such as `2012-10-11 17:55:24.8056 UTC`, to the millisecond, as UTC without zone."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?\s*(?:UTC|Z)?", text.strip())
    if not found:
        return None
    try:
        whole = datetime.fromisoformat(found[1])
    except ValueError:
        return None
    return whole.replace(microsecond=int((found[2] or "0")[:3].ljust(3, "0")) * 1000, tzinfo=UTC).replace(tzinfo=None)


def difficulty(seconds: str) -> int:
    """Put an exercise into one of five bands by the seconds that a fast solver takes; 1 where that is unknown."""
    try:
        return 1 + sum(float(seconds) > band for band in _BANDS)
    except ValueError:
        return 1
