"""What the migration tools of applications keep about themselves: the tables that Prisma Migrate and Drizzle make."""

from typing import LiteralString

from tests.conftest import Connection

_PRISMA: LiteralString = """
    CREATE TABLE _prisma_migrations (
        id varchar(36) PRIMARY KEY NOT NULL, checksum varchar(64) NOT NULL, finished_at timestamptz,
        migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz,
        started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0
    )
    """
_TRY: LiteralString = """
    INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, rolled_back_at)
    SELECT gen_random_uuid(), md5(%(name)s), %(name)s, at, CASE WHEN %(became)s = 'done' THEN at END,
           CASE WHEN %(became)s = 'rolled back' THEN at END
    FROM (SELECT timestamptz '2026-01-01 00:00+00' + count(*) * interval '1 day' AS at FROM _prisma_migrations) AS now
    """
_DRIZZLE: tuple[LiteralString, ...] = (
    "CREATE SCHEMA drizzle",
    "CREATE TABLE drizzle.__drizzle_migrations (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint)",
    "INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('a', 1767225600000), ('b', 1767312000000)",
)


def prisma_migrate(connection: Connection, *tries: tuple[str, str]) -> None:
    """Make Prisma's table, with a row for each try of a migration: its name, and `done`, `begun` or `rolled back`."""
    connection.execute(_PRISMA)
    for name, became in tries:
        prisma_tries(connection, name, became)


def prisma_tries(connection: Connection, name: str, became: str) -> None:
    """Have Prisma try a migration a day after the last one."""
    connection.execute(_TRY, {"name": name, "became": became})


def drizzle_migrate(connection: Connection) -> None:
    """Make Drizzle's schema with two migrations, of the first two days of 2026."""
    for statement in _DRIZZLE:
        connection.execute(statement)
