"""What a revision means for a schema in which some of its objects stand already.

Nothing of it is there: it runs. All of it is there, equal: it is taken over without a statement. Some: the rest is
made. Something else under its names: nothing at all is done until a person has decided.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from migrations.catalog import Snapshot, Thing
from migrations.inspection.shapes import Match, Shape, match, shapes_of, type_of
from migrations.reference import Reference
from migrations.revisions import Revision

Action = Literal["run", "take over", "complete", "conflict"]


@dataclass(frozen=True)
class Difference:
    """An object that is not as it is wanted: what was wanted, what was found; either is empty when it is not there."""

    thing: Thing
    wanted: str
    found: str
    revision: str
    required: bool = True

    def __str__(self) -> str:
        return f"{self.thing}: wanted {_line(self.wanted) or 'nothing'}; found {_line(self.found) or 'nothing'}"


@dataclass
class Decision:
    """What is to be done for a revision."""

    revision: Revision
    adopted: Snapshot = field(default_factory=dict[Thing, str])
    missing: Snapshot = field(default_factory=dict[Thing, str])
    behind: list[Thing] = field(default_factory=list[Thing])
    conflicts: list[Difference] = field(default_factory=list[Difference])
    rows: list[str] = field(default_factory=list[str])

    @property
    def action(self) -> Action:
        """Say what is to be done."""
        if self.conflicts:
            return "conflict"
        if not self.adopted:
            return "run"
        return "complete" if self.missing else "take over"


def decide(reference: Reference, found: Snapshot, revisions: Sequence[Revision], before: list[str]) -> list[Decision]:
    """Decide for each revision to come; `before` names those that are applied."""
    shapes = shapes_of(found)
    decisions = list[Decision]()
    for number, revision in enumerate(revisions):
        earlier = reference.expected([*before, *(r.id for r in revisions[:number])])
        later = reference.expected([r.id for r in revisions[number:]])
        decision = Decision(revision)
        for thing, text in reference.made_by(revision.id).items():
            hit = _ahead(thing, (text, later[thing]), found, shapes)
            _sort(decision, thing, text, hit, earlier.get(thing))
        _refuse_other_tables(decision, found, reference)
        new = (thing.name for thing in decision.missing if thing.kind == "table")
        decision.rows = [row for name in new for row in reference.rows.get(name, ())]
        decisions.append(decision)
    return decisions


def matching(decisions: Iterable[Decision]) -> int:
    """Count the leading revisions that are there already, whole."""
    count = 0
    for decision in decisions:
        if decision.action != "take over":
            break
        count += 1
    return count


def _ahead(thing: Thing, texts: Iterable[str], found: Snapshot, shapes: dict[Shape, Thing]) -> Match:
    """Find an object as this revision makes it, or as a later one changes it."""
    hits = [match(thing, text, found, shapes) for text in texts]
    return next((hit for hit in hits if hit.state == "equal"), hits[0])


def _sort(decision: Decision, thing: Thing, text: str, hit: Match, earlier: str | None) -> None:
    if hit.state == "equal" and hit.found:
        decision.adopted[hit.found] = hit.text
    elif hit.state == "missing":
        decision.missing[thing] = text
    elif hit.text == earlier:
        decision.behind.append(thing)
    else:
        decision.conflicts.append(Difference(thing, text, hit.text, decision.revision.id))


def _refuse_other_tables(decision: Decision, found: Snapshot, reference: Reference) -> None:
    """Refuse to complete a table that has other columns: what is written into it would fail, or be lost."""
    revision = decision.revision.id
    tables = {t.name for t in reference.made_by(revision) if t.kind == "table" and t in decision.adopted}
    for thing in [t for t in decision.missing if t.kind == "column" and t.table in tables]:
        decision.conflicts.append(Difference(thing, decision.missing.pop(thing), "", revision))
    for thing, text in found.items():
        unknown = thing.kind == "column" and thing.table in tables and thing not in decision.adopted
        if unknown and text.endswith("not null default null") and thing not in _wanted(decision):
            decision.conflicts.append(Difference(thing, "", text, revision))
    if decision.adopted and decision.behind:
        wanted = reference.revisions[revision]
        decision.conflicts += [Difference(t, wanted[t], found[t], revision) for t in decision.behind]


def _wanted(decision: Decision) -> set[Thing]:
    return {conflict.thing for conflict in decision.conflicts}


def baseline_differences(reference: Reference, revision: str, matches: dict[Thing, Match]) -> list[Difference]:
    """List how the application differs from its baseline, and whether revisions or jobs stand on that object."""
    wanted = reference.revisions[revision]
    return [
        Difference(thing, wanted[thing], hit.text, revision, required=_is_needed(reference, thing, wanted, hit))
        for thing, hit in matches.items()
        if hit.state != "equal"
    ]


def _is_needed(reference: Reference, thing: Thing, wanted: Snapshot, hit: Match) -> bool:
    """Whether something of ours stands on an object; the default of a column is the application's own affair."""
    text = wanted[thing]
    if thing.kind == "table":
        return thing.name in reference.needed_tables
    if thing.kind == "column":
        return thing.name in reference.needed and not _serves_as(hit, text, wanted)
    if thing.kind == "enum":
        used = any(_type_name(wanted[t]) == thing.name for t in wanted if t.name in reference.needed)
        return used and hit.state == "differing" and not set(text.split(", ")) <= set(hit.text.split(", "))
    names = text[text.find("(") + 1 : text.find(")")].replace('"', "").split(", ")
    is_key = text.startswith(("PRIMARY KEY", "UNIQUE", "CREATE UNIQUE"))
    return is_key and all(f"{thing.table}.{name}" in reference.needed for name in names)


def _serves_as(hit: Match, text: str, wanted: Snapshot) -> bool:
    """Whether a column can be used as the wanted one: only its default differs, or it holds labels as text."""
    found, asked = type_of(hit.text), type_of(text)
    is_enum = Thing("enum", _type_name(text)) in wanted
    as_text = "text" + (" not null" if asked.endswith(" not null") else "")
    return hit.state == "differing" and (found == asked or (is_enum and found == as_text))


def _type_name(column: str) -> str:
    return type_of(column).removesuffix(" not null").removesuffix("[]").split(".")[-1].replace('"', "")


def _line(text: str) -> str:
    return " ".join(text.split())[:200]
