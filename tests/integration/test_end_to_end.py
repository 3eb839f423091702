"""A site as it runs: the UI, its daemon or two at once, and what is launched through GraphQL, from request to rows."""

import json
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg.rows import dict_row

from migrations import runner
from orchestration.schedules import nightly_tags
from orchestration.servers import process_records, processes
from orchestration.settings import PROJECT, Domain
from tests import factories, rag_by_hand
from tests.conftest import Connection
from tests.embedded import eventually
from tests.rag_dialogues import TOKYO, dirty_days, learner
from tests.ui import Site, free_port, new_home

pytestmark = pytest.mark.timeout(600)

FIRST, DAYS, DIALOGUES = date(2026, 1, 1), 90, 1500
PATIENCE = {"seconds": 240.0, "every": 0.5}
OURS = "orchestration.definitions"
# A schedule whose tick is never far away; the nightly ones are made in the same way.
TICKING = """
import dagster as dg

@dg.op
def nothing() -> None:
    pass

@dg.job
def ticking() -> None:
    nothing()

@dg.schedule(job=ticking, cron_schedule="* * * * *", default_status=dg.DefaultScheduleStatus.RUNNING)
def every_minute(context):
    return dg.RunRequest(run_key=context.scheduled_execution_time.isoformat())

defs = dg.Definitions(jobs=[ticking], schedules=[every_minute], executor=dg.in_process_executor)
"""
BACKFILL = """mutation { launchPartitionBackfill(backfillParams: {
    assetSelection: [{path: ["rag", "rag_metrics_history"]}], partitionNames: %s
}) { __typename ... on LaunchBackfillSuccess { backfillId } } }"""
BACKFILL_STATUS = '{ partitionBackfillOrError(backfillId: "%s") { ... on PartitionBackfill { status } } }'
RUNS = """{ runsOrError(filter: {tags: [{key: "%s", value: "%s"}]}) {
    ... on Runs { results { runId status tags { key value } } } } }"""
LAUNCH = """mutation { launchRun(executionParams: {
    selector: {repositoryLocationName: "%s", repositoryName: "__repository__", jobName: "%s"},
    executionMetadata: {tags: %s}
}) { __typename ... on LaunchRunSuccess { run { runId } } } }"""
STATUS = '{ runOrError(runId: "%s") { ... on Run { status } } }'
FAILURES = """{ logsForRun(runId: "%s") { ... on EventConnection { events {
    ... on ExecutionStepFailureEvent { stepKey error { message } failureMetadata { description } } } } } }"""
OBSERVED = """{ assetOrError(assetKey: {path: ["community", "answer_votes"]}) { ... on Asset {
    assetObservations(limit: 1) { metadataEntries { label ... on IntMetadataEntry { intValue } } } } } }"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our code, and a schedule that ticks every minute."""
    return workspace_with_ticks(tmp_path_factory.mktemp("code"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, workspace: Path) -> Generator[Site]:
    """A migrated site with rows, its UI and its daemon."""
    for settings in new_home(tmp_path_factory.mktemp("home")):
        for domain in settings.domains:
            runner.migrate(settings, domain)
        yield Site(settings, processes.start_ui(settings, free_port(), workspace=workspace))


def workspace_with_ticks(folder: Path) -> Path:
    (folder / "ticking_code.py").write_text(TICKING)
    locations = [(OURS, PROJECT), ("ticking_code", folder)]
    load = [{"python_module": {"module_name": name, "working_directory": str(at)}} for name, at in locations]
    (folder / "workspace.yaml").write_text(json.dumps({"load_from": load}))
    return folder / "workspace.yaml"


@contextmanager
def rows_of(site: Site, domain: Domain) -> Generator[Connection]:
    with Connection.connect(site.settings.url("migrator"), autocommit=True, row_factory=dict_row) as connection:
        connection.execute("SELECT set_config('search_path', %s, false)", [f"{domain}, extensions"])
        connection.execute("SET TimeZone TO 'UTC'")
        yield connection


def launch(site: Site, job: str, tags: Mapping[str, str]) -> str:
    """Launch a job as the UI's launchpad does; give the run's id when it has succeeded."""
    written = "[" + ", ".join(f"{{key: {json.dumps(k)}, value: {json.dumps(v)}}}" for k, v in tags.items()) + "]"
    launched = site.query(LAUNCH % (OURS, job, written))["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    run_id = launched["run"]["runId"]
    eventually(lambda: site.query(STATUS % run_id)["runOrError"]["status"] in ("SUCCESS", "FAILURE"), **PATIENCE)
    failures = [event for event in site.query(FAILURES % run_id)["logsForRun"]["events"] if event]
    assert (site.query(STATUS % run_id)["runOrError"]["status"], failures) == ("SUCCESS", [])
    return run_id


def runs_tagged(site: Site, key: str, value: str) -> list[dict[str, Any]]:
    return site.query(RUNS % (key, value))["runsOrError"]["results"]


def test_a_backfill_of_90_days_is_one_run_and_leaves_what_plain_python_computes(site: Site) -> None:
    days = [FIRST + timedelta(days=n) for n in range(DAYS)]
    with rows_of(site, "rag") as connection:
        for number in range(4):
            factories.learner(connection, learner(number))
        dirty_days(connection, FIRST, DAYS, DIALOGUES)
        launched = site.query(BACKFILL % json.dumps([day.isoformat() for day in days]))["launchPartitionBackfill"]
        backfill = launched["backfillId"]
        status = BACKFILL_STATUS % backfill
        eventually(lambda: site.query(status)["partitionBackfillOrError"]["status"] != "REQUESTED", **PATIENCE)
        assert site.query(status)["partitionBackfillOrError"]["status"] == "COMPLETED_SUCCESS"
        assert [run["status"] for run in runs_tagged(site, "dagster/backfill", backfill)] == ["SUCCESS"]
        found = connection.execute("SELECT * FROM rag_metrics_history ORDER BY date").fetchall()
        dialogues = connection.execute("SELECT * FROM ai_dialogue_log").fetchall()
    assert len(found) == DAYS
    for row in found:
        del row["id"]
    assert found == rag_by_hand.metrics(dialogues, days, TOKYO)


def test_a_nightly_run_refreshes_what_is_derived_from_the_application(site: Site) -> None:
    with rows_of(site, "community") as connection:
        factories.users(connection, "ann", "bob")
        factories.vote(connection, "ann", "bob")
        factories.points(connection, "bob", 30)
        launch(site, "nightly_community", nightly_tags(datetime.now(UTC), "UTC", 1))
        edges = connection.execute(
            """SELECT "voterId", "targetUserId", "voteCount" FROM vote_graph WHERE "voterId" = 'ann'"""
        ).fetchall()
        totals = connection.execute(
            """SELECT id, "totalXP" FROM users WHERE id IN ('ann', 'bob') ORDER BY id"""
        ).fetchall()
    assert edges == [{"voterId": "ann", "targetUserId": "bob", "voteCount": 1}]
    assert totals == [{"id": "ann", "totalXP": 0}, {"id": "bob", "totalXP": 30}]


def test_the_applications_tables_are_observed(site: Site) -> None:
    with rows_of(site, "community") as connection:
        factories.users(connection, "cyd", "dan")
        factories.vote(connection, "cyd", "dan")
        connection.execute("ANALYZE answer_votes")
        rows = connection.execute("SELECT count(*) AS n FROM answer_votes").fetchone()
    launch(site, "observe_sources", {})
    (observation,) = site.query(OBSERVED)["assetOrError"]["assetObservations"]
    figures = {entry["label"]: entry.get("intValue") for entry in observation["metadataEntries"]}
    assert rows == {"n": figures["estimated_rows"]}


def test_two_daemons_at_once_start_one_run_a_tick(site: Site, workspace: Path) -> None:
    """The second one comes last: it would serve the other tests as well."""
    command = [sys.executable, "-m", "dagster._daemon", "run", "--workspace", str(workspace)]
    process_records.start(site.settings.home, "daemon2", command, processes.dagster_environment(site.settings))
    began = datetime.now(UTC).isoformat()

    def ticks() -> list[str]:
        runs = runs_tagged(site, "dagster/schedule_name", "every_minute")
        tags = [tag for run in runs if run["status"] == "SUCCESS" for tag in run["tags"]]
        return [tag["value"] for tag in tags if tag["key"] == "dagster/run_key"]

    eventually(lambda: len([tick for tick in ticks() if tick > began]) >= 2, **PATIENCE)
    daemons = [server for server in processes.running(site.settings.home) if server.name.startswith("daemon")]
    assert len(daemons) == 2
    assert len(ticks()) == len(set(ticks()))
