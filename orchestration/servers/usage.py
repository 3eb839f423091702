"""Who uses an embedded server: a shared lock per user of it, and the mark that it is to be kept running.

The kernel releases the lock of a process that was killed, so the count is always right. The lock's descriptor is not
inherited by programs that the process starts, least of all by the server.
"""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from orchestration.errors import EspalierError
from orchestration.servers.folders import ServerName, ours, prepare, unusable, writing

_CHANGE_PATIENCE_S = 900


@contextmanager
def changing(home: Path, server: ServerName = "postgres") -> Generator[None]:
    """Hold the lock under which the server is started and stopped; our folder must exist."""
    path = ours(home, server) / "change.lock"
    lock = FileLock(path, timeout=_CHANGE_PATIENCE_S, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise EspalierError(
            f"another process has been starting or stopping {server.capitalize()} "
            f"for {_CHANGE_PATIENCE_S // 60} minutes; find it with `lsof {path}`"
        ) from None
    except OSError as error:
        raise unusable(home, error) from error
    try:
        yield
    finally:
        lock.release()


def enter(home: Path, server: ServerName = "postgres") -> int:
    """Count ourselves as a user; return the descriptor to give to `leave`."""
    with writing(home):
        descriptor = _open(home, server)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        return descriptor


def leave(descriptor: int) -> None:
    """Count ourselves out."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def in_use(home: Path, server: ServerName = "postgres") -> bool:
    """Tell whether a living process counts as a user."""
    if not ours(home, server).is_dir():
        return False
    with writing(home):
        descriptor = _open(home, server)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def mark_kept(home: Path, server: ServerName = "postgres") -> None:
    """Ask that the server outlives its users, until `unmark_kept`."""
    prepare(home, server)
    with writing(home):
        _mark(home, server).touch(mode=0o600)


def unmark_kept(home: Path, server: ServerName = "postgres") -> None:
    """Let the last user stop the server again."""
    with writing(home), suppress(FileNotFoundError):
        _mark(home, server).unlink()


def is_kept(home: Path, server: ServerName = "postgres") -> bool:
    """Tell whether the server is to outlive its users."""
    return _mark(home, server).exists()


def _mark(home: Path, server: ServerName) -> Path:
    return ours(home, server) / "keep"


def _open(home: Path, server: ServerName) -> int:
    return os.open(ours(home, server) / "users.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
