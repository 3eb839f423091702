"""Processes that outlive the command that started them: started detached, remembered in a file, stopped as a family.

A record names its process by pid and creation time, as pids are used again. Each process of the family carries
the path of the record in its environment, so that the orphans of a killed server are found, too. Which servers
there are, and when they are healthy, stands in `processes.py`.
"""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from orchestration.errors import EspalierError
from orchestration.servers.folders import make_folders, write_private, writing

_MARK = "_ESPALIER_STARTED_AS"
_CLOCK_TOLERANCE_S = 1.0
_LOG_LIMIT = 10_000_000
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_POLL_S = 0.05

# Children of this very process, kept until they are reaped: a forgotten one is a warning of the interpreter.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Server:
    """A server that was started detached, as its file in `<home>/run` remembers it."""

    name: str
    pid: int
    create_time: float
    started_at: float
    mark: str
    log: str
    log_offset: int
    port: int | None = None

    def process(self) -> psutil.Process | None:
        """Find the live process; None when it ended, even if its pid belongs to another one by now."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.create_time) <= _CLOCK_TOLERANCE_S
        except psutil.NoSuchProcess:
            return None
        return process if same and lives(process) else None

    def family(self) -> set[psutil.Process]:
        """Find the server and all that came of it: code servers, run workers, orphans of a killed server."""
        found = {process for process in psutil.process_iter() if _carries(process, self.mark)}
        leader = self.process()
        return {leader, *found} if leader else found

    def last_log_line(self) -> str:
        """Give the last line that this server wrote, without colours."""
        with open(self.log, "rb") as log:
            log.seek(self.log_offset)
            text = _COLOURS.sub("", log.read().decode(errors="replace"))
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1] if lines else "it wrote no line"


def start(
    home: Path, name: str, command: Sequence[str], environment: Mapping[str, str], *, port: int | None = None
) -> Server:
    """Start a server in a session of its own, its output in `<home>/logs/<name>.log`, and remember it."""
    mark, log, now = str(_record_file(home.resolve(), name)), _log_file(home, name), time.time()
    with open(log, "ab", opener=_private) as output:
        offset = output.tell()
        process = subprocess.Popen(  # noqa: S603 - the commands are our own, see processes.py
            command,
            env={**os.environ, **environment, _MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    created = keep(process).create_time()
    server = Server(name, process.pid, created, now, mark, str(log), offset, port)
    try:
        _remember(home, server)
    except BaseException:
        process.kill()  # nobody would find it again
        process.wait()
        raise
    return server


def keep(process: subprocess.Popen[bytes]) -> psutil.Process:
    """Keep hold of a child that may outlive us, so that `lives` can tell when it has ended; bury those that have."""
    for child in _children.values():
        child.poll()
    _children[process.pid] = process
    return psutil.Process(process.pid)


def known(home: Path) -> list[Server]:
    """Read the records of all servers that were started and not stopped, whether they live or not."""
    return [Server(**json.loads(path.read_text())) for path in sorted((home / "run").glob("*.json"))]


def stop(home: Path, servers: Sequence[Server], *, patience: float = 15.0) -> None:
    """Stop servers with their families: asked first, told next, killed last; then forget them.

    The servers alone are asked, as each ends its own code servers in order; whatever outlives them, a run in
    progress for one, is then told itself.

    Raises:
        EspalierError: a process survived even that.
    """
    leaders = {process for server in servers if (process := server.process())}
    end(leaders, "terminate", patience)
    end(_families(servers), "terminate", patience)
    survivors = end(_families(servers), "kill", patience)
    if survivors:
        pids = ", ".join(str(process.pid) for process in survivors)
        raise EspalierError(f"processes {pids} do not end although killed; look at them with `ps`, then try again")
    for server in servers:
        _record_file(home, server.name).unlink(missing_ok=True)


def _families(servers: Iterable[Server]) -> set[psutil.Process]:
    return {process for server in servers for process in server.family()}


def end(processes: set[psutil.Process], how: str, patience: float) -> set[psutil.Process]:
    """Send each process the signal and wait; give those that still live."""
    for process in processes:
        try:
            getattr(process, how)()
        except psutil.NoSuchProcess:
            continue
    deadline = time.monotonic() + patience
    while (living := {p for p in processes if lives(p)}) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return living


def lives(process: psutil.Process) -> bool:
    """Whether a process still runs; one that waits only for its parent to take note of its end does not.

    Of a program with threads the first one may have ended while others still hold its files.
    """
    try:
        ended = process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1
        alive = process.is_running() and not ended
    except psutil.NoSuchProcess:
        alive = False
    if not alive and (child := _children.get(process.pid)):
        child.poll()
    return alive


def _carries(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(_MARK) == mark and lives(process)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _record_file(home: Path, name: str) -> Path:
    return home / "run" / f"{name}.json"


def _remember(home: Path, server: Server) -> None:
    path = _record_file(home, server.name)
    with writing(home):
        make_folders(path.parent, mode=0o700)
        write_private(path, json.dumps(asdict(server), indent=2))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)


def _log_file(home: Path, name: str) -> Path:
    """Name the log, after moving a long one aside."""
    path = home / "logs" / f"{name}.log"
    with writing(home):
        make_folders(path.parent, mode=0o700)
        if path.exists() and path.stat().st_size > _LOG_LIMIT:
            path.replace(path.with_suffix(".log.1"))
    return path
