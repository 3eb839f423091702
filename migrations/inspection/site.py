"""Looks at a whole site: its server, and for each domain what is there, what is in the way, and what comes next."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from migrations import catalog, contracts, records, state
from migrations.catalog import Snapshot
from migrations.connection import Database, Driver, Target, connect, server_name
from migrations.inspection.forecast import Step, forecast, sizes
from migrations.inspection.hazards import Hazard, half_applied, hazards, long_transactions
from migrations.inspection.lineage import histories, recognise
from migrations.inspection.rights import unfit_roles
from migrations.inspection.shapes import compare, extra
from migrations.inspection.takeover import Decision, Difference, baseline_differences, decide, matching
from migrations.preflight import find_target, look_at_record, refuse_old_server, written
from migrations.reference import Reference, reference
from migrations.revisions import applied, history
from migrations.tenancy import see_every_organization
from orchestration.settings import Domain, Settings

Standing = Literal["empty", "adoptable", "differs", "set up"]

_SERVER = """
    SELECT current_database()::text, current_user::text, pg_catalog.pg_database_size(current_database()),
           pg_catalog.pg_encoding_to_char(d.encoding)::text, current_setting('TimeZone'),
           (SELECT array_agg(e.extname || ' ' || e.extversion ORDER BY e.extname) FROM pg_catalog.pg_extension AS e)
    FROM pg_catalog.pg_database AS d WHERE d.datname = current_database()
"""


@dataclass(frozen=True)
class ServerReport:
    """What the server says about itself; the zone is that of sessions which set none."""

    server: str
    version: str
    database: str
    role: str
    bytes: int
    encoding: str
    zone: str
    extensions: list[str]
    long_transactions: list[str]


@dataclass
class DomainReport:
    """What a domain's schema holds, and what is to be done."""

    domain: Domain
    schema: str
    standing: Standing
    revision: str | None
    lineage: list[str] = field(default_factory=list[str])
    matching: int = 0
    differences: list[Difference] = field(default_factory=list[Difference])
    extra: list[str] = field(default_factory=list[str])
    unfit_roles: list[str] = field(default_factory=list[str])
    hazards: list[Hazard] = field(default_factory=list[Hazard])
    steps: list[Step] = field(default_factory=list[Step])
    contract: str | None = None

    @property
    def obstacles(self) -> list[Difference]:
        """Name the differences that must be resolved first."""
        return [difference for difference in self.differences if difference.required]

    @property
    def ok(self) -> bool:
        """Whether nothing stands in the way."""
        return self.standing != "differs" and not self.hazards and not self.unfit_roles

    @property
    def next(self) -> str:
        """Name the next command."""
        if self.obstacles:
            return "resolve what differs, then `espalier inspect` again"
        if self.unfit_roles:
            return "put the roles right, then `espalier inspect` again"
        if self.hazards:
            return "put the rows right, then `espalier inspect` again"
        if self.standing == "adoptable":
            return f"espalier baseline --domain {self.domain}"
        to_do = "migrate" if self.steps or self.standing == "empty" else "verify"
        return f"espalier {to_do} --domain {self.domain}"

    def as_dict(self) -> dict[str, Any]:
        """Give the report as plain values."""
        more = {"ok": self.ok, "next": self.next}
        return {**asdict(self), "differences": [_plain(d) for d in self.differences], **more}


@dataclass(frozen=True)
class Look:
    """What was read of a domain, to decide upon."""

    target: Target
    reference: Reference
    found: Snapshot
    current: str | None
    differences: list[Difference]
    decisions: list[Decision]

    @property
    def is_empty(self) -> bool:
        """Whether none of the application's tables is there."""
        first = self.reference.expected([history(self.target.domain)[0].id])
        return {thing for thing in first if thing.kind == "table"}.isdisjoint(self.found)


def inspect(settings: Settings, domains: list[Domain]) -> tuple[ServerReport, list[DomainReport]]:
    """Look at a site in one transaction that cannot write.

    Raises:
        EspalierError: the server cannot be reached, is too old, or does not hold a domain where the settings say.
    """
    with connect(settings.url("migrator")) as database, database.driver.transaction():
        database.driver.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        server = _server(database)
        return server, [_domain(settings, domain, database.driver) for domain in domains]


def look(driver: Driver, domain: str, schema: str) -> Look:
    """Read a domain's schema in the transaction at hand, and decide for each revision to come."""
    target = find_target(driver, domain, schema)
    known = reference(target)
    found = contracts.seen(driver, domain, schema)
    at = state.current(driver, domain)
    first, *later = history(domain)
    before = applied(domain, at) or [first.id]
    differences = list[Difference]()
    if at is None:
        matches = compare(known.expected([first.id]), found)
        differences = baseline_differences(known, first.id, matches)
    to_come = [revision for revision in later if revision.id not in before]
    return Look(target, known, found, at, differences, decide(known, found, to_come, before))


def _server(database: Database) -> ServerReport:
    driver = database.driver
    refuse_old_server(driver.info.server_version, server_name(driver))
    row = driver.execute(_SERVER).fetchone()
    name, role, size, encoding, _zone, extensions = row or ("", "", 0, "", "", [])
    zone = driver.execute("SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'TimeZone'").fetchone()
    version = written(driver.info.server_version)
    long = long_transactions(driver)
    return ServerReport(
        server_name(driver), version, name, role, int(size), encoding, str(zone and zone[0]), extensions, long
    )


def _domain(settings: Settings, domain: Domain, driver: Driver) -> DomainReport:
    schema = settings.schema_of(domain)
    record = look_at_record(driver, domain, schema)
    seen = look(driver, domain, schema)
    if not seen.current and seen.is_empty:
        return DomainReport(domain, schema, "empty", None)
    driver.execute("SELECT set_config('search_path', %s, true)", [seen.target.search_path])
    see_every_organization(driver, domain, schema)
    return _report(settings, domain, driver, seen, adopted=bool(record and record.adopted_at))


def _report(settings: Settings, domain: Domain, driver: Driver, seen: Look, *, adopted: bool) -> DomainReport:
    to_come = seen.decisions if seen.current else seen.decisions[matching(seen.decisions) :]
    there = seen.decisions[: len(seen.decisions) - len(to_come)]
    conflicts = [conflict for decision in to_come for conflict in decision.conflicts]
    stamped = [there[-1].revision.id] if there else [history(domain)[0].id]
    behind = applied(domain, seen.current or stamped[0])
    matches = compare(seen.reference.expected(behind), seen.found)
    known = {*records.of_domain(driver, domain)} if seen.current else set()
    report = DomainReport(domain, seen.target.schema, "set up" if seen.current else "adoptable", behind[-1])
    told = histories(driver, seen.target.schema) if adopted or not seen.current else []
    report.lineage = recognise(domain, seen.found, told) if adopted or not seen.current else ["Espalier"]
    report.matching = sum(hit.state == "equal" for hit in matches.values())
    report.differences = [*seen.differences, *conflicts]
    report.extra = [str(thing) for thing in extra([*known, *_shown(report)], matches.values(), seen.found)]
    report.unfit_roles = unfit_roles(driver, seen.target.schema, seen.reference.needed_tables, settings.jobs_role)
    report.hazards = [*half_applied(driver, told, behind[-1]), *hazards(driver, seen.found, to_come)]
    report.contract = str(waiting) if (waiting := contracts.waiting(driver, seen.target)) else None
    report.steps = forecast(settings, domain, to_come, sizes(driver, seen.target.schema))
    if report.obstacles:
        report.standing = "differs"
    return report


def _shown(report: DomainReport) -> list[catalog.Thing]:
    return [difference.thing for difference in report.differences]


def _plain(difference: Difference) -> dict[str, Any]:
    state = "differing" if difference.wanted and difference.found else "missing" if difference.wanted else "extra"
    return {**asdict(difference), "thing": str(difference.thing), "state": state}
