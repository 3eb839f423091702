"""A running database that is being adopted, and death at every step of it: of the migrator, and of the server.

The application's rows are there before and after; the next migrator goes on where the last one died.
"""

import signal
from collections.abc import Generator
from functools import partial
from typing import Any

import psutil
import psycopg
import pytest
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from migrations import runner, step, verify
from migrations.baseline import baseline
from migrations.revisions import history
from orchestration.errors import EspalierError
from orchestration.servers.postgres import EmbeddedPostgres
from orchestration.settings import DOMAINS, Domain, LmsPolicy, Settings
from tests import lms_rows
from tests.conftest import Server, Site
from tests.faults.run_migration import run_migration
from tests.lineages import behavior, community, lms, rag
from tests.migrations.adopting import Build, brown_field
from tests.migrations.site_state import applied

BUILDS: dict[Domain, Build] = {
    "community": community.prisma_push,
    "behavior": behavior.LINEAGES["prisma_push"],
    "lms": lms.LINEAGES["prisma_push"],
    "rag": rag.application_only,
}
# A server that loses commits or tears pages when it dies would lose steps as well: not what is asked here.
HONEST = {"fsync": "off", "max_connections": "60"}
domains = pytest.mark.parametrize("domain", DOMAINS)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Generator[EmbeddedPostgres]:
    """Run a server that may be killed."""
    embedded = EmbeddedPostgres(tmp_path_factory.mktemp("killed"), options=HONEST)
    embedded.start()
    yield embedded
    embedded.remove()


@pytest.fixture(scope="module")
def server(embedded: EmbeddedPostgres) -> Server:
    """Give sites that server in place of the one that all tests share."""
    settings = Settings(home=embedded.location.home)
    return Server(18, {role: settings.url(role) for role in ("bootstrap", "migrator", "jobs", "dagster")})


def adopted(new_site: Any, domain: Domain, **overrides: Any) -> Site:
    site = brown_field(partial(new_site, **overrides), domain, "public", BUILDS[domain])
    baseline(site.settings, domain)
    return site


def assert_complete(site: Site, domain: Domain) -> None:
    found = verify.verify_domain(site.settings, domain)
    assert {check: found[check] for check in verify.REQUIRED} == {check: [] for check in verify.REQUIRED}
    assert found["no_pending_revisions"] == []


def revisions_above(site: Site, domain: Domain) -> list[str]:
    ids = [revision.id for revision in history(domain)]
    return ids[ids.index(applied(site, domain) or "") + 1 :]


@domains
def test_a_step_whose_migrator_or_server_dies_before_its_commit_is_completed_by_the_next(
    new_site: Any, domain: Domain, monkeypatch: pytest.MonkeyPatch
):
    site = adopted(new_site, domain)
    for revision in revisions_above(site, domain):
        before = applied(site, domain)
        assert run_migration(site, domain, "migrate.step_done") == -signal.SIGKILL
        assert applied(site, domain) == before
        with monkeypatch.context() as armed:
            armed.setattr(step, "failpoint", partial(crash, site))
            with pytest.raises(EspalierError, match="run `espalier migrate` again"):
                runner.migrate(site.settings, domain, revision)
        wait_until_recovered(site)
        assert [taken.revision for taken in runner.migrate(site.settings, domain, revision).steps] == [revision]
    assert_complete(site, domain)


def test_the_isolation_of_tenants_goes_on_with_each_step_at_which_it_was_killed(new_site: Any):
    site = adopted(new_site, "lms", lms={"tenant_isolation": True})
    runner.migrate(site.settings.model_copy(update={"lms": LmsPolicy()}), "lms")
    kills = 0
    while run_migration(site, "lms", "migrate.step_done@2") == -signal.SIGKILL:  # one is done, the next is not
        kills += 1
    assert kills == len(lms_rows.TABLES)  # beside the tables there is a first look
    assert runner.migrate(site.settings, "lms").steps == []
    assert_complete(site, "lms")


def test_a_server_killed_whole_comes_back_to_the_step_before(
    new_site: Any, embedded: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
):
    site = adopted(new_site, "rag")
    with monkeypatch.context() as armed:
        armed.setattr(step, "failpoint", partial(kill, embedded))
        with pytest.raises(EspalierError, match="run `espalier migrate` again"):
            runner.migrate(site.settings, "rag")
    embedded.start()
    assert applied(site, "rag") == "rag_0000"
    assert runner.migrate(site.settings, "rag").ok
    assert_complete(site, "rag")


def crash(site: Site, _place: str) -> None:
    """End the process that works for the migrator: the server then ends all others, and recovers from its log."""
    with site.connect(None) as connection:
        migrators = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'espalier migrate'"
            " AND datname = current_database()"
        ).fetchall()
    for migrator in migrators:
        psutil.Process(migrator["pid"]).kill()


@retry(retry=retry_if_exception_type(psycopg.OperationalError), stop=stop_after_delay(30), wait=wait_fixed(0.02))
def wait_until_recovered(site: Site) -> None:
    """Return once the server takes connections again."""
    with site.connect(None):
        return


def kill(embedded: EmbeddedPostgres, _place: str) -> None:
    """End the server and all its processes at once, as a power cut does."""
    postmaster = psutil.Process(int((embedded.data_folder / "postmaster.pid").read_text().split()[0]))
    family = [postmaster, *postmaster.children()]
    for process in family:
        process.kill()
    psutil.wait_procs(family, timeout=30)
