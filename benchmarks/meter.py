"""What a piece of work costs: wall time, CPU seconds of the server and of this process, WAL, memory of its backend.

The server's CPU is that of its whole process tree: backends, parallel workers, I/O workers and whatever runs beside.
Which work is measured, and how often, is decided elsewhere.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

Figures = Mapping[str, float]
SAMPLING_INTERVAL = 0.01


@dataclass(frozen=True)
class Cost:
    """What one run cost. `figures` are what the work itself reported."""

    seconds: float
    server_cpu: float
    client_cpu: float
    wal_bytes: float
    figures: Figures

    def scaled(self, factor: float) -> "Cost":
        """Give the cost of so many times the work."""
        parts = (self.seconds, self.server_cpu, self.client_cpu, self.wal_bytes)
        return Cost(*(factor * part for part in parts), figures=self.figures)


class Meter:
    """Measures work on the server of a connection, which must be on this machine."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._server = _postmaster(connection.info.backend_pid)
        self._client = psutil.Process()

    def measure(self, work: Callable[[], Figures]) -> Cost:
        """Do the work once."""
        wal, server, client = self._wal(), self._server_cpu(), _own_cpu(self._client)
        started = time.perf_counter()
        figures = work()
        seconds = time.perf_counter() - started
        return Cost(seconds, self._server_cpu() - server, _own_cpu(self._client) - client, self._wal() - wal, figures)

    def _server_cpu(self) -> float:
        """Add up the processes that live and, at their parent, those that have ended."""
        ended = self._server.cpu_times()
        living = (_cpu_if_alive(process) for process in self._server.children(recursive=True))
        return _own_cpu(self._server) + ended.children_user + ended.children_system + sum(living)

    def _wal(self) -> float:
        row = self._connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS bytes").fetchone()
        return float(row["bytes"]) if row else 0.0


def _postmaster(backend: int) -> psutil.Process:
    parent = psutil.Process(backend).parent()
    if parent is None:
        raise LookupError(f"backend {backend} has no parent on this machine; benchmarks need a local server")
    return parent


def _own_cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _cpu_if_alive(process: psutil.Process) -> float:
    try:
        return _own_cpu(process)
    except psutil.NoSuchProcess:
        return 0.0


class MemoryWatch:
    """Watches the private memory of a backend and of its parallel workers, from another thread.

    `growth` is the highest sum of their anonymous pages above the backend's at the beginning, in bytes. Shared
    buffers do not count; nor does a parallel hash table, which is in shared memory.
    """

    def __init__(self, backend: int) -> None:
        self._backend, self._server = backend, _postmaster(backend)
        self._before = self._peak = _anonymous_pages(backend)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def growth(self) -> int:
        """The growth seen so far."""
        return self._peak - self._before

    def __enter__(self) -> "MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(SAMPLING_INTERVAL):
            watched = (self._backend, *self._workers())
            self._peak = max(self._peak, sum(_anonymous_pages(pid) for pid in watched))

    def _workers(self) -> list[int]:
        title = f"parallel worker for PID {self._backend}"
        return [process.pid for process in self._server.children() if title in _title(process)]


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def _anonymous_pages(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = next((line for line in status.splitlines() if line.startswith("RssAnon:")), "RssAnon: 0 kB")
    return int(found.split()[1]) * 1024
