"""Roles, databases and privileges of the embedded server. Every step may be run again.

PUBLIC gets nothing: no CONNECT on any database, no use of a schema `public`. Which rights a role has on the tables of a
domain is for the migrations to say.
"""

import psycopg
from psycopg import sql

from orchestration.database_roles import RoleSpec, role_specs
from orchestration.servers.credentials import Passwords

Connection = psycopg.Connection[tuple[object, ...]]

# database -> owner
DATABASES = {"espalier": "espalier_migrator", "dagster": "espalier_dagster"}
_TEMPLATES = ("template1", "postgres")

_APPLICATION = (
    sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE espalier TO espalier_jobs"),
    sql.SQL("GRANT CONNECT ON DATABASE espalier TO espalier_app, espalier_analytics, espalier_backup"),
    sql.SQL("CREATE SCHEMA IF NOT EXISTS extensions"),
    sql.SQL("REVOKE ALL ON SCHEMA extensions FROM PUBLIC"),
    sql.SQL("GRANT USAGE ON SCHEMA extensions TO espalier_migrator WITH GRANT OPTION"),
    sql.SQL("GRANT USAGE ON SCHEMA extensions TO espalier_jobs"),
    sql.SQL("CREATE EXTENSION IF NOT EXISTS vector SCHEMA extensions"),
    sql.SQL("ALTER EXTENSION vector UPDATE"),
)


def set_up(url: str, passwords: Passwords) -> None:
    """As the superuser make the roles, databases and extension; take from PUBLIC what Postgres gives it."""
    with connect(url, "postgres") as conn:
        for name, spec in role_specs().items():
            _make_role(conn, f"espalier_{name}", spec, passwords.get(name))
        for name, spec in role_specs().items():
            for group in spec.member_of:
                _join(conn, f"espalier_{name}", group)
        for database, owner in DATABASES.items():
            _make_database(conn, database, owner)
    for database in (*_TEMPLATES, *DATABASES):
        with connect(url, database) as conn:
            _close_to_public(conn, database)
    with connect(url, "espalier") as conn:
        for statement in _APPLICATION:
            conn.execute(statement)


def connect(url: str, database: str) -> Connection:
    """Connect the superuser to a database."""
    return psycopg.connect(url, dbname=database, autocommit=True, connect_timeout=30)


def _make_role(conn: Connection, role: str, spec: RoleSpec, password: str | None) -> None:
    """Make a role without a privilege; the server, and so its log, sees only the hash of the password."""
    name = sql.Identifier(role)
    if not conn.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchall():
        conn.execute(sql.SQL("CREATE ROLE {}").format(name))
    conn.execute(
        sql.SQL("ALTER ROLE {} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION {} {} CONNECTION LIMIT {}").format(
            name,
            sql.SQL("LOGIN" if spec.login else "NOLOGIN"),
            sql.SQL("BYPASSRLS" if spec.bypass_rls else "NOBYPASSRLS"),
            spec.connections,
        )
    )
    if password:
        secret = conn.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
        conn.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, secret))
    for setting, value in spec.settings.items():
        conn.execute(sql.SQL("ALTER ROLE {} SET {} = {}").format(name, sql.Identifier(setting), value))


def _join(conn: Connection, role: str, group: str) -> None:
    """Make a role a member: of one of ours, or of one that Postgres has."""
    whole = f"espalier_{group}" if group in role_specs() else group
    conn.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(whole), sql.Identifier(role)))


def _make_database(conn: Connection, database: str, owner: str) -> None:
    if not conn.execute("SELECT FROM pg_database WHERE datname = %s", [database]).fetchall():
        conn.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(
                sql.Identifier(database), sql.Identifier(owner)
            )
        )


def _close_to_public(conn: Connection, database: str) -> None:
    conn.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))
    conn.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
