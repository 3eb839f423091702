"""Attacks on the tenant isolation of the lms domain, each on any of its tables, and the site that they are tried on.

The attacker works for the organization `north` and can run any SQL as the application's role; an attack gives the
number of rows of `south` that it has reached. What is refused has reached none.
"""

import json
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg.sql import SQL, Identifier

from migrations import runner
from orchestration.settings import LmsPolicy
from tests import lms_rows
from tests.conftest import Connection, Server, Site, site_settings
from tests.lms_rows import TABLES

Rows = Mapping[str, Mapping[str, Any]]

# What the application's role is given where it is told apart from the owner.
GRANTS: tuple[LiteralString, ...] = (
    "GRANT USAGE ON SCHEMA lms, espalier, extensions TO espalier_app",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA lms TO espalier_app",
)
# Every column by which a row says whose it is, or refers to another row, with what is south's.
REFERENCES = {
    **{(table, "organization_id"): "south" for table in lms_rows.OF_ORGANIZATION},
    ("organizations", "id"): "west",
    ("learners", "user_id"): "south-guest",
    ("narrative_nodes", "nugget_id"): "south-nugget",
    ("sessions", "learner_id"): "south-learner",
    ("sessions", "current_node_id"): "south-node",
    ("session_nodes", "session_id"): "south-session",
    ("session_nodes", "node_id"): "south-node",
    ("messages", "session_id"): "south-session",
    ("progress", "learner_id"): "south-learner",
    ("nugget_sources", "nugget_id"): "south-nugget",
    ("nugget_sources", "ingestion_job_id"): "south-job",
    ("analytics", "learner_id"): "south-learner",
    **{(table, "scope_id"): "south-learner" for table in lms_rows.OF_SCOPE},
}


@dataclass(frozen=True)
class World:
    """The site under attack: two organizations, and how the attacker gets in."""

    site: Site
    rows: Rows
    tokens: dict[str, str]


@dataclass(frozen=True)
class Attack:
    """What is tried, as which role, and what takes the protection away that must have stopped it."""

    run: Callable[[Connection, str, Rows], int]
    role: LiteralString = "app"
    enters: bool = True
    control: LiteralString = "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"


def _count(connection: Connection, source: SQL | Any) -> int:
    found = connection.execute(SQL("SELECT count(*) AS n FROM {} AS t WHERE id LIKE '%south%'").format(source))
    return found.fetchall()[0]["n"]


def read(connection: Connection, table: str, _rows: Rows) -> int:
    """Forget the WHERE."""
    return _count(connection, Identifier(table))


def copy_out(connection: Connection, table: str, _rows: Rows) -> int:
    """Read by COPY."""
    with connection.cursor() as cursor, cursor.copy(SQL("COPY {} TO STDOUT").format(Identifier(table))) as lines:
        return b"".join(bytes(line) for line in lines).count(b"south")


def without_row_security(connection: Connection, table: str, _rows: Rows) -> int:
    """Switch row security off for oneself."""
    connection.execute("SET LOCAL row_security = off")
    return _count(connection, Identifier(table))


def forge(connection: Connection, table: str, _rows: Rows) -> int:
    """Write another organization into the setting, with the signature of one's own."""
    connection.execute(
        "SELECT set_config('espalier.organization',"
        " replace(coalesce(current_setting('espalier.organization', true), 'north'), 'north', 'south'), true)"
    )
    return _count(connection, Identifier(table))


def spoof(connection: Connection, table: str, _rows: Rows) -> int:
    """Set whatever a policy might believe."""
    for name in ("app.current_user_id", "app.organization_id", "espalier.organization", "espalier.every_organization"):
        connection.execute("SELECT set_config(%s, 'south', true)", [name])
    return _count(connection, Identifier(table))


def change(connection: Connection, table: str, _rows: Rows) -> int:
    """Update rows by their ids."""
    return connection.execute(SQL("UPDATE {} SET id = id WHERE id LIKE '%south%'").format(Identifier(table))).rowcount


def lock(connection: Connection, table: str, _rows: Rows) -> int:
    """Lock rows, to see that they are there and to hold others up."""
    query = SQL("SELECT id FROM {} WHERE id LIKE '%south%' FOR UPDATE").format(Identifier(table))
    return connection.execute(query).rowcount


def remove(connection: Connection, table: str, _rows: Rows) -> int:
    """Delete rows by their ids."""
    return connection.execute(SQL("DELETE FROM {} WHERE id LIKE '%south%'").format(Identifier(table))).rowcount


def plant(connection: Connection, table: str, rows: Rows) -> int:
    """Insert a row as another organization's."""
    remove(connection, table, rows)
    return _insert(connection, table, rows[f"south {table}"])


def take_over(connection: Connection, table: str, rows: Rows) -> int:
    """Insert a row of one's own that has another organization's key, and let the conflict update that one."""
    own, other = rows[f"north {table}"], rows[f"south {table}"]
    connection.execute(SQL("DELETE FROM {} WHERE id = %s").format(Identifier(table)), [own["id"]])
    return _insert(connection, table, {**own, "id": other["id"]}, "ON CONFLICT (id) DO UPDATE SET id = excluded.id")


def _insert(connection: Connection, table: str, row: Mapping[str, Any], conflict: LiteralString = "") -> int:
    insert = SQL("INSERT INTO {t} SELECT * FROM jsonb_populate_record(NULL::{t}, %s::jsonb)").format(
        t=Identifier(table)
    )
    return connection.execute(insert + SQL(conflict), [json.dumps(row)]).rowcount


def truncate(connection: Connection, table: str, _rows: Rows) -> int:
    """Empty the table, which asks no policy."""
    connection.execute(SQL("TRUNCATE {} CASCADE").format(Identifier(table)))
    return 1


def through(prefix: str) -> Callable[[Connection, str, Rows], int]:
    """Read through something that runs with its owner's rights."""

    def run(connection: Connection, table: str, _rows: Rows) -> int:
        source = Identifier("side", f"{prefix}_{table}")
        return _count(connection, SQL("{}()").format(source) if prefix == "definer" else source)

    return run


ATTACKS: Mapping[str, Attack] = {
    "read without a WHERE": Attack(read),
    "read without an organization": Attack(read, enters=False),
    "copy": Attack(copy_out),
    "row security off": Attack(without_row_security),
    "a forged organization": Attack(forge),
    "a spoofed setting": Attack(spoof, enters=False),
    "update": Attack(change),
    "lock": Attack(lock),
    "delete": Attack(remove),
    "insert": Attack(plant),
    "upsert": Attack(take_over),
    "truncate": Attack(truncate, control="GRANT TRUNCATE ON ALL TABLES IN SCHEMA lms TO espalier_app"),
    "as the owner": Attack(
        read, role="migrator", enters=False, control="ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"
    ),
    "as the owner with an organization": Attack(
        read, role="migrator", control="ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"
    ),
    "a view of the owner": Attack(through("view"), control="ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"),
    "a definer function of the owner": Attack(
        through("definer"), control="ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"
    ),
    "a materialized view of the owner": Attack(
        through("kept"),
        control="ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY; REFRESH MATERIALIZED VIEW side.{kept}",
    ),
}


def reached(world: World, attack: Attack, connection: Connection, table: str, *, control: bool = False) -> int:
    """Try an attack in a transaction that is rolled back; as a control, without the protection that it is to test.

    A control is given a superuser's connection, which takes the protection away and then becomes the attacker.
    """
    try:
        with connection.transaction(force_rollback=True):
            if control:
                names = {"table": Identifier("lms", table), "kept": Identifier(f"kept_{table}")}
                connection.execute(SQL(attack.control).format(**names))
                connection.execute(SQL("SET LOCAL ROLE {}").format(Identifier(f"espalier_{attack.role}")))
            connection.execute("SET LOCAL search_path = lms, extensions")
            if attack.enters:
                connection.execute("SELECT espalier.enter_organization(%s)", [world.tokens["north"]])
            return attack.run(connection, table, world.rows)
    except psycopg.errors.InsufficientPrivilege:
        return 0


def sign(connection: Connection, organization: str, seconds: int = 3600) -> str:
    """Have the authentication sign a token."""
    found = connection.execute("SELECT espalier.sign_organization(%s, %s) AS token", [organization, seconds])
    return found.fetchall()[0]["token"]


@contextmanager
def isolated_world(server: Server, template: str, home: Any, name: str) -> Generator[World]:
    """Make a database with two organizations, isolated, and views and functions of its owner beside the tables."""
    server.create_database(name, template, "espalier_migrator")
    settings = site_settings(server, name, home, lms=LmsPolicy(tenant_isolation=True))
    site = Site(server, name, settings)
    try:
        with site.connect("lms") as connection:
            lms_rows.two_organizations(connection)
            for organization in ("north", "south"):
                lms_rows.guest(connection, organization)
            rows = {f"{o} {t}": _row(connection, o, t) for o in ("north", "south") for t in TABLES}
            runner.migrate(settings, "lms")
            _make_sides(connection)
            tokens = {organization: sign(connection, organization) for organization in ("north", "south")}
        yield World(site, rows, tokens)
    finally:
        server.drop_database(name)


def _row(connection: Connection, organization: str, table: str) -> Mapping[str, Any]:
    query = SQL("SELECT to_jsonb(t) AS row FROM {} AS t WHERE id LIKE %s AND id NOT LIKE '%%guest' ORDER BY id LIMIT 1")
    return connection.execute(query.format(Identifier(table)), [f"%{organization}%"]).fetchall()[0]["row"]


def _make_sides(connection: Connection) -> None:
    connection.execute("CREATE SCHEMA side")
    for statement in (*GRANTS, "GRANT USAGE ON SCHEMA side TO espalier_app"):
        connection.execute(statement)
    for table in TABLES:
        names = {"table": Identifier("lms", table)} | {
            kind: Identifier("side", f"{kind}_{table}") for kind in ("view", "kept", "definer")
        }
        for made in (
            SQL("CREATE VIEW {view} AS SELECT * FROM {table}"),
            SQL("CREATE MATERIALIZED VIEW {kept} AS SELECT * FROM {table}"),
            SQL(
                "CREATE FUNCTION {definer}() RETURNS SETOF {table} LANGUAGE sql SECURITY DEFINER SET search_path = ''"
                " AS $$ SELECT * FROM {table} $$"
            ),
            SQL("GRANT SELECT ON {view}, {kept} TO espalier_app"),
        ):
            connection.execute(made.format(**names))
