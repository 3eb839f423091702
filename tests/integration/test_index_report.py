"""The report on the eleven indexes of the behavior plan, on a real Postgres: what stands, what is used, what is not."""

from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import psycopg
import pytest
from dagster import DagsterInstance

from assets.behavior import ASSETS
from assets.behavior.index_report import KEY, index_report
from assets.behavior.planned_indexes import PLANNED, TABLES
from migrations import runner
from migrations.baseline import baseline
from migrations.metadata.behavior import metadata
from orchestration.cli.runs import QUIET
from tests import behavior_rows
from tests.conftest import Connection, Site
from tests.lineages import behavior
from tests.migrations.adopting import brown_field

Found = tuple[dict[str, Any], dict[str, dg.AssetCheckEvaluation]]
TYPED = "behavioral_events_userId_eventType_timestamp_idx"
BUILD = f'CREATE INDEX CONCURRENTLY "{TYPED}" ON behavioral_events ("userId", "eventType", "timestamp")'
QUERY = "SELECT count(*) FROM behavioral_events WHERE \"userId\" = 'ann' AND \"eventType\" = 'SESSION_ENDED'"
# As many events as make an index worth its while, of as many people.
EVENTS = """
    INSERT INTO behavioral_events (id, "userId", "eventType", "eventData", "dayOfWeek", "timeOfDay", "timestamp")
    SELECT n, 'person ' || n % 200, 'CARD_REVIEWED', '{}', n % 7, n % 24, timestamp '2026-01-01' + n * interval '1 min'
    FROM generate_series(1, 20000) AS n
"""
on_the_newest = pytest.mark.parametrize("server", [18], ids=["pg18"], indirect=True)


@pytest.fixture
def connection(site: Site) -> Iterator[Connection]:
    """A connection of the application."""
    with site.connect("behavior") as connection:
        yield connection


@pytest.fixture
def report(site: Site, instance: DagsterInstance) -> Callable[[], Found]:
    """Run the asset, and give what it reported and what its checks found."""

    def run() -> Found:
        resources = {"postgres": dg.ResourceDefinition.hardcoded_resource(site.postgres)}
        done = dg.materialize([index_report], resources=resources, instance=instance, run_config=QUIET)
        (event,) = done.asset_materializations_for_node("behavior__index_report")
        checks = {found.check_name: found for found in done.get_asset_check_evaluations()}
        return {name: value.value for name, value in event.metadata.items()}, checks

    return run


def line(figures: dict[str, Any], name: str) -> list[str]:
    """Give the cells of the line about an index: planned, found, definition, valid, bytes, scans, …."""
    (found,) = (row for row in figures["report"].splitlines() if row.startswith(f"| {name} "))
    return [cell.strip() for cell in found.strip("|").split("|")]


def listed(checks: dict[str, dg.AssetCheckEvaluation], check: str, name: str) -> Any:
    return checks[check].metadata[name].value


def test_the_eleven_are_those_that_the_revisions_build():
    built = {str(index.name): index for table in metadata.tables.values() for index in table.indexes}
    assert len(PLANNED) == 11
    for index in PLANNED:
        assert tuple(column.name for column in built[index.name].columns) == index.columns
    assert {dependency.path[-1] for dependency in index_report.asset_deps[KEY]} == {"behavior_schema", *TABLES}
    assert index_report in ASSETS


def test_an_index_that_is_used_is_told_from_one_that_is_not(connection: Connection, report: Callable[[], Found]):
    behavior_rows.two_learners(connection)
    connection.execute(EVENTS)
    connection.execute("ANALYZE behavioral_events")
    connection.execute("SET enable_seqscan = off")
    connection.execute("SET enable_bitmapscan = off")
    connection.execute(QUERY.encode())
    connection.execute("SELECT pg_stat_force_next_flush()")
    connection.execute("SELECT 1")
    figures, checks = report()
    assert (figures["indexes"], line(figures, TYPED)[5], line(figures, TYPED)[7]) == (11, "1", "True")
    # Nobody has asked for them: the first is what the planner would use, the second stands on an empty table.
    assert line(figures, "behavioral_events_userId_dayOfWeek_idx")[5:8:2] == ["0", "True"]
    assert line(figures, "recommendations_userId_createdAt_idx")[5] == "0"
    unused = listed(checks, "indexes_are_used", "unused")
    assert (len(unused), TYPED in unused) == (10, False)
    assert checks["indexes_are_used"].severity == dg.AssetCheckSeverity.WARN
    assert all(checks[name].passed for name in ("indexes_are_there_and_valid", "indexes_are_needed"))
    again, _ = report()
    assert again["scans"] == figures["scans"] == 1  # to look at an index does not use it


def test_a_small_table_is_read_whole_and_the_report_says_so(connection: Connection, report: Callable[[], Found]):
    behavior_rows.two_learners(connection)
    connection.execute("ANALYZE behavioral_events")
    figures, _ = report()
    assert line(figures, TYPED)[7] == "False"


@on_the_newest
def test_an_index_that_was_dropped_is_missed(connection: Connection, report: Callable[[], Found]):
    connection.execute(f'DROP INDEX "{TYPED}"'.encode())
    figures, checks = report()
    found = checks["indexes_are_there_and_valid"]
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert (listed(checks, found.check_name, "missing"), figures["indexes"]) == ([TYPED], 10)


@on_the_newest
def test_an_index_that_was_left_invalid_is_named(site: Site, connection: Connection, report: Callable[[], Found]):
    connection.execute(f'DROP INDEX "{TYPED}"'.encode())
    behavior_rows.two_learners(connection)
    with site.connect("behavior") as other, other.transaction():
        other.execute("SELECT FROM behavioral_events")
        other.execute("UPDATE behavioral_events SET \"dayOfWeek\" = 1 WHERE id = 'ann-event-8'")
        connection.execute("SET lock_timeout = '100ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            connection.execute(BUILD.encode())
    figures, checks = report()
    found = checks["indexes_are_there_and_valid"]
    assert (found.passed, listed(checks, found.check_name, "invalid")) == (False, [TYPED])
    assert line(figures, TYPED)[3] == "False"


@on_the_newest
def test_an_index_that_a_wider_one_makes_needless_is_named_with_it(connection: Connection, report: Callable[[], Found]):
    wider = 'CREATE INDEX wider ON behavioral_events ("userId", "dayOfWeek", "timeOfDay")'
    for statement in (
        wider,
        # None of these serves what the narrower ones serve: another order, a part of the rows, a part of the columns.
        'CREATE INDEX descending ON behavioral_events ("userId", "timeOfDay" DESC)',
        'CREATE INDEX partial ON behavioral_events ("userId", "timeOfDay") WHERE "timeOfDay" > 5',
        'CREATE INDEX hashed ON recommendations USING hash ("userId")',
    ):
        connection.execute(statement.encode())
    figures, checks = report()
    (needless,) = listed(checks, "indexes_are_needed", "needless")
    assert needless == "behavioral_events_userId_dayOfWeek_idx (by wider)"
    assert checks["indexes_are_needed"].severity == dg.AssetCheckSeverity.WARN
    # The application's own index over the person alone is needless since the plan.
    assert line(figures, TYPED)[9] == "behavioral_events_userId_idx"


@on_the_newest
def test_an_index_under_another_name_is_the_same_index(connection: Connection, report: Callable[[], Found]):
    (prismas,) = (index.name for index in PLANNED if index.named)
    by_postgres = "struggle_predictions_userId_predictionStatus_predictedStruggleP"
    connection.execute(f'ALTER INDEX "{prismas}" RENAME TO "{by_postgres}"'.encode())
    figures, checks = report()
    assert line(figures, prismas)[1] == by_postgres
    assert checks["indexes_are_there_and_valid"].passed


@on_the_newest
def test_a_site_before_the_plan_is_told_which_revision_is_needed(empty_site: Site, instance: DagsterInstance) -> None:
    runner.migrate(empty_site.settings, "behavior", "0005")
    resources = {"postgres": dg.ResourceDefinition.hardcoded_resource(empty_site.postgres)}
    with pytest.raises(dg.Failure, match="needs revision behavior_0010, found behavior_0005"):
        dg.materialize([index_report], resources=resources, instance=instance, run_config=QUIET)


@on_the_newest
def test_an_adopted_site_that_has_text_for_enums_is_reported_too(new_site: Any, instance: DagsterInstance) -> None:
    site = brown_field(new_site, "behavior", "public", behavior.LINEAGES["text_for_enums"])
    baseline(site.settings, "behavior")
    runner.migrate(site.settings, "behavior")
    resources = {"postgres": dg.ResourceDefinition.hardcoded_resource(site.postgres)}
    done = dg.materialize([index_report], resources=resources, instance=instance, run_config=QUIET)
    (event,) = done.asset_materializations_for_node("behavior__index_report")
    assert event.metadata["indexes"].value == 11
