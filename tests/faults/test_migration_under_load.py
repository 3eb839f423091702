"""Four running applications are adopted and migrated while sixteen clients read and write, and one reads for long.

The clients are pgbench's, and so are the times: nobody gets an error, nobody waits longer than two seconds.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, LiteralString, cast

import pytest

from migrations import runner, verify
from migrations.baseline import baseline
from orchestration.settings import Domain
from tests.conftest import Connection, Site
from tests.faults.clients import LOAD, LONGEST_S, working_clients
from tests.lineages import behavior, community, lms, rag
from tests.migrations.adopting import Build, build_in
from tests.migrations.site_state import names

BUILDS: dict[Domain, Build] = {
    "community": community.prisma_push,
    "behavior": behavior.LINEAGES["prisma_push"],
    "lms": lms.LINEAGES["prisma_push"],
    "rag": rag.application_only,
}
CLIENTS = 16
RATE = 200
INVALID = "SELECT i.indexrelid::regclass::text FROM pg_index AS i WHERE NOT i.indisvalid"


@pytest.fixture
def site(new_site: Any) -> Site:
    """Give a database that four applications have filled, and that has been adopted."""
    schemas = {domain: "public" if domain == "community" else f"{domain}_app" for domain in BUILDS}
    site = new_site("espalier", domains=tuple(BUILDS), **{f"{domain}_schema": s for domain, s in schemas.items()})
    for domain, build in BUILDS.items():
        build_in(site, domain, schemas[domain], build)
    with site.connect(None) as connection:
        connection.execute(cast("LiteralString", (LOAD / "rows.sql").read_text()))
    for domain in BUILDS:
        baseline(site.settings, domain)
    return site


@contextmanager
def long_reader(site: Site) -> Generator[None]:
    """Read for twenty seconds, from a snapshot that is older than what follows."""
    with site.connect("community") as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT count(*) FROM users")
        reader = Thread(target=read_on, args=(connection,))
        reader.start()
        yield
        reader.join()


def read_on(connection: Connection) -> None:
    """Read what takes twenty seconds, and end the transaction."""
    connection.execute("SELECT count(*) FROM users, pg_sleep(20)")
    connection.execute("COMMIT")


def test_four_applications_go_on_while_they_are_migrated(site: Site, tmp_path: Path):
    with working_clients(site, tmp_path, BUILDS, count=CLIENTS, rate=RATE) as clients, long_reader(site):
        reports = [runner.migrate(site.settings, domain) for domain in BUILDS]
        clients.stop()
    assert all(report.ok and report.steps for report in reports)
    assert clients.done() > 1000
    assert clients.longest_wait() <= LONGEST_S
    with site.connect(None) as connection:
        assert names(connection, INVALID) == set()
    for domain in BUILDS:
        found = verify.verify_domain(site.settings, domain)
        assert {check: found[check] for check in verify.REQUIRED} == {check: [] for check in verify.REQUIRED}
