"""Daemon, code server and run worker killed at once, as by a power cut: the run is noticed to be dead and repeated."""

import os
from collections.abc import Generator
from pathlib import Path

import psutil
import pytest

from orchestration.servers import processes
from orchestration.settings import Settings
from tests.ui import Site, free_port, new_home, workspace_of

pytestmark = pytest.mark.timeout(600)

# The first attempt says that it runs, then hangs; the second says so and ends.
GATED = """
import dagster as dg, time

@dg.asset(pool="gate")
def gated() -> None:
    with open("attempts", "a+") as attempts:
        attempts.write("x")
        attempts.seek(0)
        first = attempts.read() == "x"
    open("signal", "w").close()
    time.sleep(3600 if first else 0)

defs = dg.Definitions(
    assets=[gated], jobs=[dg.define_asset_job("gate", ["gated"])], executor=dg.in_process_executor
)
"""
LAUNCH = """mutation { launchRun(executionParams: {selector: {
    repositoryLocationName: "gated_code", repositoryName: "__repository__", jobName: "gate"
}}) { __typename } }"""
RUNS = "{ runsOrError { ... on Runs { results { runId status } } } }"
LOGS = """subscription { pipelineRunLogs(runId: "%s") {
    ... on PipelineRunLogsSubscriptionSuccess { messages { __typename } }
} }"""


@pytest.fixture
def settings(tmp_path: Path) -> Generator[Settings]:
    yield from new_home(tmp_path)


def runs(site: Site) -> list[tuple[str, str]]:
    return [(run["runId"], run["status"]) for run in site.query(RUNS)["runsOrError"]["results"]]


def wait_for(signal: Path) -> None:
    with open(signal):  # blocks until the run opens it, too
        return


def wait_for_success(site: Site, run_id: str) -> None:
    for answer in site.subscribe(LOGS % run_id):
        if any(message["__typename"] == "RunSuccessEvent" for message in answer["pipelineRunLogs"]["messages"]):
            return


def test_a_run_killed_with_its_servers_fails_and_is_repeated(settings: Settings, tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    os.mkfifo(code / "signal")
    workspace = workspace_of(code, "gated_code", GATED.replace('open("', f'open("{code}/'))
    site = Site(settings, processes.start_ui(settings, free_port(), workspace=workspace))
    assert site.query(LAUNCH)["launchRun"]["__typename"] == "LaunchRunSuccess"
    wait_for(code / "signal")
    [(killed, _)] = runs(site)
    family = {process for server in site.ui.servers for process in server.family()}
    for process in family:
        process.kill()
    psutil.wait_procs(family, timeout=30)

    processes.start_ui(settings, site.ui.port, workspace=workspace)
    wait_for(code / "signal")
    (repeated, _), (first, status) = runs(site)
    assert (first, status) == (killed, "FAILURE")
    wait_for_success(site, repeated)
