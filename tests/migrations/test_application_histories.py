"""Applications that migrate with Prisma or Drizzle: recognised by their tables, adopted beside them, never touched."""

from typing import Any

import pytest

from migrations.inspection.hazards import Hazard
from migrations.inspection.site import inspect
from orchestration.settings import Domain
from tests.conftest import Connection, Site
from tests.lineages import behavior, community, histories, lms, rag
from tests.migrations.adopting import Build, adopted_and_taken_back, brown_field, inspected, whole_dump

DONE = ("20251001000000_init", "done"), ("20251017120000_epic5_schema_completion", "done")
one_server = pytest.mark.parametrize("server", [18], indirect=True, ids=["pg18"], scope="session")


def with_prisma(build: Build, *tries: tuple[str, str]) -> Build:
    def built(connection: Connection) -> None:
        build(connection)
        histories.prisma_migrate(connection, *tries)

    return built


def with_drizzle(build: Build) -> Build:
    def built(connection: Connection) -> None:
        build(connection)
        histories.drizzle_migrate(connection)

    return built


PUSHED: dict[Domain, Build] = {
    "behavior": behavior.LINEAGES["prisma_push"],
    "community": community.prisma_push,
    "lms": lms.LINEAGES["prisma_push"],
    "rag": rag.application_only,
}


@one_server
@pytest.mark.parametrize("domain", ["behavior", "community"])
def test_an_application_of_prisma_migrate_comes_back_as_it_was(new_site: Any, domain: Domain):
    site = brown_field(new_site, domain, "public", with_prisma(PUSHED[domain], *DONE))
    (line,) = inspected(site, domain).lineage
    last = "the last 20251017120000_epic5_schema_completion"
    assert line == f"Prisma, by migrations (public._prisma_migrations: 2 done, {last})"
    adopted_and_taken_back(site, domain, "public", f"{domain}_0000")


@one_server
@pytest.mark.parametrize("domain", ["lms", "rag"])
def test_an_application_of_drizzle_comes_back_as_it_was_and_so_does_the_schema_of_drizzle(
    new_site: Any, domain: Domain
):
    site = brown_field(new_site, domain, "public", with_drizzle(PUSHED[domain]))
    before = whole_dump(site, "drizzle")
    line, *_ = inspected(site, domain).lineage
    assert line == "Drizzle, by migrations (drizzle.__drizzle_migrations: 2 done, the last 2026-01-02)"
    adopted_and_taken_back(site, domain, "public", f"{domain}_0000")
    assert whole_dump(site, "drizzle") == before


@one_server
def test_a_migration_of_prisma_that_is_half_done_is_a_hazard_until_it_is_done(new_site: Any):
    tries = (*DONE, ("20251101000000_ledger", "begun"), ("20251102000000_labels", "rolled back"))
    site = brown_field(new_site, "community", "public", with_prisma(community.prisma_push, *tries))
    where = "table public._prisma_migrations"
    report = inspected(site, "community")
    assert report.hazards == [
        Hazard("community_0000", where, "migrations begun and not finished: 20251101000000_ledger", 1),
        Hazard("community_0000", where, "migrations rolled back and not run again: 20251102000000_labels", 1),
    ]
    assert (report.ok, report.next) == (False, "put the rows right, then `espalier inspect` again")
    with site.connect("community") as connection:
        histories.prisma_tries(connection, "20251101000000_ledger", "done")
        histories.prisma_tries(connection, "20251102000000_labels", "done")
    done = inspected(site, "community")
    assert (done.ok, done.hazards) == (True, [])
    assert "4 done, the last 20251102000000_labels" in done.lineage[0]


@one_server
def test_a_history_that_our_role_cannot_read_is_named_and_stops_nothing(new_site: Any):
    site = brown_field(new_site, "rag", "public", with_prisma(rag.application_only, *DONE))
    with site.connect(None, "bootstrap") as connection:
        connection.execute("ALTER TABLE public._prisma_migrations OWNER TO postgres")
        connection.execute("REVOKE ALL ON public._prisma_migrations FROM PUBLIC, espalier_migrator")
    report = inspected(site, "rag")
    assert report.lineage[0] == "Prisma, by migrations (public._prisma_migrations, which could not be read)"
    assert report.ok


@one_server
def test_a_history_is_that_of_the_application_beside_whose_tables_it_stands(new_site: Any):
    site = brown_field(new_site, "community", "public", with_prisma(community.prisma_push, *DONE))
    both = Site(site.server, site.database, site.settings.model_copy(update={"domains": ("community", "behavior")}))
    with both.connect("behavior") as connection:
        connection.execute("CREATE SCHEMA behavior")
        with_prisma(PUSHED["behavior"], ("20250101000000_theirs", "begun"))(connection)
    first, second = inspect(both.settings, ["community", "behavior"])[1]
    assert ("public._prisma_migrations" in first.lineage[0], first.hazards) == (True, [])
    assert second.lineage == ["Prisma, by migrations (behavior._prisma_migrations: 0 done)"]
    assert [hazard.where for hazard in second.hazards] == ["table behavior._prisma_migrations"]
