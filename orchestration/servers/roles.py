"""Roles, databases and privileges of the embedded server. Every step may be run again.

PUBLIC gets nothing: no CONNECT on any database, no use of a schema `public`. Which rights a role has on the tables of a
domain is for the migrations to say.
"""

import psycopg
from psycopg import sql

from orchestration.servers.credentials import ROLES, Passwords

Connection = psycopg.Connection[tuple[object, ...]]

# database -> owner
DATABASES = {"espalier": "espalier_migrator", "dagster": "espalier_dagster"}
_TEMPLATES = ("template1", "postgres")

# A session that went to sleep in a transaction holds its locks no longer than this.
_IDLE_IN_TRANSACTION = {"espalier_migrator": "15min", "espalier_jobs": "15min", "espalier_dagster": "5min"}

_APPLICATION = (
    sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE espalier TO espalier_jobs"),
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
        for name in ("migrator", "jobs", "dagster"):
            _make_role(conn, ROLES[name][0], passwords[name])
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


def _make_role(conn: Connection, role: str, password: str) -> None:
    """Make a role without a privilege; the server, and so its log, sees only the hash of the password."""
    name = sql.Identifier(role)
    if not conn.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchall():
        conn.execute(sql.SQL("CREATE ROLE {}").format(name))
    secret = conn.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    conn.execute(
        sql.SQL("ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD {}").format(
            name, secret
        )
    )
    conn.execute(
        sql.SQL("ALTER ROLE {} SET idle_in_transaction_session_timeout = {}").format(name, _IDLE_IN_TRANSACTION[role])
    )


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
