"""The servers of the UI, webserver and daemon: started together, healthy or not at all, stopped without trace.

Beside them runs the process that keeps the graph equal to Postgres.

How a process is started and stopped stands in `process_records.py`; what the UI lets through in `access.py`.
"""

import errno
import socket
import sys
import time
from collections.abc import Collection, Container, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from orchestration.errors import EspalierError
from orchestration.servers import health, process_records
from orchestration.servers.folders import make_folders, writing
from orchestration.servers.process_records import Server
from orchestration.settings import PROJECT, Settings

_WEBSERVER, _DAEMON = "webserver", "daemon"
FOLLOWER = "graph-sync"
_FOLLOW = (sys.executable, "-m", "orchestration.cli", "graph", "sync", "--follow")
_POLL_S = 0.25


@dataclass(frozen=True)
class Ui:
    """The running UI; `started` names the servers that this very call started, none if it was already up."""

    port: int
    servers: tuple[Server, ...]
    started: tuple[str, ...]

    @property
    def url(self) -> str:
        """The address to open in a browser."""
        return f"http://127.0.0.1:{self.port}"


def dagster_environment(settings: Settings) -> dict[str, str]:
    """Give what Dagster's own programs and ours need in their environment to work on the site's instance.

    Raises:
        EspalierError: there is no Postgres for the instance yet.
    """
    return {
        "DAGSTER_HOME": str(PROJECT),
        "DAGSTER_DISABLE_TELEMETRY": "1",  # dagster.yaml says so, too; without this, empty folders are made in PROJECT
        # SQLAlchemy reads a bare postgresql:// as psycopg 3, on which Dagster's storage fails at its first NOTIFY.
        "DAGSTER_PG_URL": settings.url("dagster").replace("postgresql://", "postgresql+psycopg2://", 1),
        "ESPALIER_HOME": str(settings.home),
        "ESPALIER_DAGSTER_STORAGE": str(settings.home / "dagster"),
    }


def running(home: Path) -> list[Server]:
    """Give the servers of this home that live."""
    return [server for server in process_records.known(home) if server.process()]


def start_ui(
    settings: Settings,
    port: int,
    *,
    read_only: bool = False,
    workspace: Path = PROJECT / "workspace.yaml",
    time_limit: float = 180.0,
) -> Ui:
    """Start webserver and daemon, as far as they do not run yet, and wait until both are healthy.

    Raises:
        EspalierError: the port is occupied, a server ended, or the time limit has passed. What was started by this
            call is stopped again.
    """
    environment = dagster_environment(settings)
    commands = _commands(port, workspace, read_only)
    with _alone(settings.home, time_limit):
        living = {server.name: server for server in running(settings.home)}
        _refuse_other_port(living.get(_WEBSERVER), port)
        missing = {name: command for name, command in commands.items() if name not in living}
        with all_or_nothing(settings.home, before=set(living)):
            for name, command in missing.items():
                living[name] = process_records.start(settings.home, name, command, environment, port=port)
            _wait_until_healthy(living.values(), port, time_limit)
    return Ui(port, tuple(living.values()), tuple(missing))


def start_follower(settings: Settings, *, time_limit: float = 180.0) -> None:
    """Start the process that brings changes into the graph as they come, if it does not run; it is not waited for."""
    command = [sys.executable, "-m", "orchestration.servers.supervisor", *_FOLLOW]
    with _alone(settings.home, time_limit):
        if FOLLOWER not in {server.name for server in running(settings.home)}:
            process_records.start(settings.home, FOLLOWER, command, dagster_environment(settings))


def stop_all(home: Path, *, time_limit: float = 60.0) -> list[str]:
    """Stop all servers of this home with everything that came of them; give their names.

    Raises:
        EspalierError: a process does not end, or another command is at work on this home.
    """
    if not (home / "run").is_dir():
        return []
    with _alone(home, time_limit):
        servers = process_records.known(home)
        process_records.stop(home, servers)
    return [server.name for server in servers]


def refuse_occupied(port: int) -> None:
    """Refuse a port of 127.0.0.1 that somebody holds or that this user may not have.

    Raises:
        EspalierError: names the port, its holder where it can be seen, and the way out.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise EspalierError(f"port {port} needs root; choose one above 1023: `espalier up --port 3000`") from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            way_out = f"stop that or choose another port: `espalier up --port {port + 1}`"
            raise EspalierError(f"port {port} on 127.0.0.1 is occupied{_holder(port)}; {way_out}") from None


def _holder(port: int) -> str:
    """Name the process that listens on a port, as far as this user may see it."""
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and tuple(connection.laddr)[1:2] == (port,)
            if listens and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        return ""
    return ""


def _commands(port: int, workspace: Path, read_only: bool) -> dict[str, Sequence[str]]:
    python, file = sys.executable, str(workspace)
    webserver = [python, "-m", "orchestration.servers.webserver", "--port", str(port), "--workspace", file]
    daemon = [python, "-m", "dagster._daemon", "run", "--workspace", file]
    return {_WEBSERVER: [*webserver, "--read-only"] if read_only else webserver, _DAEMON: daemon}


def _refuse_other_port(webserver: Server | None, port: int) -> None:
    if webserver is None:
        refuse_occupied(port)
    elif webserver.port != port:
        raise EspalierError(f"the UI already runs on port {webserver.port}, not {port}; first run `espalier down`")


@contextmanager
def _alone(home: Path, patience: float) -> Generator[None]:
    """Let one command at a time start or stop servers of a home."""
    lock = FileLock(home / "run" / "lock")
    with writing(home):
        make_folders(home / "run", mode=0o700)
        try:
            lock.acquire(timeout=patience)
        except Timeout:
            raise EspalierError(f"another espalier command is at work in {home}; try again when it ended") from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def all_or_nothing(home: Path, *, before: Container[str]) -> Generator[None]:
    """Stop the servers again that were started in the block, if it is left by an exception.

    Args:
        home: the site's home.
        before: the names of those that ran before; they are left alone.
    """
    try:
        yield
    except BaseException:  # a keyboard interrupt, too, must leave no process behind
        process_records.stop(home, [server for server in process_records.known(home) if server.name not in before])
        raise


def _wait_until_healthy(servers: Collection[Server], port: int, time_limit: float) -> None:
    since = next(server.started_at for server in servers if server.name == _DAEMON)
    end = time.monotonic() + time_limit
    while waits_for := health.missing(port, since):
        for server in servers:
            if not server.process():
                raise EspalierError(f"the {server.name} ended: {server.last_log_line()}; see {server.log}")
        if time.monotonic() > end:
            lines = "; ".join(f"{server.log}: {server.last_log_line()}" for server in servers)
            raise EspalierError(f"after {time_limit:.0f} s {waits_for}; {lines}")
        time.sleep(_POLL_S)
