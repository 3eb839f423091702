"""Brings a database to the list, in the transaction of the caller: what is missing is given, what is too much taken.

Only rights of our roles are touched and, where we have built the tables, those of PUBLIC.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, field

from psycopg.sql import SQL, Composed, Identifier

from migrations import records
from migrations.catalog import Thing
from migrations.connection import Driver, Target
from migrations.grants import views
from migrations.grants.grant import Grant, given, taken
from migrations.grants.matrix import matrix
from migrations.grants.places import (
    OPTED_IN,
    Differences,
    Place,
    has_opted_in,
    is_adopted,
    our_place,
    place_of,
    place_of_views,
    rights_in,
    roles_in_force,
    wanted_views,
)
from orchestration.settings import Settings

_MAY_ACT_AS = "SELECT pg_catalog.pg_has_role(oid, 'USAGE') FROM pg_catalog.pg_roles WHERE rolname = %s"
_SCHEMA = """
    SELECT o.rolname::text FROM pg_catalog.pg_namespace AS n JOIN pg_catalog.pg_roles AS o ON o.oid = n.nspowner
    WHERE n.nspname = %s
"""
_MAKE_SCHEMA = SQL("CREATE SCHEMA {} AUTHORIZATION {}")
_LEFT = """
    SELECT FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = %s
"""
_FORGET = "DELETE FROM espalier.created_objects WHERE domain = %s AND kind = %s"


@dataclass
class Changes:
    """What is to be done: the statements in their order, and a line for each right or view."""

    statements: list[Composed] = field(default_factory=list[Composed])
    told: list[str] = field(default_factory=list[str])

    def bring(self, wanted: Collection[Grant], found: Differences) -> None:
        """Take what is too much, then give what is missing; a default right is its owner's to take.

        A right that is taken from a table goes from its columns, too, and the option to grant goes with its right: what
        is wanted of them is given again.
        """
        surplus = sorted((g for g in found.surplus if g.kind != "default"), key=_told)
        gone = {(g.role, g.right, g.schema, g.name) for g in surplus}
        again = {g for g in wanted if (g.role, g.right, g.schema, g.name) in gone}
        self.statements += [*taken(surplus), *given(found.missing | again)]
        self.told += [f"granted {grant} to {grant.role}" for grant in sorted(found.missing, key=_told)]
        self.told += [f"revoked {grant} from {grant.role}" for grant in surplus]

    def run(self, driver: Driver) -> list[str]:
        """Do it; gives the lines."""
        for statement in self.statements:
            driver.execute(statement)
        return self.told


def _told(grant: Grant) -> tuple[str, str]:
    return str(grant), grant.role


def apply(driver: Driver, settings: Settings, target: Target) -> list[str]:
    """Bring the rights on a domain, on our own schema and on the domain's views to the list; tells what was changed."""
    return planned(driver, settings, target).run(driver)


def apply_ours(driver: Driver, settings: Settings) -> list[str]:
    """Bring the rights on our own schema to the list."""
    return _bring(driver, our_place(driver, settings)).run(driver)


def planned(driver: Driver, settings: Settings, target: Target, *, asked: bool = False) -> Changes:
    """Tell what `apply` would do; with `asked`, on the domain as if an adopted site had opted in."""
    roles = roles_in_force(driver, settings, target.domain, asked=asked)
    changes = _bring(driver, our_place(driver, settings))
    for part in (
        _bring(driver, place_of(driver, settings, target, roles)),
        _bring_views(driver, settings, target, roles),
    ):
        changes.statements += part.statements
        changes.told += part.told
    return changes


def leave(driver: Driver, settings: Settings, target: Target) -> list[str]:
    """Give an application's schema back: no view of ours, and the rights that our roles had before us."""
    told = opt_out(driver, settings, target) if has_opted_in(driver, target.domain) else []
    return told + apply_ours(driver, settings) + _restored(driver, target, {settings.jobs_role})


def opt_in(driver: Driver, settings: Settings, target: Target) -> None:
    """Put on record that an adopted site asks for the whole list, and what our roles may do until now."""
    if is_adopted(driver, target.domain) and not has_opted_in(driver, target.domain):
        stamped = records.floor(driver, target.domain) or ""
        marks = remember(driver, target, *_all_but_jobs(settings))
        records.write(driver, target.domain, stamped, {Thing(OPTED_IN, "in force"): "", **marks})


def opt_out(driver: Driver, settings: Settings, target: Target) -> list[str]:
    """Take back what opting in has brought; the jobs' role keeps what it works with."""
    told = drop_views(driver, target.domain) + _restored(driver, target, _all_but_jobs(settings))
    driver.execute(_FORGET, [target.domain, OPTED_IN])
    return told + apply_ours(driver, settings)


def remember(driver: Driver, target: Target, *roles: str) -> dict[Thing, str]:
    """Write down, as marks, what roles may do on an application's schema before us."""
    return {Thing("granted", grant.words): json.dumps(grant) for grant in _held_by(driver, target, roles)}


def drop_views(driver: Driver, domain: str) -> list[str]:
    """Drop the views of a domain, and their schema with the last one; the next `apply` makes them again."""
    found = views.found_views(driver, domain)
    for name in found:
        driver.execute(_dropped(name))
    if driver.execute(_SCHEMA, [views.SCHEMA]).rowcount and not driver.execute(_LEFT, [views.SCHEMA]).rowcount:
        driver.execute(SQL("DROP SCHEMA {}").format(Identifier(views.SCHEMA)))
    return [f"dropped view {name}" for name in found]


def _bring(driver: Driver, place: Place) -> Changes:
    changes, found = Changes(), place.differences(rights_in(driver, place.schema, place.elsewhere))
    within_reach = Differences(
        missing={grant for grant in found.missing if grant.name not in place.others},
        surplus={grant for grant in found.surplus if grant.name not in place.others},
    )
    changes.bring(place.wanted, within_reach)
    return changes


def _bring_views(driver: Driver, settings: Settings, target: Target, roles: dict[str, str]) -> Changes:
    """Make views that are missing or different, drop those that are not wanted, put the rights on the others right."""
    owner, changes = roles.get("owner"), Changes()
    there = driver.execute(_SCHEMA, [views.SCHEMA]).fetchone()
    may = driver.execute(_MAY_ACT_AS, [owner]).fetchone()
    if owner is None or may != (True,) or there not in (None, (owner,)):
        return changes  # the comparison says that the views are missing
    wanted = {view.name: view for view in wanted_views(driver, settings, target, roles)}
    found = views.found_views(driver, target.domain)
    kept = {name for name, view in wanted.items() if views.is_as_wanted(view, owner, found)}
    if wanted and not there:
        changes.statements.append(_MAKE_SCHEMA.format(Identifier(views.SCHEMA), Identifier(owner)))
    for name in found.keys() - kept:
        changes.statements.append(_dropped(name))
        changes.told.append(f"dropped view {name}")
    for name in sorted(wanted.keys() - kept):
        changes.statements += wanted[name].made(owner)
        changes.told.append(f"made view {name}")
    if wanted or there:
        place = place_of_views(wanted, roles)
        rights = {g for g in rights_in(driver, views.SCHEMA) if g.kind == "schema" or g.name in kept}
        changes.bring(place.wanted, place.differences(rights))
    return changes


def _dropped(name: str) -> Composed:
    return SQL("DROP VIEW {}").format(Identifier(views.SCHEMA, name))


def _all_but_jobs(settings: Settings) -> set[str]:
    return set(settings.role_names.values()) - {settings.jobs_role}


def _restored(driver: Driver, target: Target, roles: Collection[str]) -> list[str]:
    """Bring the rights of roles on an application's own schema back to what they were before us."""
    marks = records.marked(driver, target.domain, "granted").values()
    before = {grant for text in marks if (grant := Grant(*json.loads(text))).role in roles}
    now = _held_by(driver, target, roles)
    changes = Changes()
    changes.bring(before, Differences(missing=before - now, surplus=now - before))
    return changes.run(driver)


def _held_by(driver: Driver, target: Target, roles: Collection[str]) -> set[Grant]:
    """Read what roles may do on a schema and on those tables of it that the list names; others are their owners'."""
    listed = matrix(target.domain)
    found = {grant for grant in rights_in(driver, target.schema) if grant.role in roles}
    return {grant for grant in found if grant.kind == "schema" or listed.class_of(grant.name)}
