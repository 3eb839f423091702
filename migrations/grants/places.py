"""The list beside the catalogs, schema by schema: what is missing, what is too much, what is somebody else's."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from migrations import records
from migrations.connection import OURS, Driver, Target
from migrations.grants import views
from migrations.grants.grant import PUBLIC, Grant
from migrations.grants.held import Relations, existing, held, relations
from migrations.grants.matrix import matrix, who
from migrations.state import record_of, relation_exists
from orchestration.settings import Settings

OPTED_IN = "roles"

_ROLES = "SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname = ANY (%s)"
# A table under row security shows its rows to the views' owner only where a policy names it.
_HIDDEN = """
    SELECT c.relname::text FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relrowsecurity AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_policy AS p WHERE p.polrelid = c.oid AND p.polcmd IN ('r', '*')
          AND (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = %s) = ANY (p.polroles)
    )
"""


@dataclass
class Differences:
    """What differs from the list; `beside` are rights that are another's business and only told."""

    missing: set[Grant] = field(default_factory=set[Grant])
    surplus: set[Grant] = field(default_factory=set[Grant])
    beside: set[Grant] = field(default_factory=set[Grant])


@dataclass(frozen=True)
class Place:
    """A schema with the rights that are wanted in it.

    Attributes:
        schema: its name.
        wanted: the rights that the list gives.
        roles: the roles that the list is in force for, by their short names.
        objects: what in it is ours, as (kind, name); None when everything is.
        closed: whether we have built it, so that PUBLIC is to have nothing.
        known: roles of ours that are to have no right here beside what is wanted, also where the list is not in force.
        others: relations and functions of which only somebody else can give or take rights.
        elsewhere: a schema whose USAGE is wanted too, and is not ours.
    """

    schema: str
    wanted: frozenset[Grant]
    roles: Mapping[str, str]
    objects: frozenset[tuple[str, str]] | None
    closed: bool
    materialized: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    elsewhere: str = ""

    def differences(self, found: set[Grant]) -> Differences:
        """Compare with the rights that were found."""
        here = {grant for grant in found if grant.schema == self.schema}
        there = {grant for grant in found if grant.schema == self.elsewhere and grant.kind == "schema"}
        open_to_all = {grant.schema for grant in here | there if grant.role == PUBLIC and grant.right == "USAGE"}
        held = found | {grant._replace(grantable=False) for grant in found}
        result = Differences(missing={g for g in self.wanted - held if not self._is_open(g, open_to_all)})
        for grant in here - self.wanted:
            self._sort(grant, result)
        return result

    def _is_open(self, grant: Grant, open_to_all: set[str]) -> bool:
        """Whether everybody may use a schema anyway that is not for us to close."""
        ours = self.closed and grant.schema == self.schema and self._is_ours(grant)
        return grant.kind == "schema" and grant.schema in open_to_all and not ours

    def _sort(self, grant: Grant, result: Differences) -> None:
        ours = self._is_ours(grant)
        if grant.role in self.known or grant.role in self.roles.values():
            (result.surplus if ours or grant.name in self.materialized else result.beside).add(grant)
        elif self.closed and ours:
            (result.surplus if grant.role == PUBLIC else result.beside).add(grant)

    def _is_ours(self, grant: Grant) -> bool:
        if grant.kind == "default":
            return self.closed
        return self.objects is None or (grant.kind, grant.name) in self.objects


def roles_in_force(driver: Driver, settings: Settings, domain: str, *, asked: bool = False) -> dict[str, str]:
    """Name the roles that exist and that the list holds for.

    On an adopted site these are the jobs alone until it has opted in, which `asked` takes as done.
    """
    names = settings.role_names
    whole = asked or not is_adopted(driver, domain) or has_opted_in(driver, domain)
    listed = names if whole else {"jobs": names["jobs"]}
    there = {name for (name,) in driver.execute(_ROLES, [list(listed.values())]).fetchall()}
    return {short: name for short, name in listed.items() if name in there}


def is_adopted(driver: Driver, domain: str) -> bool:
    """Whether the application's tables were there before us."""
    record = record_of(driver, domain)
    return bool(record and record.adopted_at)


def has_opted_in(driver: Driver, domain: str) -> bool:
    """Whether an adopted site has asked for the whole list."""
    return relation_exists(driver, OURS, "created_objects") and bool(records.marked(driver, domain, OPTED_IN))


def place_of(driver: Driver, settings: Settings, target: Target, roles: Mapping[str, str]) -> Place:
    """Put together what is wanted in the schema of a domain, or in our own."""
    there = relations(driver, target.schema)
    roles = _others(roles, target, there)
    closed = target.domain == OURS or not is_adopted(driver, target.domain)
    return Place(
        target.schema,
        frozenset(_wanted(driver, settings, target, roles, there)),
        roles,
        None if target.domain == OURS else frozenset(_ours(driver, target, there)),
        closed,
        there.materialized,
        there.others,
        elsewhere=target.extensions,
    )


def our_place(driver: Driver, settings: Settings) -> Place:
    """Put together what is wanted in our own schema: what each domain that lives in the database asks for."""
    roles = {"jobs": settings.jobs_role}
    domains = driver.execute("SELECT domain FROM espalier.domains").fetchall()
    for (domain,) in domains:
        roles |= roles_in_force(driver, settings, domain)
    place = place_of(driver, settings, Target(OURS, OURS, ""), roles)
    return replace(place, known=frozenset(settings.role_names.values() if domains else ()))


def place_of_views(names: Collection[str], roles: Mapping[str, str]) -> Place:
    """Put together what is wanted on the schema of the views, and on those of them that are named."""
    reader, wanted = roles.get("analytics"), set[Grant]()
    if reader:
        wanted = {Grant(reader, "SELECT", "table", views.SCHEMA, name) for name in names}
        wanted |= set(_usage("views", views.SCHEMA, roles))
    return Place(views.SCHEMA, frozenset(wanted), roles, None, closed=True)


def wanted_views(driver: Driver, settings: Settings, target: Target, roles: Mapping[str, str]) -> list[views.View]:
    """List the views that a domain is to have: none unasked, as they stop an application from altering its columns."""
    owner = roles.get("owner")
    if owner is None or not settings.analytics_views:
        return []
    present = relations(driver, target.schema).columns
    hidden = {name for (name,) in driver.execute(_HIDDEN, [target.schema, owner]).fetchall()}
    return views.views_of(target.domain, target.schema, {n: c for n, c in present.items() if n not in hidden})


def rights_in(driver: Driver, *schemas: str) -> set[Grant]:
    """Read the rights that are held in schemas."""
    return held(driver, [name for name in dict.fromkeys(schemas) if name])


def _others(roles: Mapping[str, str], target: Target, there: Relations) -> dict[str, str]:
    """Leave out a role that owns the tables: it needs no right and cannot lose one."""
    listed = matrix(target.domain)
    owners = {there.owners[table] for table in there.columns if listed.class_of(table)}
    return {short: name for short, name in roles.items() if name not in owners}


def _wanted(
    driver: Driver, settings: Settings, target: Target, roles: Mapping[str, str], there: Relations
) -> Iterator[Grant]:
    listed = matrix(target.domain)
    own = "espalier" if target.domain == OURS else "domain"
    sections = {target.extensions: "extensions", target.schema: own}
    for schema in existing(driver, sections):
        yield from _usage(sections[schema], schema, roles)
    yield from listed.on_tables(roles, target.schema, there.columns)
    yield from listed.on_sequences(roles, target.schema)
    yield from listed.on_functions(roles, target.schema, there.functions)
    if target.domain != OURS and "owner" in roles:
        yield from views.needed_by(wanted_views(driver, settings, target, roles), roles["owner"])


def _usage(section: str, schema: str, roles: Mapping[str, str]) -> Iterator[Grant]:
    yield from (Grant(roles[role], "USAGE", "schema", schema) for role in who("schemas", section) if role in roles)


def _ours(driver: Driver, target: Target, there: Relations) -> Iterator[tuple[str, str]]:
    """Name what of a domain the list speaks of: its tables, and the functions and sequences that we made."""
    listed = matrix(target.domain)
    yield from (("table", table) for table in there.columns if listed.class_of(table))
    made = records.of_domain(driver, target.domain)
    yield from ((thing.kind, thing.name) for thing in made if thing.kind in ("function", "sequence"))
    if not is_adopted(driver, target.domain) and any(thing.kind == "schema" for thing in made):
        yield ("schema", "")
