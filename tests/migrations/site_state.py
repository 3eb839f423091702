"""What the tests of the migrations look at: a schema as pg_dump writes it, rows as hashes, what a backend waits for."""

import subprocess
from collections.abc import Callable
from typing import TypeVar

from psycopg.sql import SQL, Identifier
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from orchestration.servers.binaries import wheel_programs
from tests.conftest import Connection, Site

_T = TypeVar("_T")

Columns = dict[str, list[str]]


def schema_dump(site: Site, *arguments: str) -> str:
    """Dump the schema of a site; statements come in a fixed order, comments are left out."""
    program = wheel_programs(18 if site.server.major == 18 else 16) / "pg_dump"
    url = site.server.url("bootstrap", site.database)
    done = subprocess.run(
        [program, "-s", "--restrict-key=x", *arguments, url], check=True, capture_output=True, text=True
    )
    return "\n".join(line for line in done.stdout.splitlines() if not line.startswith("--"))


def run_script(site: Site, script: str) -> None:
    """Apply a script as a person would, with psql as the migrator."""
    url = site.server.url("migrator", site.database)
    command = [wheel_programs(16) / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-", url]
    subprocess.run(command, input=script, check=True, text=True)


def columns(connection: Connection) -> Columns:
    """List the columns of each table in the connection's schema."""
    rows = connection.execute(
        "SELECT c.relname AS name, array_agg(a.attname ORDER BY a.attnum) AS names FROM pg_class AS c"
        " JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') GROUP BY 1"
    ).fetchall()
    return {row["name"]: row["names"] for row in rows}


def hashes(connection: Connection, of: Columns) -> dict[str, str]:
    """Hash the ordered rows of each table, reduced to the given columns."""
    result: dict[str, str] = {}
    for table, names in of.items():
        row = SQL(", ").join(map(Identifier, names))
        query = SQL("SELECT md5(string_agg(r::text, '|' ORDER BY r::text)) AS hash FROM (SELECT {} FROM {}) AS r")
        found = connection.execute(query.format(row, Identifier(table))).fetchone()
        result[table] = str(found and found["hash"])
    return result


def eventually(look: Callable[[], _T]) -> _T:
    """Look again and again until there is something to see, for ten seconds at most."""
    return Retrying(
        retry=retry_if_result(lambda seen: not seen), stop=stop_after_delay(10), wait=wait_fixed(0.05), reraise=True
    )(look)


def waiting_build(site: Site) -> int:
    """Give the process id of the concurrent index build that waits for another transaction, 0 if there is none."""
    with site.connect(None) as connection:
        row = connection.execute(
            "SELECT pid FROM pg_stat_progress_create_index WHERE datname = current_database()"
            " AND phase LIKE 'waiting for %%'",
            {},
        ).fetchone()
    return int(row["pid"]) if row else 0


def names(connection: Connection, query: str) -> set[str]:
    """Give the first column of a query as a set."""
    return {str(next(iter(row.values()))) for row in connection.execute(query.encode()).fetchall()}


def applied(site: Site, domain: str) -> str | None:
    """Give the revision that a domain, or its contract, is at."""
    with site.connect(None) as connection:
        table = SQL("espalier.{}").format(Identifier(f"alembic_version_{domain}"))
        row = connection.execute(SQL("SELECT version_num FROM {}").format(table)).fetchone()
    return str(row["version_num"]) if row else None
