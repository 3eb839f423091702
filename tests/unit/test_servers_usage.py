"""Counting the users of the embedded server by shared locks. No server is started."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestration.errors import EspalierError
from orchestration.servers import usage
from orchestration.servers.postgres import make_home

HOLD = """
import sys
from pathlib import Path
from orchestration.servers import usage
{verb}
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    make_home(tmp_path / "home")
    return tmp_path / "home"


Start = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def other() -> Iterator[Start]:
    """Start processes that hold a lock until they are ended."""
    started: list[subprocess.Popen[str]] = []

    def start(verb: str) -> subprocess.Popen[str]:
        code = [sys.executable, "-c", HOLD.format(verb=verb)]
        process = subprocess.Popen(code, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_nobody_uses_a_home_that_does_not_exist(tmp_path: Path) -> None:
    assert not usage.in_use(tmp_path / "home")


def test_each_user_counts_until_it_leaves(home: Path) -> None:
    first, second = usage.enter(home), usage.enter(home)
    usage.leave(first)
    assert usage.in_use(home)
    usage.leave(second)
    assert not usage.in_use(home)


def test_asking_does_not_count(home: Path) -> None:
    place = usage.enter(home)
    assert usage.in_use(home)
    assert usage.in_use(home)
    usage.leave(place)
    assert not usage.in_use(home)


def test_a_killed_user_does_not_count(home: Path, other: Start) -> None:
    process = other(f"place = usage.enter(Path({str(home)!r}))")
    assert usage.in_use(home)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not usage.in_use(home)


def test_a_program_that_a_user_starts_does_not_inherit_its_place(home: Path) -> None:
    place = usage.enter(home)
    child = subprocess.Popen(
        [sys.executable, "-c", "print('up', flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        close_fds=False,
    )
    assert child.stdout
    child.stdout.readline()
    os.close(place)
    assert not usage.in_use(home)
    child.communicate("\n")


def test_one_process_at_a_time_changes_the_server(home: Path, other: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    other(f"held = usage.changing(Path({str(home)!r})); held.__enter__()")
    monkeypatch.setattr("orchestration.servers.usage._CHANGE_PATIENCE_S", 0)
    with pytest.raises(EspalierError, match=r"another process has been .*change\.lock"), usage.changing(home):
        pass


def test_the_mark_to_keep_the_server_is_set_and_taken_away(tmp_path: Path) -> None:
    home = tmp_path / "new"
    assert not usage.is_kept(home)
    usage.mark_kept(home)
    usage.mark_kept(home)
    assert usage.is_kept(home)
    usage.unmark_kept(home)
    usage.unmark_kept(home)
    assert not usage.is_kept(home)
