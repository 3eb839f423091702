"""The postmaster as a process: is it alive, what did a dead one leave behind, which of our processes are its orphans.

Starting and stopping it is `cluster.py`; nothing here connects.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from orchestration.servers.folders import Location

_READY = {"ready", "standby"}
_STATUS_LINE = 7
_KILLED_S = 10
_SHUTDOWN_S = 300


def is_ready(location: Location) -> bool:
    """Tell whether the server is up and takes connections, by the file that it keeps for this."""
    lines = _pid_file_lines(location.data)
    status = lines[_STATUS_LINE].strip() if len(lines) > _STATUS_LINE else ""
    return status in _READY and alive(location.data)


def alive(data: Path) -> bool:
    """Tell whether the process named in the pid file lives and is a Postgres of this data folder."""
    pid = _pid(data)
    return pid is not None and _works_in(pid, data)


def end(data: Path) -> None:
    """Ask a server for a fast shutdown, without its programs, and wait for it."""
    pid = _pid(data)
    if pid is not None and _works_in(pid, data):
        os.kill(pid, signal.SIGINT)
        _await_end(data, _SHUTDOWN_S)


def end_orphans(data: Path) -> None:
    """End what a killed postmaster left running; such a process serves nobody and blocks the next start."""
    if alive(data):
        return
    for process in _servers_in(data):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _await_end(data, _KILLED_S)


def clear_stale_files(location: Location) -> None:
    """Remove the lock files of a dead server whose pid is now another process's, or a zombie's.

    Postgres asks only whether a process of that number exists, and would refuse to start until a person removed
    them. Those whose process does not exist it clears itself, with a check of its own that we leave to it.
    """
    pid = _pid(location.data)
    if (pid is not None and not _exists(pid)) or next(_servers_in(location.data), None):
        return
    (location.data / "postmaster.pid").unlink(missing_ok=True)
    (location.socket / ".s.PGSQL.5432.lock").unlink(missing_ok=True)


def _await_end(data: Path, seconds: float) -> None:
    """Wait until nothing works in the data folder; zombies, which a container may keep for ever, do not count."""
    running = retry_if_result(lambda process: process is not None)
    waits = Retrying(retry=running, wait=wait_fixed(0.05), stop=stop_after_delay(seconds))
    with suppress(RetryError):
        waits(lambda: next(_servers_in(data), None))


def _pid(data: Path) -> int | None:
    lines = _pid_file_lines(data)
    return int(lines[0]) if lines and lines[0].strip().isdigit() else None


def _pid_file_lines(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _servers_in(data: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter(["name"]):
        if process.info["name"] == "postgres" and _works_in(process.pid, data):
            yield process


def _works_in(pid: int, data: Path) -> bool:
    """Each process of a server has its data folder as its working folder; a zombie has none."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return process.name() == "postgres" and process.cwd() == str(data)
    return False
