"""What each revision created, on record in `espalier.created_objects`: nothing else is ever dropped.

A record holds the definition that an object had when its revision was done. A later revision that changes an object
writes a record of its own; the newest one is what must be found.
"""

from collections.abc import Collection, Mapping

from migrations.catalog import Snapshot, Thing
from migrations.connection import Driver
from migrations.revisions import tenants_of
from orchestration.errors import EspalierError

# Noted before a concurrent build or a proof, which stand although their step dies: the next try knows they are ours.
BEING_BUILT = "being built"

# What is on record without being an object of ours: that a revision was applied by us, that we made the schema; what
# was there before us (`adopted`), the revision that the site was stamped at, one that was taken over in part or whole,
# a right that one of our roles had, and that an adopted site asked for the rights of all roles.
MARKS = ("revision", "schema", "adopted", "stamped", "taken over", "granted", "roles")

_RECORD = """
    INSERT INTO espalier.created_objects (domain, revision, kind, name, definition) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (domain, revision, kind, name) DO UPDATE SET definition = excluded.definition
"""
_OF_REVISION = """
    SELECT kind, name, definition FROM espalier.created_objects WHERE domain = %s AND revision = %s
"""
_EXPECTED = """
    SELECT DISTINCT ON (kind, name) kind, name, definition FROM espalier.created_objects
    WHERE domain = %s AND revision = ANY (%s) ORDER BY kind, name, revision DESC
"""
_MARKED = """
    SELECT name, definition FROM espalier.created_objects WHERE domain = %s AND kind = %s ORDER BY revision, name
"""
_FORGET = "DELETE FROM espalier.created_objects WHERE domain = %s AND revision = %s"


def write(driver: Driver, domain: str, revision: str, things: Mapping[Thing, str]) -> None:
    """Put objects on record as made by a revision."""
    with driver.cursor() as cursor:
        cursor.executemany(
            _RECORD, [(domain, revision, thing.kind, thing.name, text) for thing, text in things.items()]
        )


def made_by(driver: Driver, domain: str, revision: str) -> Snapshot:
    """Read what a revision has on record."""
    rows = driver.execute(_OF_REVISION, [domain, revision]).fetchall()
    return {Thing(kind, name): definition for kind, name, definition in rows}


def of_domain(driver: Driver, domain: str) -> set[Thing]:
    """Name whatever is on record for a domain, its tenant isolation included."""
    names = [domain, tenants_of(domain)]
    rows = driver.execute("SELECT kind, name FROM espalier.created_objects WHERE domain = ANY (%s)", [names]).fetchall()
    return {Thing(kind, name) for kind, name in rows}


def expected(driver: Driver, domain: str, applied: Collection[str]) -> Snapshot:
    """Read what must be found when the given revisions are applied."""
    rows = driver.execute(_EXPECTED, [domain, list(applied)]).fetchall()
    return {Thing(kind, name): definition for kind, name, definition in rows}


def marked(driver: Driver, domain: str, kind: str) -> dict[str, str]:
    """Read the marks of a kind, by name."""
    return dict(driver.execute(_MARKED, [domain, kind]).fetchall())


def adopted(driver: Driver, domain: str) -> Snapshot:
    """Read what was there before us and was taken over: it is never dropped."""
    marks = marked(driver, domain, "adopted").items()
    return {Thing(*name.split(" ", 1)): text for name, text in marks}


def adoption(things: Snapshot) -> Snapshot:
    """Write objects as the marks that say so."""
    return {Thing("adopted", str(thing)): text for thing, text in things.items()}


def floor(driver: Driver, domain: str) -> str | None:
    """Name the revision that an adopted site was stamped at; None for a site that was not stamped."""
    return next(iter(marked(driver, domain, "stamped")), None)


def forget(driver: Driver, domain: str, revision: str) -> None:
    """Take a revision's objects off the record, after they were dropped."""
    driver.execute(_FORGET, [domain, revision])


def changes(before: Snapshot, after: Snapshot, ours: Collection[Thing], intended: Collection[Thing]) -> Snapshot:
    """Tell what a step made.

    Args:
        before: the schema before the step.
        after: the schema after it.
        ours: what the step's transaction made, and what is on record; else it is a neighbour's, made meanwhile.
        intended: what was noted before it was built, perhaps by an earlier, interrupted try.
    """
    return {
        thing: definition
        for thing, definition in after.items()
        if thing in intended or (before.get(thing) != definition and thing in ours)
    }


def objects(recorded: Snapshot) -> Snapshot:
    """Leave the marks out of a record."""
    return {thing: definition for thing, definition in recorded.items() if thing.kind not in MARKS}


def refuse_unlike_record(revision: str, recorded: Snapshot, found: Snapshot) -> None:
    """Refuse to drop what is not, or no longer, what the revision made.

    A missing index is no obstacle: a concurrent drop that was interrupted has done its work.

    Raises:
        EspalierError: an object differs from its record, or the revision has none.
    """
    if not recorded:
        raise EspalierError(
            f"{revision}: nothing is on record as created by it (it was applied by hand or restored), so nothing is "
            "dropped; drop its objects yourself"
        )
    for thing, definition in objects(recorded).items():
        if thing in found and found[thing] != definition:
            raise EspalierError(
                f"{revision}: {thing} is no longer as it was created and is not dropped; "
                f"recorded: {_line(definition)}; found: {_line(found[thing])}; restore it, or drop it yourself"
            )
        if thing not in found and thing.kind != "index":
            raise EspalierError(
                f"{revision}: {thing} is missing, recorded: {_line(definition)}; restore it before going down"
            )


def refuse_collateral(revision: str, recorded: Snapshot, before: Snapshot, after: Snapshot) -> None:
    """Refuse a downgrade that would take objects with it that it did not create.

    Postgres drops a table's or column's indexes, triggers and constraints without being asked.

    Raises:
        EspalierError: such an object would vanish.
    """
    lost = sorted(str(thing) for thing in before if thing not in after and thing not in recorded)
    if lost:
        raise EspalierError(
            f"{revision}: going down would also have to drop {', '.join(lost[:5])}, which Espalier did not create; "
            "drop it yourself if it may go"
        )


def _line(definition: str) -> str:
    return " ".join(definition.split())[:300]
