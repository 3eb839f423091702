"""The real UI and daemon on a real Postgres: what the allow-list lets through, health, and an end without trace."""

import json
import socket
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from websockets.exceptions import InvalidStatus

from orchestration.errors import EspalierError
from orchestration.servers import health, processes
from orchestration.settings import PROJECT, Settings
from tests.ui import Site, free_port, new_home, workspace_of

pytestmark = pytest.mark.timeout(600)

ADD_POOL = 'mutation { setConcurrencyLimit(concurrencyKey: "%s", limit: 7) }'
VERSION = "{ version }"
LOGS = 'subscription { pipelineRunLogs(runId: "unknown") { __typename } }'
REPOSITORIES = "{ repositoriesOrError { ... on RepositoryConnection { nodes { jobs { name } } } } }"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    """The UI that most tests ask; none stops it."""
    for settings in new_home(tmp_path_factory.mktemp("home")):
        yield Site(settings, processes.start_ui(settings, free_port()))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Generator[Settings]:
    """A home in which nothing runs but Postgres, before each test and after it."""
    yield from new_home(tmp_path_factory.mktemp("home"))


def test_all_daemons_are_healthy_and_the_jobs_are_loaded(site: Site) -> None:
    assert health.missing(site.ui.port, site.daemon().started_at) is None
    assert health.missing(site.ui.port, site.daemon().started_at + 3600) is not None
    jobs = {job["name"] for node in site.query(REPOSITORIES)["repositoriesOrError"]["nodes"] for job in node["jobs"]}
    assert {"nightly_community", "nightly_rag", "nightly_platform"} <= jobs


def test_the_page_is_served_and_cannot_be_framed(site: Site) -> None:
    answer = site.ask(path="/runs", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["x-frame-options"]) == (200, "SAMEORIGIN")
    assert "<html" in answer.text


def test_a_mutation_by_post_with_json_is_executed(site: Site) -> None:
    assert site.query(ADD_POOL % "allowed")["setConcurrencyLimit"] is True
    assert "allowed" in site.pools()


@pytest.mark.parametrize(
    "options",
    [
        {"params": {"query": ADD_POOL % "p1"}},
        {"params": {"query": ADD_POOL % "p2"}, "headers": {"Accept": "text/html"}},
        {"path": "/graphql%0A", "params": {"query": ADD_POOL % "p3"}},
        {"method": "POST", "params": {"query": ADD_POOL % "p4"}},
        {"method": "POST", "data": {"query": ADD_POOL % "p5"}},
        {
            "method": "POST",
            "content": json.dumps({"query": ADD_POOL % "p6"}),
            "headers": {"Content-Type": "text/plain; application/json"},
        },
        {"method": "POST", "json": {"query": ADD_POOL % "p7"}, "headers": {"Host": "evil.example"}},
        {"method": "POST", "json": {"query": ADD_POOL % "p8"}, "headers": {"Origin": "http://evil.example"}},
        {"method": "POST", "json": {"query": ADD_POOL % "p9"}, "headers": {"Origin": "null"}},
        {"method": "POST", "path": "/report_asset_materialization/rag/forged"},
        {"headers": {"Host": "evil.example"}, "path": "/"},
        {"headers": {"Origin": "http://127.0.0.1:1"}, "path": "/server_info"},
    ],
)
def test_what_a_foreign_page_could_send_gets_403_and_changes_nothing(site: Site, options: dict[str, Any]) -> None:
    before = site.pools()
    answer = site.ask(**options)
    assert answer.status_code == 403
    assert answer.text.startswith("403: ")
    assert answer.text.count("\n") == 1
    assert site.pools() == before


def test_a_subscription_from_the_ui_itself_is_answered(site: Site) -> None:
    for origin in (site.ui.url, None):
        answer = next(site.subscribe(LOGS, origin))
        assert answer == {"pipelineRunLogs": {"__typename": "PipelineRunLogsSubscriptionFailure"}}


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
def test_a_foreign_websocket_gets_403(site: Site, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        next(site.subscribe(LOGS, origin))
    assert refused.value.response.status_code == 403


def test_starting_it_again_changes_nothing(site: Site) -> None:
    again = processes.start_ui(site.settings, site.ui.port)
    assert again.started == ()
    assert set(again.servers) == set(processes.running(site.settings.home))


def test_another_port_is_refused_while_it_runs(site: Site) -> None:
    with pytest.raises(EspalierError, match=rf"already runs on port {site.ui.port}, not 1024; .*espalier down"):
        processes.start_ui(site.settings, 1024)


def test_dagster_writes_nothing_beside_its_configuration(site: Site) -> None:
    assert site.query(VERSION)
    made = {"history", "schedules", "storage", "logs", ".logs_queue", ".telemetry", ".nux"}
    assert made & {path.name for path in PROJECT.iterdir()} == set()


def test_a_daemon_that_was_killed_is_started_again_alone(site: Site) -> None:
    process = psutil.Process(site.daemon().pid)
    process.kill()
    process.wait(timeout=20)
    assert processes.start_ui(site.settings, site.ui.port).started == ("daemon",)


def living(processes: set[psutil.Process]) -> set[psutil.Process]:
    return {process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE}


def test_a_read_only_ui_refuses_mutations_and_leaves_no_process_when_stopped(settings: Settings) -> None:
    site = Site(settings, processes.start_ui(settings, free_port(), read_only=True))
    answer = site.ask("POST", json={"query": ADD_POOL % "read_only"})
    assert "read_only" not in site.pools(), answer.text
    family = {process for server in site.ui.servers for process in server.family()}
    assert len(living(family)) >= 4  # both servers, each with its code server
    assert processes.stop_all(settings.home) == ["daemon", "webserver"]
    assert living(family) == set()
    with pytest.raises(httpx.ConnectError):
        site.ask()


def test_an_occupied_port_is_refused_before_anything_starts(settings: Settings) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(EspalierError, match=rf"port {port} on 127\.0\.0\.1 is occupied by .*espalier up --port"):
            processes.start_ui(settings, port)
    assert processes.running(settings.home) == []


def test_code_that_does_not_load_stops_what_was_started(settings: Settings, tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path, "broken_code", "raise RuntimeError('no such thing')\n")
    with pytest.raises(EspalierError, match=r"^code location broken_code does not load: .*no such thing") as refused:
        processes.start_ui(settings, free_port(), workspace=workspace)
    assert "\n" not in str(refused.value)
    assert processes.running(settings.home) == []


def test_a_server_that_ends_is_named_with_its_last_line(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(EspalierError, match=r"^the \w+ ended: .*no-such-file.*; see .*/logs/\w+\.log$"):
        processes.start_ui(settings, free_port(), workspace=tmp_path / "no-such-file.yaml")
    assert processes.running(settings.home) == []
