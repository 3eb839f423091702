"""What a dead server leaves behind. The processes are real, none of them is a server."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.servers import postmaster
from orchestration.servers.folders import Location, plan


@pytest.fixture
def location(tmp_path: Path) -> Location:
    location = plan(tmp_path.resolve(), 18)
    location.data.mkdir(parents=True)
    location.socket.mkdir()
    return location


@pytest.fixture
def dead() -> int:
    """A pid that no process has."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def zombie() -> Iterator[int]:
    """The pid of a process that has ended and that nobody has reaped."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    yield process.pid
    process.wait()


def leave(location: Location, pid: object) -> tuple[Path, Path]:
    """Write the files that a server with this pid leaves when it is killed."""
    files = location.data / "postmaster.pid", location.socket / ".s.PGSQL.5432.lock"
    for file in files:
        file.write_text(f"{pid}\n{location.data}\n1\n5432\n{location.socket}\n\n  1  1\nready   \n")
    return files


def test_a_pid_that_is_now_another_process_is_not_taken_for_the_server(location: Location) -> None:
    files = leave(location, os.getpid())
    assert not postmaster.is_ready(location)
    postmaster.clear_stale_files(location)
    assert not any(file.exists() for file in files)


def test_a_zombie_is_not_taken_for_the_server(location: Location, zombie: int) -> None:
    files = leave(location, zombie)
    assert not postmaster.is_ready(location)
    postmaster.clear_stale_files(location)
    assert not any(file.exists() for file in files)


@pytest.mark.parametrize("text", ["", "nonsense", "-1"])
def test_a_damaged_pid_file_is_cleared(location: Location, text: str) -> None:
    files = leave(location, text)
    assert not postmaster.is_ready(location)
    postmaster.clear_stale_files(location)
    assert not any(file.exists() for file in files)


def test_the_files_of_a_pid_without_process_are_left_to_postgres(location: Location, dead: int) -> None:
    files = leave(location, dead)
    postmaster.clear_stale_files(location)
    assert all(file.exists() for file in files)


def test_without_a_pid_file_nothing_runs_and_nothing_is_to_do(location: Location) -> None:
    assert not postmaster.is_ready(location)
    postmaster.clear_stale_files(location)
    postmaster.end_orphans(location.data)
    postmaster.end(location.data)
