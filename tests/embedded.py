"""What the tests of the embedded Postgres share: ways to look at a server, at modes and at processes."""

import json
import os
import signal
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from orchestration.errors import EspalierError
from orchestration.servers.postgres import EmbeddedPostgres

IS_ROOT = os.geteuid() == 0
FAST = {"fsync": "off", "shared_buffers": "16MB"}
CLOSED = 0o700
needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root can act as a second OS user")

Connection = psycopg.Connection[tuple[object, ...]]
NewServer = Callable[..., EmbeddedPostgres]


def urls(server: EmbeddedPostgres) -> dict[str, str]:
    """Read the roles' URLs."""
    return json.loads(server.connections_file.read_text())


def connect(server: EmbeddedPostgres, role: str, database: str | None = None) -> Connection:
    """Connect a role, to its own database unless another is named."""
    url = urls(server)[role]
    return psycopg.connect(url, autocommit=True, dbname=database) if database else psycopg.connect(url, autocommit=True)


def value(server: EmbeddedPostgres, statement: str, role: str = "bootstrap") -> object:
    """Give the single value that a statement returns."""
    with connect(server, role) as conn:
        return conn.execute(statement.encode()).fetchall()[0][0]


def write_rows(server: EmbeddedPostgres) -> None:
    """Write a thousand rows."""
    with connect(server, "migrator") as conn:
        conn.execute("CREATE SCHEMA s")
        conn.execute("CREATE TABLE s.t AS SELECT generate_series(1, 1000) AS n")


def rows(server: EmbeddedPostgres) -> object:
    """Count the rows of `write_rows`."""
    return value(server, "SELECT count(*) FROM s.t", "migrator")


def postmaster_pid(server: EmbeddedPostgres) -> int:
    """Read the pid that the server has written down."""
    return int((server.data_folder / "postmaster.pid").read_text().split()[0])


def kill(server: EmbeddedPostgres) -> None:
    """Kill the postmaster and wait until it is gone."""
    os.kill(postmaster_pid(server), signal.SIGKILL)
    eventually(lambda: not server.is_running())


def eventually(condition: Callable[[], bool], seconds: float = 30, every: float = 0.02) -> None:
    """Wait until a condition holds."""
    stop, wait = stop_after_delay(seconds), wait_fixed(every)
    Retrying(retry=retry_if_result(lambda held: not held), stop=stop, wait=wait)(condition)


def processes_in(folder: Path) -> list[psutil.Process]:
    """Find the processes that work in a folder."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cwd().startswith(str(folder)):
                found.append(process)
    return found


def mode(path: Path) -> int:
    """Give the mode bits."""
    return stat.S_IMODE(path.stat().st_mode)


def modes_above(path: Path) -> dict[Path, tuple[int, int]]:
    """Give mode and owner of every folder above that exists."""
    return {parent: (parent.stat().st_mode, parent.stat().st_uid) for parent in path.parents if parent.exists()}


def refusal(server: EmbeddedPostgres) -> str:
    """Start a server that must refuse; give its one line."""
    with pytest.raises(EspalierError) as refused:
        server.start()
    line = str(refused.value)
    assert "\n" not in line
    return line
