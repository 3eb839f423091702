"""An application's database keeps its own rights: ours come when it is asked for, and go without a trace."""

import json
from typing import Any, LiteralString

import pytest

from migrations import runner
from migrations.baseline import baseline
from migrations.grants.check import check
from migrations.grants.site import bring, script, take_back
from migrations.rollback import rollback
from orchestration.errors import EspalierError
from tests.conftest import Site
from tests.lineages import behavior, community, rag
from tests.migrations.adopting import brown_field, differences, whole_dump

pytestmark = [
    pytest.mark.parametrize("server", [18, 16], indirect=True, ids=["pg18", "pg16"], scope="session"),
    pytest.mark.usefixtures("views_for_analytics"),
]

_RIGHTS = """
    SELECT c.relname || ' ' || coalesce(r.rolname, 'PUBLIC') || ' ' || a.privilege_type AS line
    FROM pg_class AS c, aclexplode(c.relacl) AS a LEFT JOIN pg_roles AS r ON r.oid = a.grantee
    WHERE c.relnamespace = %s::regnamespace
    UNION
    SELECT c.relname || '.' || t.attname || ' ' || coalesce(r.rolname, 'PUBLIC') || ' ' || a.privilege_type
    FROM pg_class AS c JOIN pg_attribute AS t ON t.attrelid = c.oid, aclexplode(t.attacl) AS a
    LEFT JOIN pg_roles AS r ON r.oid = a.grantee
    WHERE c.relnamespace = %s::regnamespace
"""
_APPLICATION: tuple[LiteralString, ...] = (
    "DROP ROLE IF EXISTS application",
    "CREATE ROLE application",
    "GRANT ALL ON ALL TABLES IN SCHEMA public TO application WITH GRANT OPTION",
    "GRANT SELECT ON public.users TO PUBLIC",
    "GRANT SELECT (email) ON public.users TO espalier_analytics",  # whoever gave it had a reason
)


@pytest.fixture
def site(new_site: Any) -> Any:
    """Adopt a community application whose own role may do everything, and be everybody's to read in part."""
    site: Site = brown_field(new_site, "community", "public", community.prisma_push)
    with site.connect(None, "bootstrap") as connection:
        for statement in _APPLICATION:
            connection.execute(statement)
    yield site
    with site.connect(None, "bootstrap") as connection:
        connection.execute("DROP OWNED BY application")
        connection.execute("DROP ROLE application")


def rights(site: Site, *, of: str = "") -> set[str]:
    """Read who may do what in the application's schema."""
    with site.connect(None, "bootstrap") as connection:
        lines = {row["line"] for row in connection.execute(_RIGHTS, ["public", "public"]).fetchall()}
    return {line for line in lines if of in line}


def test_nothing_but_the_jobs_rights_changes_until_it_is_asked_for_and_all_of_it_goes_again(site: Site):
    before, found = whole_dump(site, "public"), rights(site)
    baseline(site.settings, "community")
    assert rights(site) == found
    runner.migrate(site.settings, "community")
    assert {line for line in rights(site) ^ found if "espalier_migrator" not in line} == rights(
        site, of="espalier_jobs"
    )
    assert check(site.settings).ok
    asked = script(site.settings, "community")
    assert any("espalier_app" in line for line in asked)
    assert rights(site, of="espalier_app") == set()
    assert bring(site.settings, "community")
    assert (bring(site.settings, "community"), runner.migrate(site.settings, "community").grants) == ([], [])
    report = check(site.settings)
    assert (report.ok, report.beside) == (True, [])
    assert {line for line in found if "analytics" not in line} <= rights(site)
    assert rights(site, of="espalier_analytics") == set()
    rollback(site.settings, "community", "base", yes_delete_data=True)
    assert differences(before, whole_dump(site, "public")) == []
    with site.connect(None, "bootstrap") as connection:
        assert not connection.execute("SELECT FROM pg_namespace WHERE nspname = 'espalier_analytics'").fetchall()


def test_what_was_asked_for_is_taken_back_and_the_jobs_go_on(site: Site):
    baseline(site.settings, "community")
    runner.migrate(site.settings, "community")
    with_jobs = whole_dump(site, "public")
    bring(site.settings, "community")
    assert take_back(site.settings, "community")
    assert differences(with_jobs, whole_dump(site, "public")) == []
    assert runner.migrate(site.settings, "community").grants == []
    assert check(site.settings).ok


def test_migrating_after_it_was_asked_for_gives_the_new_tables_too(new_site: Any):
    site = brown_field(new_site, "rag", "public", rag.application_only)
    baseline(site.settings, "rag")
    bring(site.settings, "rag")
    runner.migrate(site.settings, "rag", "0001")
    assert {"plugin_registry espalier_app INSERT", "rag_metrics_history espalier_app SELECT"} <= rights(site)
    assert check(site.settings).ok
    with site.connect(None, "analytics") as connection:
        assert connection.execute("SELECT * FROM espalier_analytics.rag_users").rowcount > 0
    runner.migrate(site.settings, "rag", "0000")  # where it was adopted: as if it had not been asked for
    report = check(site.settings)
    assert (report.ok, {line.rpartition(" (")[2] for line in report.beside}) == (True, {"not yet)"})


def test_consent_holds_for_an_adopted_application_and_goes_with_its_flag(new_site: Any):
    site = brown_field(new_site, "behavior", "public", behavior.LINEAGES["prisma_push"])
    baseline(site.settings, "behavior")
    bring(site.settings, "behavior")
    assert check(site.settings).ok
    with site.connect("behavior") as connection:
        connection.execute("DROP SCHEMA espalier_analytics CASCADE")
        connection.execute('ALTER TABLE users RENAME COLUMN "includeInAnalytics" TO other')
    bring(site.settings, "behavior")
    with site.connect(None, "bootstrap") as connection:
        views = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'espalier_analytics'::regnamespace"
        ).fetchall()
    assert "behavior_learning_objectives" in {row["relname"] for row in views}
    assert {"behavior_users", "behavior_missions", "behavior_behavioral_events"}.isdisjoint(r["relname"] for r in views)


def test_a_table_that_is_another_s_is_left_to_them(new_site: Any):
    site = brown_field(new_site, "rag", "public", rag.application_only)
    baseline(site.settings, "rag")
    with site.connect(None, "bootstrap") as connection:
        connection.execute("ALTER TABLE public.materials OWNER TO postgres")
    bring(site.settings, "rag")
    report = check(site.settings)
    assert {line.split(" on ")[1] for line in report.missing} >= {"public.materials"}
    assert {line.split(" on ")[1].split(".")[1] for line in report.missing if "view" not in line} == {"materials"}


def test_what_an_application_gives_to_come_and_a_schema_of_its_own_are_its_business(new_site: Any):
    site = brown_field(new_site, "rag", "public", rag.application_only)
    baseline(site.settings, "rag")
    runner.migrate(site.settings, "rag")
    with site.connect(None, "bootstrap") as connection:
        connection.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO espalier_jobs")
        connection.execute("CREATE SCHEMA espalier_analytics CREATE VIEW mine AS SELECT 1 AS one")
    report = check(site.settings)
    assert (report.ok, report.beside) == (True, ["espalier_jobs: SELECT on public.postgres.r"])
    bring(site.settings, "rag")
    assert "view rag_users" in check(site.settings).missing


def test_one_role_for_everything_is_told(new_site: Any, template: str):
    site = new_site(template, jobs_role="espalier_migrator")
    assert "role espalier_migrator of jobs is the migration's too" in check(site.settings).beside


def test_it_is_refused_where_there_is_nothing_to_ask_for(new_site: Any, template: str):
    own = new_site(template)
    with pytest.raises(EspalierError, match="Espalier built its tables, so the list is in force"):
        take_back(own.settings, "community")
    empty = new_site("espalier")
    for ask in (bring, script):
        with pytest.raises(EspalierError, match=r"community: not set up in .*; run `espalier migrate"):
            ask(empty.settings, "community")
    with pytest.raises(EspalierError, match="no domain is set up here"):
        check(empty.settings)


def test_a_role_that_is_not_there_is_told_with_the_statements_that_make_it(new_site: Any, template: str):
    site = new_site(template, analytics_role="nobody_reads", owner_role="nobody_owns")
    report = check(site.settings)
    assert {"role nobody_reads is not there", "role nobody_owns is not there"} <= set(report.beside)
    making = [line for line in script(site.settings, "community") if line.startswith("-- role to be made: ")]
    assert '-- role to be made: CREATE ROLE "nobody_owns" NOLOGIN;' in making
    assert '-- role to be made: GRANT "nobody_owns" TO "espalier_migrator";' in making


def test_what_was_held_before_is_on_record_by_role(site: Site):
    baseline(site.settings, "community")
    bring(site.settings, "community")
    with site.connect(None, "bootstrap") as connection:
        rows = connection.execute("SELECT definition FROM espalier.created_objects WHERE kind = 'granted'").fetchall()
    assert ["espalier_analytics", "SELECT", "table", "public", "users", "email", False] in [
        json.loads(row["definition"]) for row in rows
    ]


def test_without_views_an_application_may_drop_and_alter_what_is_its_own(new_site: Any):
    site = brown_field(new_site, "rag", "public", rag.application_only)
    baseline(site.settings, "rag")
    without = site.settings.model_copy(update={"analytics_views": False})
    assert any("view" in line for line in bring(site.settings, "rag"))
    assert {line.split()[0] for line in bring(without, "rag")} == {"dropped", "revoked"}
    assert (bring(without, "rag"), check(without).ok) == ([], True)
    with site.connect("rag") as connection:
        connection.execute("ALTER TABLE materials ALTER is_public TYPE text, DROP COLUMN title")
    runner.migrate(without, "rag")
    assert check(without).ok
