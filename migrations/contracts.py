"""The contract line of a domain: revisions that are taken by name only, beside the line that every site follows.

They change what an application still uses, so a deploy or a nightly `migrate` never takes them, and no later revision
waits behind them. A domain's contract line is the folder `versions/<domain>_contract` with a version table of its own.
What it has renamed or changed is told apart here, so that whoever compares a schema sees what the domain's own
revisions have left.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import psycopg

from migrations import catalog, records
from migrations.catalog import Snapshot, Thing
from migrations.connection import Driver, Target
from migrations.report import Finding
from migrations.revisions import Plan, Revision, applied, domains, history
from migrations.state import current

_SUFFIX = "_contract"
_PATIENCE = "60s"


@dataclass(frozen=True)
class Waiting:
    """The next contract revision of a domain, and what stands in its way; None if nothing does."""

    revision: Revision
    reason: str | None

    def __str__(self) -> str:
        name = f"{self.revision.id} ({self.revision.title.rstrip('.')})"
        if self.reason:
            return f"{name} waits: {self.reason}"
        return f"{name} may be taken, by name only: `espalier migrate --to {self.revision.id}` with its --domain"


def line_of(domain: str) -> str | None:
    """Name the contract line of a domain; None if it has none."""
    line = domain + _SUFFIX
    return line if line in domains() else None


def goal_in_line(domain: str, to: str) -> str | None:
    """Read a target such as `community_contract_0001` or `community_contract_base`; None if it is none of the line."""
    line = line_of(domain)
    return to.removeprefix(f"{line}_") if line and to.startswith(f"{line}_") else None


def behind(driver: Driver, domain: str) -> list[str]:
    """List the revisions of the domain's own line that it has behind it."""
    return applied(domain, current(driver, domain))


def taken(driver: Driver, domain: str) -> list[Revision]:
    """List the contract revisions that a domain has behind it, in order."""
    line = line_of(domain)
    at = current(driver, line) if line else None
    return [revision for revision in history(line) if revision.id in applied(line, at)] if line and at else []


def retired(driver: Driver, domain: str) -> dict[str, str]:
    """Name the tables that the contract has renamed, with the names that they have now."""
    return {old: new for revision in taken(driver, domain) for old, new in revision.renamed.items()}


def in_the_way(driver: Driver, domain: str, way: Plan) -> list[Revision]:
    """List, from the last on, the contract revisions that must be taken back before the steps of a way down."""
    if way.direction == "up" or not (done := taken(driver, domain)):
        return []
    needed = {revision.needs for revision in done}
    return done[::-1] if any(revision.id in needed for revision in way.revisions) else []


def waiting(driver: Driver, target: Target) -> Waiting | None:
    """Ask what stands in the way of a domain's next contract revision; None if there is none to come.

    In a transaction of the caller's, whose search path becomes that of the domain.
    """
    driver.execute("SELECT set_config('search_path', %s, true)", [target.search_path])
    line = line_of(target.domain)
    if line is None or history(line)[0].needs not in behind(driver, target.domain):
        return None
    done = applied(line, current(driver, line))
    following = next((revision for revision in history(line) if revision.id not in done), None)
    return Waiting(following, first_reason(driver, following)) if following else None


def first_reason(driver: Driver, revision: Revision) -> str | None:
    """Ask a revision's questions in turn, until one has an answer."""
    try:
        with driver.transaction():
            driver.execute("SELECT set_config('statement_timeout', %s, true)", [_PATIENCE])
            answers = (driver.execute(question).fetchone() for question in revision.waits_for)
            return next((str(row[0]) for row in answers if row and row[0]), None)
    except psycopg.errors.UndefinedTable:
        return "our own schema is not at its head; run `espalier migrate`"
    except psycopg.errors.QueryCanceled:
        return f"whether the ledgers are equal was not to be told within {_PATIENCE}"


def told(driver: Driver, target: Target) -> list[Finding]:
    """Tell what a plain `migrate` has left to be taken by name."""
    found = waiting(driver, target)
    return [Finding("contract", True, str(found))] if found else []


def seen(driver: Driver, domain: str, schema: str) -> Snapshot:
    """Read a schema as the domain's own revisions have left it: what the contract has done to it is undone.

    Only what is as the contract's record has it is taken for its work; anything else shows as it stands.
    """
    found = catalog.snapshot(driver, schema)
    done = taken(driver, domain)
    recorded = _recorded(driver, domain, done)
    for revision in reversed(done):
        names = {new: old for old, new in revision.renamed.items()}
        found, recorded = renamed(found, names), renamed(recorded, names)
    if done:
        own = records.adopted(driver, domain)
        own |= records.expected(driver, domain, behind(driver, domain))
        for thing, text in recorded.items():
            if found.get(thing) == text:
                found |= {thing: own[thing]} if thing in own else {}
                found = found if thing in own else {t: x for t, x in found.items() if t != thing}
    return found


def unlike_record(driver: Driver, domain: str, schema: str) -> Iterator[str]:
    """Name what the contract has made and what is missing, or is not as it was made."""
    done = taken(driver, domain)
    found = catalog.snapshot(driver, schema) if done else {}
    for thing, text in _recorded(driver, domain, done).items():
        if found.get(thing) != text:
            yield f"{thing} {'differs from its record' if thing in found else 'is missing'}"


def _recorded(driver: Driver, domain: str, done: list[Revision]) -> Snapshot:
    ids = [revision.id for revision in done]
    return records.objects(records.expected(driver, str(line_of(domain)), ids)) if done else {}


def renamed(found: Snapshot, names: Mapping[str, str]) -> Snapshot:
    """Give a snapshot in which tables have other names; their parts keep their own."""
    for old, new in names.items():
        found = {_thing(thing, old, new): _text(thing, text, old, new) for thing, text in found.items()}
    return found


def _thing(thing: Thing, old: str, new: str) -> Thing:
    if thing == Thing("table", old):
        return Thing("table", new)
    return Thing(thing.kind, new + thing.name[len(old) :]) if thing.table == old else thing


def _text(thing: Thing, text: str, old: str, new: str) -> str:
    """Parts of tables name their table; a function keeps the name that it was written with."""
    return re.sub(rf"\b{re.escape(old)}\b", new, text) if thing.table else text
