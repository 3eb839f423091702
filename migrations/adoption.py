"""What is special about a site that was there before us: what we found goes on record, and later runs respect it."""

from psycopg.sql import SQL, Identifier

from migrations import records
from migrations.catalog import Snapshot, Thing
from migrations.connection import Driver, Target
from migrations.grants.apply import remember
from migrations.inspection.site import Look, look
from migrations.inspection.takeover import Decision
from migrations.preflight import make_version_table
from migrations.revisions import Plan, history, version_table
from orchestration.errors import EspalierError, some_of


def decided(driver: Driver, target: Target, start: str | None, way: Plan) -> dict[str, Decision]:
    """Tell which revisions of the way are not to run as they are written, because something of them stands already.

    Raises:
        EspalierError: something else stands under their names; both are shown.
    """
    if start is None or not way.revisions:
        return {}
    on_the_way = {revision.id for revision in way.revisions}
    decisions = [d for d in look(driver, target.domain, target.schema).decisions if d.revision.id in on_the_way]
    conflicts = [conflict for decision in decisions for conflict in decision.conflicts]
    if conflicts:
        shown = some_of([f"{conflict.revision}: {conflict}" for conflict in conflicts], 5, separator="; ")
        raise EspalierError(
            f"{target.domain}: schema {target.schema} has something else in the way: {shown}; nothing was "
            f"changed; rename or correct it, `espalier inspect --domain {target.domain}` lists all"
        )
    return {decision.revision.id: decision for decision in decisions if decision.action != "run"}


def stamp(driver: Driver, seen: Look, decisions: list[Decision], role: str) -> str:
    """Put on record what was found, and where the site stands: at the baseline, or as far as it has come by itself."""
    target, first = seen.target, history(seen.target.domain)[0]
    revision = decisions[-1].revision.id if decisions else first.id
    driver.execute(
        "INSERT INTO espalier.domains (domain, schema, adopted_at) VALUES (%s, %s, now())",
        [target.domain, target.schema],
    )
    make_version_table(driver, target.domain)
    table = Identifier(version_table(target.domain))
    driver.execute(SQL("INSERT INTO espalier.{} (version_num) VALUES (%s)").format(table), [revision])
    records.write(driver, target.domain, first.id, records.adoption(_application(seen)))
    for decision in decisions:
        records.write(driver, target.domain, decision.revision.id, records.adoption(decision.adopted))
    held = remember(driver, target, role)
    records.write(driver, target.domain, revision, {Thing("stamped", revision): "", **held})
    return revision


def _application(seen: Look) -> Snapshot:
    """What of the application's own revisions and jobs stand on, as it was found."""
    known = seen.reference
    tables = {Thing("table", name) for name in known.needed_tables}
    columns = {Thing("column", name) for name in known.needed}
    return {thing: text for thing, text in seen.found.items() if thing in tables or thing in columns}
