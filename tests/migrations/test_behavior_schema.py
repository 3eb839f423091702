"""The behavior domain: its baseline is the application's schema, and what the plan adds keeps its promises."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from migrations import catalog, runner, verify
from migrations.baseline import baseline
from migrations.connection import connect
from orchestration.errors import EspalierError
from tests import behavior_rows
from tests.behavior_rows import assignment
from tests.conftest import Connection, Site
from tests.factories import insert
from tests.lineages import behavior as lineages
from tests.migrations.adopting import brown_field
from tests.migrations.site_state import applied, hashes, names, schema_dump

# Prisma's names of what the plan adds; the long one it has shortened before its end.
ADDED = {
    "study_schedule_recommendations_appliedAt_idx",
    "behavioral_events_userId_eventType_timestamp_idx",
    "behavioral_events_userId_dayOfWeek_idx",
    "behavioral_events_userId_timeOfDay_idx",
    "behavioral_patterns_userId_patternType_confidence_idx",
    "behavioral_patterns_userId_lastSeenAt_idx",
    "struggle_predictions_userId_predictionStatus_predictedStrug_idx",
    "struggle_predictions_userId_topicId_predictionDate_idx",
    "recommendations_userId_status_priorityScore_idx",
    "recommendations_userId_createdAt_idx",
    "personalization_configs_userId_context_isActive_idx",
    "personalization_configs_userId_avgReward_idx",
}
INDEXES = "SELECT indexname FROM pg_indexes WHERE schemaname = 'behavior'"
COUNTED = "SELECT count(*) FROM experiment_assignments"
REFUSAL = (
    "experiment_assignments has 2 rows of experiments that are gone (SELECT * FROM experiment_assignments"
    ' WHERE "experimentId" NOT IN (SELECT id FROM personalization_experiments));'
    " nothing was changed, correct or delete these rows"
)

on_the_newest = pytest.mark.parametrize("server", [18], ids=["pg18"], indirect=True)


@pytest.fixture
def connection(site: Site) -> Iterator[Connection]:
    """A connection of the application that sees the behavior domain at its head."""
    with site.connect("behavior") as connection:
        yield connection


def snapshot(site: Site) -> catalog.Snapshot:
    with connect(site.settings.url("migrator")) as database:
        return catalog.snapshot(database.driver, "behavior")


def test_the_baseline_is_what_the_application_has(empty_site: Site, new_site: Any) -> None:
    runner.migrate(empty_site.settings, "behavior", "0000")
    theirs = new_site("espalier")
    with theirs.connect("behavior") as connection:
        connection.execute("CREATE SCHEMA behavior")
        lineages.build(connection, "prisma_push")
    assert snapshot(empty_site) == snapshot(theirs)
    assert len([thing for thing in snapshot(theirs) if thing.kind == "table"]) == 31


@on_the_newest
def test_the_plan_adds_twelve_indexes_under_the_names_that_prisma_gives_them(site: Site, connection: Connection):
    at_head = names(connection, INDEXES)
    runner.migrate(site.settings, "behavior", "0000")
    assert at_head - names(connection, INDEXES) == ADDED
    assert max(len(name.encode()) for name in at_head) == 63


def test_an_index_that_postgres_has_named_is_taken_over_and_not_built_again(new_site: Any):
    site = brown_field(new_site, "behavior", "behavior", lineages.LINEAGES["prisma_push"])
    columns = '("userId", "predictionStatus", "predictedStruggleProbability")'
    whole = "struggle_predictions_userId_predictionStatus_predictedStruggleProbability_idx"
    theirs = whole[:63]
    (prismas,) = (name for name in ADDED if len(name) == 63)
    with site.connect("behavior") as connection:
        connection.execute(f'CREATE INDEX "{whole}" ON struggle_predictions {columns}'.encode())
        before = connection.execute("SELECT %s::regclass::oid AS oid", [f'"{theirs}"']).fetchone()
        baseline(site.settings, "behavior")
        assert runner.migrate(site.settings, "behavior").ok
        assert names(connection, INDEXES) >= (ADDED - {prismas}) | {theirs}
        assert prismas not in names(connection, INDEXES)
        runner.migrate(site.settings, "behavior", "base")
        assert names(connection, INDEXES) & (ADDED | {theirs}) == {theirs}
        assert connection.execute("SELECT %s::regclass::oid AS oid", [f'"{theirs}"']).fetchone() == before


def test_an_assignment_without_experiment_stops_the_plan_before_it_changes_anything(site: Site, connection: Connection):
    runner.migrate(site.settings, "behavior", "0000")
    behavior_rows.two_learners(connection)
    for name in ("ann", "bob"):
        insert(connection, "experiment_assignments", assignment(name, "gone"))
    before = schema_dump(site)
    with pytest.raises(EspalierError) as refused:
        runner.migrate(site.settings, "behavior")
    assert REFUSAL in str(refused.value)
    assert (applied(site, "behavior"), schema_dump(site)) == ("behavior_0000", before)
    query = REFUSAL.split("(", 1)[1].rsplit(");", 1)[0]
    assert {row["id"] for row in connection.execute(query.encode())} == {"ann-in-gone", "bob-in-gone"}
    connection.execute("DELETE FROM experiment_assignments WHERE \"experimentId\" = 'gone'")
    assert runner.migrate(site.settings, "behavior").ok
    found = verify.verify_domain(site.settings, "behavior")
    assert {check: found[check] for check in (*verify.REQUIRED, "no_pending_revisions", "no_extra_objects")} == {
        check: [] for check in (*verify.REQUIRED, "no_pending_revisions", "no_extra_objects")
    }


@on_the_newest
def test_an_assignment_follows_its_experiment_and_goes_with_it(connection: Connection):
    behavior_rows.two_learners(connection)
    connection.execute("UPDATE personalization_experiments SET id = 'renamed' WHERE id = 'ann-experiment'")
    row = connection.execute('SELECT "experimentId" AS id FROM experiment_assignments WHERE "userId" = %s', ["ann"])
    assert row.fetchone() == {"id": "renamed"}
    connection.execute("DELETE FROM personalization_experiments WHERE id = 'renamed'")
    assert connection.execute(COUNTED).fetchone() == {"count": 1}
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="experiment_assignments_experimentId_fkey"):
        insert(connection, "experiment_assignments", assignment("ann", "renamed"))


@on_the_newest
def test_what_was_measured_is_not_dropped_unasked(site: Site, connection: Connection):
    behavior_rows.two_learners(connection)
    connection.execute("UPDATE experiment_assignments SET metrics = '{\"score\": 1}' WHERE \"userId\" = 'ann'")
    connection.execute('UPDATE study_schedule_recommendations SET "appliedAt" = "createdAt"')
    held = hashes(connection, {"experiment_assignments": ["id", "metrics"]})
    lost = r"3 rows .*\(experiment_assignments 1, study_schedule_recommendations 2\); nothing was changed"
    with pytest.raises(EspalierError, match=lost):
        runner.migrate(site.settings, "behavior", "0000")
    assert hashes(connection, {"experiment_assignments": ["id", "metrics"]}) == held


@on_the_newest
def test_jobs_read_all_tables_but_the_one_with_tokens_and_write_none(site: Site, connection: Connection) -> None:
    behavior_rows.two_learners(connection)
    rights = (
        "SELECT relname AS name, has_table_privilege('espalier_jobs', oid, 'SELECT') AS reads,"
        " has_table_privilege('espalier_jobs', oid, 'INSERT, UPDATE, DELETE, TRUNCATE')"
        " OR has_any_column_privilege('espalier_jobs', oid, 'INSERT, UPDATE') AS writes"
        " FROM pg_class WHERE relnamespace = 'behavior'::regnamespace AND relkind = 'r'"
    )
    rows = connection.execute(rights).fetchall()
    assert len(rows) == 31
    assert [row["name"] for row in rows if not row["reads"]] == ["calendar_integrations"]
    assert [row["name"] for row in rows if row["writes"]] == []
    with site.connect("behavior", "jobs") as jobs:
        jobs.execute('SELECT "behavioralAnalysisEnabled" FROM users')
        for column in (b'"accessToken"', b"id", b"count(*)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                jobs.execute(b"SELECT " + column + b" FROM calendar_integrations")
