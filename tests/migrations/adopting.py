"""What the tests of adoption share: a site built by others, its dump, its statistics, a lock in the way."""

import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from difflib import unified_diff
from typing import Any

from migrations import runner, verify
from migrations.baseline import baseline
from migrations.inspection.site import DomainReport, inspect
from migrations.rollback import rollback
from orchestration.servers.binaries import wheel_programs
from orchestration.settings import Domain
from tests.conftest import Connection, Site

Build = Callable[[Connection], None]

# Read after the sessions before have reported their counts.
_WRITTEN = """
    SELECT s.relname || ' ' || (s.n_tup_ins + s.n_tup_upd + s.n_tup_del) || ' ' || c.relfilenode AS line
    FROM pg_stat_user_tables AS s JOIN pg_class AS c ON c.oid = s.relid WHERE s.schemaname = %s
"""


def brown_field(new_site: Any, domain: Domain, schema: str, build: Build) -> Site:
    """Make a site whose domain was built by others, in a schema of any name."""
    site = new_site("espalier", domains=(domain,), **{f"{domain}_schema": schema})
    with site.connect(None, "bootstrap") as connection:
        connection.execute("ALTER EXTENSION vector SET SCHEMA public")  # where applications have it
    build_in(site, domain, schema, build)
    return site


def build_in(site: Site, domain: Domain, schema: str, build: Build) -> None:
    """Build what others have built, in a schema that may be there already."""
    with site.connect(domain) as connection:
        connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'.encode())
        connection.execute("SELECT set_config('search_path', %s, false)", [f'"{schema}", public, extensions'])
        build(connection)


def whole_dump(site: Site, schema: str) -> list[str]:
    """Dump a schema with its rows and rights; only rows are sorted, their order in a heap means nothing."""
    program = wheel_programs(18 if site.server.major == 18 else 16) / "pg_dump"
    url = site.server.url("bootstrap", site.database)
    command = [program, "--restrict-key=x", "--inserts", f'--schema="{schema}"', url]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line and not line.startswith("--")]
    rows = sorted(line for line in lines if line.startswith("INSERT"))
    return [line for line in lines if not line.startswith("INSERT")] + rows


def differences(before: list[str], after: list[str]) -> list[str]:
    """Name the lines that one of two dumps has and the other has not."""
    return [line for line in unified_diff(before, after, lineterm="", n=0) if line[:2] not in ("--", "++", "@@")]


def written(site: Site, schema: str) -> set[str]:
    """Tell how many rows each table was given, changed, robbed of, and in which file it lies."""
    with site.connect(None, "bootstrap") as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        return {row["line"] for row in connection.execute(_WRITTEN, [schema]).fetchall()}


@contextmanager
def nothing_above_access_share(site: Site, schema: str) -> Generator[None]:
    """Hold every table of a schema in a mode that goes together with ACCESS SHARE alone; else the test times out."""
    with site.connect(None, "bootstrap") as connection, connection.transaction():
        tables = connection.execute(
            "SELECT format('%%I.%%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = %s", [schema]
        ).fetchall()
        for table in tables:
            connection.execute(f"LOCK TABLE {table['name']} IN EXCLUSIVE MODE".encode())
        yield


def inspected(site: Site, domain: Domain) -> DomainReport:
    """Look at one domain."""
    return inspect(site.settings, [domain])[1][0]


def adopted_and_taken_back(site: Site, domain: Domain, schema: str, stamped: str) -> None:
    """Inspect, baseline, migrate, verify, roll back, and compare."""
    before, counts = whole_dump(site, schema), written(site, schema)
    with nothing_above_access_share(site, schema):
        assert inspected(site, domain).ok
        assert baseline(site.settings, domain).revision == stamped
        assert baseline(site.settings, domain).already
    assert differences(before, whole_dump(site, schema)) == []
    assert written(site, schema) == counts
    up = runner.migrate(site.settings, domain)
    assert (up.ok, up.to_revision) == (True, runner.head(domain))
    found = verify.verify_domain(site.settings, domain)
    assert {check: found[check] for check in verify.REQUIRED} == {check: [] for check in verify.REQUIRED}
    assert found["no_pending_revisions"] == []
    down = rollback(site.settings, domain, "base", yes_delete_data=True)
    assert (down.ok, down.to_revision) == (True, stamped)
    assert differences(before, whole_dump(site, schema)) == []
