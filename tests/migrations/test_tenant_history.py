"""The tenant isolation of lms as a history of its own: who gets it, how it comes and goes, what stands in its way."""

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from migrations import revisions, runner, verify
from migrations.baseline import baseline
from migrations.coexistence import drizzle
from migrations.coexistence.ours import ours
from migrations.metadata import METADATA
from migrations.offline import offline_sql
from migrations.rollback import rollback
from orchestration.errors import EspalierError
from orchestration.settings import LmsPolicy, Settings
from tests import lms_rows
from tests.conftest import Connection, Site
from tests.lineages import lms as lineages
from tests.migrations.adopting import brown_field, differences, inspected, whole_dump
from tests.migrations.site_state import columns, hashes, schema_dump
from tests.tenant_attacks import sign

ISOLATED = [f"lms_tenants_{number:04d}" for number in range(18)]


def asking(site: Site, isolation: bool | None) -> Settings:
    return site.settings.model_copy(update={"lms": LmsPolicy(tenant_isolation=isolation)})


def steps(report: runner.MigrationReport) -> list[str]:
    return [step.revision for step in report.steps if step.domain == "lms_tenants"]


def seen(connection: Connection, table: str = "messages") -> int:
    return connection.execute(f"SELECT FROM {table}".encode()).rowcount


@pytest.fixture
def adopted(new_site: Any) -> Site:
    """A running application's database that was adopted and migrated: it connects as the owner of its tables."""
    site = brown_field(new_site, "lms", "lms", lambda connection: lineages.build(connection, "prisma_push"))
    baseline(asking(site, None), "lms")
    assert steps(runner.migrate(asking(site, None), "lms")) == []
    return site


def test_every_table_has_a_revision_that_isolates_it() -> None:
    """A table that comes without one fails here, before any database is asked."""
    folder = Path(str(revisions.configuration("lms_tenants").get_main_option("version_locations")))
    isolating = re.compile(r'isolate(?:_settings)?\(\s*"(\w+)"')
    found = [name for path in folder.glob("*.py") for name in isolating.findall(path.read_text())]
    assert sorted(found) == sorted(METADATA["lms"].tables)


def test_a_site_that_we_built_is_isolated_unless_it_says_otherwise(site: Site) -> None:
    assert steps(runner.migrate(asking(site, False), "lms")) == []
    way, _losses = runner.preview(asking(site, None), "lms")
    assert [revision.id for revision in way.revisions] == ISOLATED
    report = runner.migrate(asking(site, None), "lms")
    assert steps(report) == ISOLATED
    assert report.ok
    assert "enters its organization in each transaction" in report.preflight[-1].detail
    assert not runner.migrate(asking(site, None), "lms").changed


def test_an_adopted_site_is_left_alone_until_it_asks(adopted: Site) -> None:
    with adopted.connect("lms") as application:
        assert seen(application) == 2
        report = runner.migrate(asking(adopted, True), "lms")
        assert steps(report) == ISOLATED
        assert seen(application) == 0
        with application.transaction():
            application.execute("SELECT espalier.enter_organization(%s)", [sign(application, "north")])
            assert seen(application) == 1
    assert steps(runner.migrate(asking(adopted, None), "lms")) == []
    assert verify.inspect_domain(adopted.settings, "lms")["no_pending_revisions"] == []


def test_an_application_may_enter_organizations_before_it_is_isolated(adopted: Site) -> None:
    """So that it is ready when the policies come, and misses no row on the day."""
    with adopted.connect("lms") as application, application.transaction():
        application.execute("SELECT espalier.enter_organization(%s)", [sign(application, "north")])
        assert seen(application) == 2


def test_isolating_and_going_back_leaves_no_trace(adopted: Site) -> None:
    before = whole_dump(adopted, "lms")
    runner.migrate(asking(adopted, True), "lms")
    assert differences(before, whole_dump(adopted, "lms")) != []
    assert steps(rollback(asking(adopted, True), "lms")) == ISOLATED[::-1]
    assert differences(before, whole_dump(adopted, "lms")) == []
    assert rollback(asking(adopted, None), "lms").to_revision == "lms_0000"


def test_down_to_base_and_up_again_with_rows_gives_an_equal_schema(site: Site) -> None:
    runner.migrate(asking(site, True), "lms")
    before = schema_dump(site)
    with site.connect("lms") as connection:
        connection.execute("SET row_security = on")
        with connection.transaction():
            connection.execute("SELECT espalier.enter_every_organization()")
            lms_rows.two_organizations(connection)
            everything = hashes(connection, columns(connection))
        with pytest.raises(EspalierError, match=r"would delete \d+ rows that cannot be derived again .*messages 2"):
            runner.migrate(asking(site, None), "lms", "base")
        assert seen(connection) == 0
        assert steps(runner.migrate(asking(site, False), "lms")) == ISOLATED[::-1]
        assert hashes(connection, columns(connection)) == everything
        assert steps(runner.migrate(asking(site, True), "lms")) == ISOLATED
        assert schema_dump(site) == before
        down = runner.migrate(asking(site, None), "lms", "base", yes_delete_data=True)
    assert steps(down) == ISOLATED[::-1]
    assert steps(runner.migrate(asking(site, None), "lms")) == ISOLATED
    assert schema_dump(site) == before


def test_a_run_that_was_held_up_goes_on_where_it_stopped(site: Site) -> None:
    with site.connect("lms") as reader:
        with reader.transaction():
            seen(reader)
            with pytest.raises(EspalierError, match="lms_tenants_0008: no lock within"):
                runner.migrate(asking(site, True), "lms", patience=0.5)
            pending = verify.inspect_domain(site.settings, "lms")["no_pending_revisions"]
        assert pending == ISOLATED[8:]
    assert steps(runner.migrate(asking(site, None), "lms")) == ISOLATED[8:]


def test_what_somebody_changes_is_found_and_not_taken_back(site: Site) -> None:
    runner.migrate(asking(site, True), "lms")
    assert verify.inspect_domain(site.settings, "lms")["required_objects_present_and_equal"] == []
    assert verify.inspect_domain(site.settings, "lms")["no_extra_objects"] == []
    with site.connect("lms") as connection:
        connection.execute("ALTER POLICY espalier_jobs ON users TO PUBLIC")
        connection.execute("ALTER TABLE nuggets NO FORCE ROW LEVEL SECURITY")
    found = verify.inspect_domain(site.settings, "lms")["required_objects_present_and_equal"]
    assert found == [
        "policy users.espalier_jobs differs from its record",
        "security nuggets.rows differs from its record",
    ]
    with pytest.raises(EspalierError, match="is no longer as it was created and is not dropped"):
        runner.migrate(asking(site, False), "lms")


def test_an_isolated_site_is_inspected_with_all_its_rows(adopted: Site) -> None:
    before = inspected(adopted, "lms")
    runner.migrate(asking(adopted, True), "lms")
    after = inspected(adopted, "lms")
    assert (after.standing, after.ok, after.hazards) == ("set up", True, [])
    assert after.extra == before.extra


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        ("CREATE POLICY nugget_access ON nuggets FOR SELECT USING (true)", "nugget_access on nuggets"),
        (
            "UPDATE learners SET organization_id = 'north' WHERE id = 'south-learner'",
            r"learners.user_id of 1 rows, such as south-learner; sessions.learner_id of 1 rows",
        ),
        (
            "UPDATE nugget_sources SET ingestion_job_id = 'south-job' WHERE id = 'north-source'",
            r"nugget_sources.ingestion_job_id of 1 rows, such as north-source",
        ),
    ],
)
def test_what_would_make_it_untrue_stops_it_before_anything_is_changed(site: Site, statement: str, line: str) -> None:
    with site.connect("lms") as connection:
        lms_rows.two_organizations(connection)
        connection.execute(statement.encode())
    before = schema_dump(site, "--schema=lms")
    with pytest.raises(EspalierError, match=line):
        runner.migrate(asking(site, True), "lms")
    assert schema_dump(site, "--schema=lms") == before


def test_drizzle_is_given_the_policies_that_it_would_drop(site: Site) -> None:
    for isolation, isolated in ((False, set[str]()), (True, set(METADATA["lms"].tables))):
        runner.migrate(asking(site, isolation), "lms")
        with verify.opened(site.settings, "lms") as (database, target):
            advice = drizzle.advise(ours(database, target))
        given = {(table, line) for table, of in advice.additions.items() for line in of.rest if "pgPolicy(" in line}
        assert {table for table, _ in given} == isolated
        assert {table for table, line in given if '"espalier_tenants"' in line} == isolated
        assert len([note for note in advice.notes if "DISABLE ROW LEVEL SECURITY" in note]) == bool(isolated)


def test_jobs_that_own_the_tables_are_refused(site: Site) -> None:
    one = SecretStr(site.server.url("migrator", site.database))
    settings = asking(site, True).model_copy(update={"database_url": one, "jobs_role": "espalier_migrator"})
    with pytest.raises(EspalierError, match="the jobs' role espalier_migrator is the migration's, or owns"):
        runner.migrate(settings, "lms")


def test_the_script_isolates_where_a_run_would(site: Site) -> None:
    line = "ALTER TABLE nuggets ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
    assert line in offline_sql(asking(site, None), "lms")
    assert line not in offline_sql(asking(site, False), "lms")
    assert line not in offline_sql(asking(site, None), "lms", "lms_0000:head")
    assert line in offline_sql(asking(site, True), "lms", "lms_0000:head")
    jobs = asking(site, True).model_copy(update={"jobs_role": "Night Jobs"})
    assert 'CREATE POLICY espalier_jobs ON nuggets TO "Night Jobs"' in offline_sql(jobs, "lms")
    down = offline_sql(asking(site, True), "lms", "base")
    assert down.index("DISABLE ROW LEVEL SECURITY") < down.index("DROP TABLE")


def test_row_security_of_the_applications_own_does_not_keep_it_from_being_adopted(new_site: Any) -> None:
    """The seed's own policies, on two tables; jobs that would read them are refused, not fooled."""

    def build(connection: Connection) -> None:
        lineages.build(connection, "prisma_push")
        connection.execute("ALTER TABLE nuggets ENABLE ROW LEVEL SECURITY")
        connection.execute("CREATE POLICY nugget_organization_access ON nuggets FOR SELECT USING (id = 'x')")

    site = brown_field(new_site, "lms", "lms", build)
    report = inspected(site, "lms")
    assert report.standing == "adoptable"
    assert {"policy nuggets.nugget_organization_access", "security nuggets.rows"} <= set(report.extra)
    baseline(site.settings, "lms")
    with pytest.raises(EspalierError, match="nugget_organization_access on nuggets"):
        runner.migrate(asking(site, True), "lms")
    with site.connect("lms", "jobs") as jobs, pytest.raises(psycopg.errors.InsufficientPrivilege):
        jobs.execute("SELECT espalier.sign_organization('north', 60)")
