"""What `espalier coexist` prints, tried with the tools themselves: with it they change nothing, without it they drop.

The real tools from npm on real databases whose schema the application has made and our revisions have grown.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from migrations import catalog, runner
from migrations.baseline import baseline
from migrations.catalog import Snapshot
from migrations.connection import connect
from orchestration.settings import Domain, LmsPolicy
from tests import orm
from tests.command_line import done
from tests.conftest import Site
from tests.lineages import behavior, rag
from tests.migrations.adopting import Build, brown_field

# The tools read the catalogs of both in the same way, and starting them is what takes time.
pytestmark = pytest.mark.parametrize("server", [18], ids=["pg18"], indirect=True)


@pytest.fixture(scope="session")
def installed() -> None:
    """The tools, as the lock file has them."""
    orm.install()


ADOPTED: dict[str, tuple[Domain, Build]] = {
    "behavior, adopted": ("behavior", behavior.LINEAGES["prisma_push"]),
    "rag, adopted": ("rag", rag.application_only),
}


@pytest.fixture(params=["community", "lms, isolated", "rag", *ADOPTED])
def grown(request: pytest.FixtureRequest, new_site: Any) -> Site:
    """A site whose application stands in `public`, at its baseline: built by us, or by others and adopted."""
    if request.param in ADOPTED:
        domain, build = ADOPTED[request.param]
        site: Site = brown_field(new_site, domain, "public", build)
        baseline(site.settings, domain)
        return site
    domain, _, isolated = request.param.partition(", ")
    apart = LmsPolicy(tenant_isolation=bool(isolated))
    site = new_site("espalier", domains=(domain,), lms=apart, **{f"{domain}_schema": "public"})
    with site.connect(None, "bootstrap") as connection:  # where an application has pgvector
        connection.execute("ALTER EXTENSION vector SET SCHEMA public")
    runner.migrate(site.settings, domain, f"{domain}_0000")
    return site


def everything(site: Site) -> Snapshot:
    with connect(site.settings.url("migrator")) as database:
        return catalog.snapshot(database.driver, "public")


def advised(site: Site, tool: str) -> dict[str, Any]:
    """Ask the command, for people and for scripts: both are told the same."""
    domain = site.settings.domains[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ESPALIER_HOME", str(site.settings.home))
        patch.setenv("ESPALIER_DOMAINS", domain)
        patch.setenv(f"ESPALIER_{domain.upper()}_SCHEMA", "public")
        patch.setenv("DATABASE_URL", site.server.url("jobs", site.database))
        patch.setenv("DIRECT_DATABASE_URL", site.server.url("migrator", site.database))
        (advice,) = done("coexist", tool, "--json").json
        text = {line.strip() for line in done("coexist", tool, "--domain", domain).out.splitlines()}
    said = [line for addition in advice["additions"].values() for line in (*addition["fields"], *addition["rest"])]
    assert {*advice["config"], *said, *(f"// {note}" for note in advice["notes"])} <= text
    return advice


def tcp(site: Site) -> str:
    return site.server.url("migrator", site.database)


def test_prisma_leaves_what_is_ours_alone(grown: Site, installed: None, tmp_path: Path) -> None:
    prisma = orm.Prisma(tmp_path / "prisma", tcp(grown))
    prisma.pull()
    runner.migrate(grown.settings, grown.settings.domains[0])
    before, untold = everything(grown), (tmp_path / "prisma" / "schema.prisma").read_text()
    prisma.add(advised(grown, "prisma"))
    said = prisma.push()
    assert "already in sync" in said, said
    assert everything(grown) == before
    prisma.configure([])
    (tmp_path / "prisma" / "schema.prisma").write_text(untold)
    prisma.push()
    assert {thing.kind for thing in before.keys() - everything(grown).keys()} >= {"index"}


def test_drizzle_leaves_what_is_ours_alone(grown: Site, installed: None, tmp_path: Path) -> None:
    drizzle = orm.Drizzle(tmp_path / "drizzle", tcp(grown))
    drizzle.pull()
    runner.migrate(grown.settings, grown.settings.domains[0])
    before = everything(grown)
    untold = drizzle.push()
    assert re.search("DROP (INDEX|TABLE)", untold)
    assert ("DROP POLICY" in untold) == any(thing.kind == "policy" for thing in before)
    drizzle.add(advised(grown, "drizzle"))
    said = drizzle.push()
    assert "No changes detected" in said, said
    assert everything(grown) == before
