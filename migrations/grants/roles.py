"""The roles beside the list: what they are, whose rights they have, with which settings they come.

Nothing here changes a role: that takes a superuser, or whoever made them. What a role can do beyond the list is told
apart from settings, which a managed server may set otherwise.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import LiteralString, NamedTuple

from psycopg.sql import SQL, Composed, Identifier

from migrations.connection import Driver
from orchestration.database_roles import RoleSpec, role_specs

_ROLES: LiteralString = """
    SELECT r.rolname::text, r.rolcanlogin, r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolbypassrls,
           r.rolconnlimit, coalesce(s.setconfig, '{}'),
           ARRAY(SELECT m.roleid::regrole::text || CASE WHEN m.admin_option THEN ' with admin option' ELSE '' END
                 FROM pg_catalog.pg_auth_members AS m WHERE m.member = r.oid),
           ARRAY(SELECT m.member::regrole::text FROM pg_catalog.pg_auth_members AS m
                 WHERE m.roleid = r.oid AND (m.inherit_option OR m.set_option))
    FROM pg_catalog.pg_roles AS r
    LEFT JOIN pg_catalog.pg_db_role_setting AS s ON s.setrole = r.oid AND s.setdatabase = 0
    WHERE r.rolname = ANY (%s)
"""


class Found(NamedTuple):
    """A role as the catalogs have it."""

    name: str
    may_log_in: bool
    superuser: bool
    creates_roles: bool
    creates_databases: bool
    replicates: bool
    bypasses: bool
    limit: int
    config: list[str]
    groups: list[str]
    members: list[str]


@dataclass
class RoleFindings:
    """What roles have too much of; which settings differ; which are not there."""

    powers: list[str] = field(default_factory=list[str])
    settings: list[str] = field(default_factory=list[str])
    absent: list[str] = field(default_factory=list[str])


def creation(names: Mapping[str, str], migrator: str) -> Iterator[Composed]:
    """Write the statements with which a person makes roles that are not there; passwords are theirs to set."""
    known = {**names, "migrator": migrator}
    for short, name in names.items():
        spec, role = role_specs()[short], Identifier(name)
        kind = SQL("LOGIN" if spec.login else "NOLOGIN") + SQL(" BYPASSRLS" if spec.bypass_rls else "")
        limit = SQL(" CONNECTION LIMIT {}").format(spec.connections) if spec.connections >= 0 else SQL("")
        yield SQL("CREATE ROLE {} {}{}").format(role, kind, limit)
        for setting, value in spec.settings.items():
            yield SQL("ALTER ROLE {} SET {} = {}").format(role, Identifier(setting), value)
        for group in spec.member_of:
            yield SQL("GRANT {} TO {}").format(Identifier(known.get(group, group)), role)
        for other, its in role_specs().items():
            if short in its.member_of and other in known:
                yield SQL("GRANT {} TO {}").format(role, Identifier(known[other]))


def look_at_roles(driver: Driver, names: Mapping[str, str], migrator: str) -> RoleFindings:
    """Compare roles, by their short names, with the list; `migrator` may be a member where the list says so."""
    result, known = RoleFindings(), {**names, "migrator": migrator}
    found = {role.name: role for role in map(Found._make, driver.execute(_ROLES, [list(names.values())]).fetchall())}
    for short, name in names.items():
        if name in found:
            spec, role = role_specs()[short], found[name]
            result.powers += (f"{name} {line}" for line in _powers(spec, role, known))
            told = (*_settings(spec, role), *_members(short, role, known))
            result.settings += (f"{name} {line}" for line in told)
        else:
            result.absent.append(f"role {name} is not there")
    return result


def _powers(spec: RoleSpec, role: Found, names: Mapping[str, str]) -> Iterator[str]:
    powers = {
        "is a superuser": role.superuser,
        "may create roles": role.creates_roles,
        "may create databases": role.creates_databases,
        "may replicate": role.replicates,
        "bypasses row security": role.bypasses and not spec.bypass_rls,
        "may log in": role.may_log_in and not spec.login,
    }
    yield from (power for power, has in powers.items() if has)
    wanted = {names.get(group, group) for group in spec.member_of}
    yield from (f"is a member of {group}" for group in sorted(set(role.groups) - wanted))


def _members(short: str, role: Found, names: Mapping[str, str]) -> Iterator[str]:
    """Tell who else has a role's rights."""
    wanted = {names.get(other, other) for other, spec in role_specs().items() if short in spec.member_of}
    yield from (f"has the member {member}" for member in sorted(set(role.members) - wanted))


def _settings(spec: RoleSpec, role: Found) -> Iterator[str]:
    if spec.login and not role.may_log_in:
        yield "may not log in"
    if spec.bypass_rls and not (role.bypasses or role.superuser):
        yield "does not bypass row security: a dump of isolated tables fails"
    if spec.connections != role.limit:
        yield f"has the connection limit {role.limit}, the list says {spec.connections}"
    found = dict(line.split("=", 1) for line in role.config)
    for setting, value in spec.settings.items():
        if found.get(setting) != value:
            yield f"has {setting} {found.get(setting, 'not set')}, the list says {value}"
