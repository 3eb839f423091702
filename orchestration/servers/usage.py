"""Who uses the embedded server: a shared lock per user of it, and the mark that it is to be kept running.

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
from orchestration.servers.folders import ours, prepare, unusable, writing

_CHANGE_PATIENCE_S = 900


@contextmanager
def changing(home: Path) -> Generator[None]:
    """Hold the lock under which the server is started and stopped; our folder must exist."""
    path = ours(home) / "change.lock"
    lock = FileLock(path, timeout=_CHANGE_PATIENCE_S, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise EspalierError(
            f"another process has been starting or stopping Postgres for {_CHANGE_PATIENCE_S // 60} minutes; "
            f"find it with `lsof {path}`"
        ) from None
    except OSError as error:
        raise unusable(home, error) from error
    try:
        yield
    finally:
        lock.release()


def enter(home: Path) -> int:
    """Count ourselves as a user; return the descriptor to give to `leave`."""
    with writing(home):
        descriptor = _open(home)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        return descriptor


def leave(descriptor: int) -> None:
    """Count ourselves out."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def in_use(home: Path) -> bool:
    """Tell whether a living process counts as a user."""
    if not ours(home).is_dir():
        return False
    with writing(home):
        descriptor = _open(home)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def mark_kept(home: Path) -> None:
    """Ask that the server outlives its users, until `unmark_kept`."""
    prepare(home)
    with writing(home):
        _mark(home).touch(mode=0o600)


def unmark_kept(home: Path) -> None:
    """Let the last user stop the server again."""
    with writing(home), suppress(FileNotFoundError):
        _mark(home).unlink()


def is_kept(home: Path) -> bool:
    """Tell whether the server is to outlive its users."""
    return _mark(home).exists()


def _mark(home: Path) -> Path:
    return ours(home) / "keep"


def _open(home: Path) -> int:
    return os.open(ours(home) / "users.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
