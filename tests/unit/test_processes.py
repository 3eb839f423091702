"""Starting, finding and stopping detached processes: real ones, but no Postgres and no Dagster."""

import json
import os
import socket
import sys
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import pytest
from pydantic import SecretStr

from orchestration.errors import EspalierError
from orchestration.servers import process_records, processes
from orchestration.servers.process_records import Server
from orchestration.settings import PROJECT, Settings

SLEEP = "import time; time.sleep(60)"
WITH_CHILD = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "print(flush=True); import time; time.sleep(60)"], stdout=-1)
child.stdout.readline()
"""
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"

Start = Callable[..., Server]


@pytest.fixture
def start(tmp_path: Path) -> Generator[Start]:
    """Start a server of `tmp_path` that runs a Python program, then sleeps; wait until the program has run."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def start_program(program: str, then: str = SLEEP) -> Server:
        code = f"{program}\nopen({str(pipe)!r}, 'w').close()\n{then}"
        server = process_records.start(tmp_path, "sleeper", [sys.executable, "-c", code], {})
        with open(pipe):  # waits until the program opens it, too
            return server

    yield start_program
    process_records.stop(tmp_path, process_records.known(tmp_path), patience=5)


def write_record(home: Path, server: Server) -> None:
    (home / "run" / f"{server.name}.json").write_text(json.dumps(asdict(server)))


def test_a_started_server_is_detached_and_remembered(tmp_path: Path, start: Start) -> None:
    server = start("print('ready', flush=True)")
    assert os.getsid(server.pid) == server.pid
    assert processes.running(tmp_path) == [server]
    assert server.last_log_line() == "ready"
    assert Path(server.log).parent == tmp_path / "logs"


def test_records_and_logs_are_private(tmp_path: Path, start: Start) -> None:
    start("")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o077 for path in files} == {0}


def test_a_stopped_server_takes_its_children_along(tmp_path: Path, start: Start) -> None:
    server = start(WITH_CHILD)
    family = server.family()
    assert len(family) == 2
    assert processes.stop_all(tmp_path) == ["sleeper"]
    assert server.family() == set()
    assert processes.running(tmp_path) == []
    assert not list((tmp_path / "run").glob("*.json"))


def test_the_orphans_of_a_killed_server_are_stopped_too(tmp_path: Path, start: Start) -> None:
    server = start(WITH_CHILD)
    leader = psutil.Process(server.pid)
    leader.kill()
    leader.wait(timeout=20)
    assert processes.running(tmp_path) == []
    assert len(server.family()) == 1
    processes.stop_all(tmp_path)
    assert server.family() == set()


def test_a_server_that_does_not_listen_is_killed(tmp_path: Path, start: Start) -> None:
    server = start(DEAF)
    process_records.stop(tmp_path, [server], patience=0.3)
    assert server.family() == set()


def test_a_process_that_has_the_pid_by_chance_is_left_alone(tmp_path: Path, start: Start) -> None:
    server = start("")
    old = replace(server, name="old", create_time=server.create_time - 60, mark="old")
    write_record(tmp_path, old)
    assert processes.running(tmp_path) == [server]
    process_records.stop(tmp_path, [old])
    assert processes.running(tmp_path) == [server]
    assert process_records.known(tmp_path) == [server]


def test_stopping_where_nothing_was_started_does_nothing(tmp_path: Path) -> None:
    assert processes.stop_all(tmp_path) == []
    assert processes.running(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_the_last_line_of_a_log_is_that_of_this_start_without_colours(tmp_path: Path, start: Start) -> None:
    process_records.stop(tmp_path, [start("print('old')")])
    server = start("print('\\x1b[31mnew\\x1b[0m line\\n', flush=True)")
    assert server.last_log_line() == "new line"


def test_a_server_that_wrote_nothing_has_a_last_line_all_the_same(start: Start) -> None:
    assert start("").last_log_line() == "it wrote no line"


def test_a_long_log_is_moved_aside(tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_records, "_LOG_LIMIT", 1)
    process_records.stop(tmp_path, [start("print('long', flush=True)")])
    start("")
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == ["sleeper.log", "sleeper.log.1"]


def test_a_free_port_is_not_refused() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    processes.refuse_occupied(port)


def test_an_occupied_port_is_refused_in_one_line_with_the_way_out() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(EspalierError) as refused:
            processes.refuse_occupied(port)
    line = str(refused.value)
    assert line.startswith(f"port {port} on 127.0.0.1 is occupied by ")
    assert f"(pid {os.getpid()})" in line
    assert line.endswith(f"`espalier up --port {port + 1}`")


def test_the_environment_names_the_instance_and_its_database(tmp_path: Path) -> None:
    url = "postgresql://espalier_dagster:pw@/dagster?host=%2Fsocket%20folder&port=5432"
    environment = processes.dagster_environment(Settings(home=tmp_path, dagster_database_url=SecretStr(url)))
    assert environment["DAGSTER_HOME"] == str(PROJECT)
    assert environment["DAGSTER_PG_URL"] == url.replace("postgresql://", "postgresql+psycopg2://")
    assert environment["ESPALIER_HOME"] == str(tmp_path)
    assert environment["ESPALIER_DAGSTER_STORAGE"] == str(tmp_path / "dagster")


def test_no_server_is_started_without_a_database(tmp_path: Path) -> None:
    with pytest.raises(EspalierError, match=r"connections\.json does not exist"):
        processes.start_ui(Settings(home=tmp_path), 3000)
    assert list(tmp_path.iterdir()) == []
