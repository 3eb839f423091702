"""Processes that a test kills, stops or holds up, forked from one that has imported everything already.

A run must not be a thread of the test: Dagster sets up the logging of the whole process for every run, and two runs in
one process block each other for ever. A fresh interpreter would spend five seconds on imports each time.
"""

import multiprocessing
import os
import warnings
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([f"tests.faults.run_{what}" for what in ("asset", "drain", "migration")])


class Forked:
    """A process of its own at a piece of work; its exit code is the negative signal that killed it."""

    def __init__(self, environment: Mapping[str, str], work: Callable[..., None], *arguments: object) -> None:
        self._process = _FORKS.Process(target=_work, args=(dict(environment), work, arguments), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Give the exit code, None while it works."""
        return self._process.exitcode

    def wait(self, seconds: float) -> int:
        """Wait for the end and give the exit code."""
        self._process.join(seconds)
        code = self.poll()
        assert code is not None, f"still at work after {seconds} s"
        return code

    def kill(self) -> None:
        """End it at once, and wait until it has."""
        self._process.kill()
        self._process.join()


@contextmanager
def forked(environment: Mapping[str, str], work: Callable[..., None], *arguments: object) -> Generator[Forked]:
    """Have a process at work; it is killed if it still is at the end."""
    process = Forked(environment, work, *arguments)
    try:
        yield process
    finally:
        process.kill()


def _work(environment: dict[str, str], work: Callable[..., None], arguments: tuple[object, ...]) -> None:
    """Be silent, in the environment given."""
    warnings.simplefilter("ignore")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    os.environ.update(environment)
    work(*arguments)
