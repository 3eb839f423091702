"""Compares a whole site with the list, in both directions; reads the catalogs with the jobs' rights."""

from dataclasses import asdict, dataclass, field
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from migrations import records
from migrations.connection import Driver, Target, connect, server_name
from migrations.grants import views
from migrations.grants.grant import PUBLIC, Grant
from migrations.grants.matrix import who
from migrations.grants.places import (
    Differences,
    Place,
    has_opted_in,
    our_place,
    place_of,
    place_of_views,
    rights_in,
    roles_in_force,
    wanted_views,
)
from migrations.grants.roles import look_at_roles
from migrations.preflight import find_target, look_at_record
from migrations.state import current
from orchestration.errors import EspalierError
from orchestration.settings import Domain, Settings

_DATABASE = """
    SELECT coalesce(r.rolname::text, 'PUBLIC'), a.privilege_type, 'database', d.datname::text, '', '', a.is_grantable
    FROM pg_catalog.pg_database AS d CROSS JOIN aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a
    LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantee
    WHERE d.datname = current_database() AND a.grantee <> d.datdba
"""
_DATABASE_OWNER = """
    SELECT r.rolname::text FROM pg_catalog.pg_database AS d JOIN pg_catalog.pg_roles AS r ON r.oid = d.datdba
    WHERE d.datname = current_database()
"""


@dataclass
class GrantReport:
    """What was found: `missing`, `surplus` and `powers` are wrong, `beside` is worth knowing."""

    compared: int = 0
    missing: list[str] = field(default_factory=list[str])
    surplus: list[str] = field(default_factory=list[str])
    powers: list[str] = field(default_factory=list[str])
    beside: list[str] = field(default_factory=list[str])

    @property
    def ok(self) -> bool:
        """Whether the database is as the list says."""
        return not (self.missing or self.surplus or self.powers)

    def as_dict(self) -> dict[str, Any]:
        """Give the report as plain values."""
        return {"ok": self.ok, **asdict(self)}

    def add(self, found: Differences, *, told_only: bool = False) -> None:
        """Take in what differs in a schema; `told_only` for what is missing where it is not wrong yet."""
        missing = self.beside if told_only else self.missing
        missing += sorted(f"{grant.words} (not yet)" if told_only else grant.words for grant in found.missing)
        self.surplus += sorted(grant.words for grant in found.surplus)
        self.beside += sorted(grant.words for grant in found.beside)


def check(settings: Settings) -> GrantReport:
    """Compare the site's database with the list.

    Raises:
        EspalierError: no domain of the site is set up in this database.
    """
    with connect(settings.url("jobs")) as database, database.driver.transaction():
        driver = database.driver
        targets = [target for domain in settings.domains if (target := _target(driver, settings, domain))]
        if not targets:
            raise EspalierError(f"{server_name(driver)}: no domain is set up here; run `espalier migrate`")
        report, every = GrantReport(), dict[str, str]()
        for target in targets:
            roles = roles_in_force(driver, settings, target.domain)
            every |= roles
            found = _compared(driver, place_of(driver, settings, target, roles), report)
            report.add(found, told_only=_waits_for_migrate(driver, target.domain))
        report.add(_compared(driver, our_place(driver, settings), report))
        _look_at_views(driver, targets, settings, every, report)
        _look_at_database(driver, every, report)
        _look_at_roles(driver, settings, every, report)
        return report


def _target(driver: Driver, settings: Settings, domain: Domain) -> Target | None:
    schema = settings.schema_of(domain)
    return find_target(driver, domain, schema) if look_at_record(driver, domain, schema) else None


def _waits_for_migrate(driver: Driver, domain: str) -> bool:
    """Whether an adopted domain stands where it was stamped: the jobs get their rights with the first migrate."""
    stamped = records.floor(driver, domain)
    return stamped is not None and current(driver, domain) == stamped and not has_opted_in(driver, domain)


def _compared(driver: Driver, place: Place, report: GrantReport) -> Differences:
    report.compared += len(place.wanted)
    return place.differences(rights_in(driver, place.schema, place.elsewhere))


def _look_at_views(
    driver: Driver, targets: list[Target], settings: Settings, every: dict[str, str], report: GrantReport
) -> None:
    wanted = {
        view.name: view
        for target in targets
        for view in wanted_views(driver, settings, target, roles_in_force(driver, settings, target.domain))
    }
    found = {name: view for target in targets for name, view in views.found_views(driver, target.domain).items()}
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            report.missing.append(f"view {name}")
        elif name not in wanted:
            report.surplus.append(f"view {name}")
        elif not views.is_as_wanted(wanted[name], every["owner"], found):
            report.surplus.append(f"view {name} is not as it was made")
    if wanted:
        place = place_of_views(wanted, every)
        ours = tuple(f"{target.domain}_" for target in targets)
        rights = {g for g in rights_in(driver, views.SCHEMA) if g.kind == "schema" or g.name.startswith(ours)}
        report.compared += len(place.wanted)
        report.add(place.differences(rights))


def _look_at_database(driver: Driver, roles: dict[str, str], report: GrantReport) -> None:
    """Compare what roles may do with the database itself, where PUBLIC may mostly do the same."""
    found = {Grant(*row) for row in driver.execute(_DATABASE).fetchall()}
    (owner,) = driver.execute(_DATABASE_OWNER).fetchone() or ("",)
    wanted = {
        Grant(roles[role], right, "database", driver.info.dbname)
        for right in ("CONNECT", "TEMPORARY")
        for role in who("database", right)
        if role in roles and roles[role] != owner
    }
    public = {grant.right for grant in found if grant.role == PUBLIC}
    report.compared += len(wanted)
    report.missing += sorted(g.words for g in wanted - found if g.right not in public)
    report.surplus += sorted(g.words for g in found - wanted if g.role in roles.values())
    report.beside += sorted(g.words for g in found if g.role == PUBLIC)


def _look_at_roles(driver: Driver, settings: Settings, roles: dict[str, str], report: GrantReport) -> None:
    """Compare the roles that the list is in force for; where it is in force as a whole, all of them are to be there."""
    whole = set(roles) != {"jobs"}
    migrator = str(conninfo_to_dict(settings.url("migrator")).get("user", ""))
    names = settings.role_names if whole else roles
    report.beside += (
        f"role {name} of {short} is the migration's too" for short, name in names.items() if name == migrator
    )
    found = look_at_roles(driver, {short: name for short, name in names.items() if name != migrator}, migrator)
    report.powers += found.powers
    report.beside += [*found.absent, *(found.settings if whole else [])]
