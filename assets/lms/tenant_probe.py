"""Attacks on the tenant isolation of a real site, in transactions that are rolled back.

They go over the migrator's connection, as what the policies must hold for is the owner and the application. A few rows
of each table are the victims: found by their keys, so that a large table is not scanned.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import psycopg
from psycopg import IsolationLevel
from psycopg.sql import SQL, Identifier

import sql
from orchestration.resources import Connection, connect
from orchestration.settings import Settings

QUERIES = sql.load("lms", "tenant_isolation")
ATTEMPTS = ("try_reading", "try_changing", "try_deleting", "try_planting")


def probe(settings: Settings, path: str, tables: Collection[str]) -> tuple[str, int, list[str]]:
    """Attack every table, without an organization and in one that is nobody's.

    Returns:
        As which role, how many attempts were made, and which of them reached a row.
    """
    with connect(settings.url("migrator")) as connection:
        role, tried = connection.info.user, 0
        reached = list[str]()
        for table in tables:
            for inside in (False, True):
                role, victims, names = _attack(connection, settings.app_role, path, table, inside=inside)
                tried += len(ATTEMPTS) if victims else 0
                reached += [f"{table}: {name}{' in another organization' if inside else ''}" for name in names]
    return role, tried, reached


def _attack(
    connection: Connection, app: str, path: str, table: str, *, inside: bool
) -> tuple[str, list[Mapping[str, Any]], list[str]]:
    """Attack a table in a transaction of its own, which leaves nothing behind."""
    connection.set_isolation_level(IsolationLevel.READ_COMMITTED)
    with connection.transaction(force_rollback=True):
        connection.execute("SELECT set_config('search_path', %s, true)", [path])
        connection.execute("SET LOCAL statement_timeout = '30s'")
        victims = _sample(connection, table)
        token = _one(connection, "enter_nowhere")["token"] if inside else None
        became = connection.execute(QUERIES["become_attacker"].text, {"app": app}).fetchone()
        if token:
            connection.execute(QUERIES["enter"].text, {"token": token})
        names = [name for name in ATTEMPTS if victims and any(_attempts(connection, name, table, victims))]
    return str((became and became["role"]) or connection.info.user), victims, [n.removeprefix("try_") for n in names]


def _sample(connection: Connection, table: str) -> list[Mapping[str, Any]]:
    connection.execute(QUERIES["see_every_row"].text)
    rows = connection.execute(_on(table, "sample")).fetchall()
    connection.execute(QUERIES["leave_every_row"].text)
    return [row for row in rows if row["row"].get("scope", "organization") != "system"]


def _attempts(connection: Connection, name: str, table: str, victims: list[Mapping[str, Any]]) -> Iterator[bool]:
    """Tell whether an attempt reached a row; one that Postgres refuses for a policy has not."""
    asked = {"ids": [victim["id"] for victim in victims], "row": json.dumps(victims[0]["row"])}
    try:
        with connection.transaction(force_rollback=True):
            found = connection.execute(_on(table, name), asked).fetchone()
            yield bool(found and found["reached"])
    except psycopg.errors.InsufficientPrivilege:
        yield False
    except psycopg.errors.IntegrityError:
        yield True  # no policy has refused it: something else has


def _one(connection: Connection, name: str) -> Mapping[str, Any]:
    row = connection.execute(QUERIES[name].text).fetchone()
    return row or {}


def _on(table: str, name: str) -> Any:
    return SQL(QUERIES[name].literal).format(table=Identifier(table))
