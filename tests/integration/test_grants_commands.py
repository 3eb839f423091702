"""The commands `espalier grants …` on a site, and the asset that compares it every night."""

from collections.abc import Generator
from typing import Any

import dagster as dg
import pytest

from assets import platform
from assets.platform.grants import BLOCKING, CHECKS
from migrations import runner
from orchestration.cli.runs import QUIET
from tests.command_line import call, done
from tests.conftest import Site
from tests.lineages import rag
from tests.migrations.adopting import brown_field

pytestmark = pytest.mark.parametrize("server", [18], indirect=True, ids=["pg18"], scope="session")


@pytest.fixture
def named(site: Site) -> Generator[Site]:
    """Make the environment name a migrated site."""
    with environment(site, "community,rag"):
        yield site


def environment(site: Site, domains: str) -> Any:
    """Set what a shell would."""
    patch = pytest.MonkeyPatch()
    patch.setenv("ESPALIER_HOME", str(site.settings.home))
    patch.setenv("ESPALIER_DOMAINS", domains)
    patch.setenv("DATABASE_URL", site.server.url("jobs", site.database))
    patch.setenv("DIRECT_DATABASE_URL", site.server.url("migrator", site.database))
    patch.setenv("DAGSTER_DATABASE_URL", site.server.url("dagster", "dagster"))
    return Patched(patch)


class Patched:
    """Takes back what was set."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch

    def __enter__(self) -> pytest.MonkeyPatch:
        return self.patch

    def __exit__(self, *_: object) -> None:
        self.patch.undo()


def test_what_differs_is_listed_printed_as_statements_and_put_right(named: Site):
    assert "0 missing, 0 too many" in done("grants", "check").out
    with named.connect("community") as connection:
        connection.execute("GRANT TRUNCATE ON users TO espalier_app")
        connection.execute("REVOKE SELECT ON answers FROM espalier_jobs")
    found = call("grants", "check")
    assert found.code == 1
    assert "NOT missing: espalier_jobs: SELECT on community.answers" in found.out
    assert "NOT surplus: espalier_app: TRUNCATE on community.users" in found.out
    assert call("grants", "check", "--json").json["surplus"] == ["espalier_app: TRUNCATE on community.users"]
    script = done("grants", "apply", "--dry-run", "--domain", "community").out
    assert 'GRANT SELECT ON TABLE "community"."answers" TO "espalier_jobs";' in script
    assert 'REVOKE TRUNCATE ON TABLE "community"."users" FROM "espalier_app" CASCADE;' in script
    assert call("grants", "check").code == 1
    assert done("grants", "apply", "--json").json == {
        "community": [
            "granted SELECT on community.answers to espalier_jobs",
            "revoked TRUNCATE on community.users from espalier_app",
        ],
        "rag": [],
    }
    assert call("grants", "check").code == 0


def test_what_is_printed_does_the_same_when_a_person_runs_it(named: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ESPALIER_ANALYTICS_VIEWS", "true")
    assert "made view rag_users" in done("grants", "apply").out
    with named.connect("community") as connection:
        connection.execute("DROP VIEW espalier_analytics.community_users")
        connection.execute("GRANT SELECT ON users TO PUBLIC")
        script = done("grants", "apply", "--dry-run").out
        connection.execute(script.encode())
    assert call("grants", "check").code == 0


def test_an_adopted_site_asks_for_it_and_takes_it_back(new_site: Any):
    site = brown_field(new_site, "rag", "public", rag.application_only)
    with environment(site, "rag") as patch:
        patch.setenv("DATABASE_URL", f"{site.server.url('jobs', site.database)}&schema=public")
        patch.setenv("ESPALIER_ANALYTICS_VIEWS", "true")
        assert "run `espalier migrate" in call("grants", "check").refusal
        done("baseline")
        done("migrate")
        assert "made view rag_users" in done("grants", "apply").out
        assert "dropped view rag_users" in done("grants", "revoke").out
        assert "0 changes" in done("grants", "revoke").out
    assert "has no address here: DATABASE_URL names a server that is not ours" in refusal(site)


def refusal(site: Site) -> str:
    with environment(site, "rag"):
        return call("url", "--role", "analytics").refusal


def verdicts(site: Site, instance: dg.DagsterInstance) -> dict[str, tuple[bool, dg.AssetCheckSeverity, str]]:
    result = dg.materialize(
        [platform.grants],
        resources={"postgres": dg.ResourceDefinition.hardcoded_resource(site.postgres)},
        instance=instance,
        run_config=QUIET,
        raise_on_error=False,
    )
    found = result.get_asset_check_evaluations()
    return {c.check_name: (c.passed, c.severity, str(c.metadata["found"].value)) for c in found}


def test_the_asset_fails_its_check_and_says_by_what(site: Site, instance: dg.DagsterInstance):
    found = verdicts(site, instance)
    assert {name: passed for name, (passed, *_) in found.items()} == dict.fromkeys(CHECKS, True)
    with site.connect("community", "bootstrap") as connection:
        connection.execute("GRANT SELECT ON users TO pg_monitor, PUBLIC")
    found = verdicts(site, instance)
    assert {name for name, (passed, *_) in found.items() if not passed} == {
        "no_right_is_surplus",
        "nothing_beside_the_list",
    }
    assert found["no_right_is_surplus"][1:] == (
        dg.AssetCheckSeverity.ERROR,
        "- PUBLIC: SELECT on community.users",
    )
    assert found["nothing_beside_the_list"][1] == dg.AssetCheckSeverity.WARN
    assert "nothing_beside_the_list" not in BLOCKING


def test_a_site_that_isolates_its_tenants_is_as_the_list_says_and_shows_nothing_of_them(new_site: Any, template: str):
    site = new_site(template, domains=("lms",), lms={"tenant_isolation": True}, analytics_views=True)
    assert runner.migrate(site.settings, "lms").ok
    assert runner.migrate(site.settings, "lms").grants == []
    with site.connect(None, "bootstrap") as connection:
        views = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace('espalier_analytics')"
            " AND relname LIKE 'lms%%'",
            {},
        ).fetchall()
    assert views == []
    with environment(site, "lms"):
        assert "0 missing, 0 too many" in done("grants", "check").out
