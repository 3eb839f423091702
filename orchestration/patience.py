"""How long anything that talks to a server may take, and how a wait for a silent one is ended.

A peer whose machine or network is gone without a word never answers, and neither driver gives up by itself; what a
caller does afterwards (retry, reconnect, refuse) is not decided here.
"""

import os
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Condition, Thread
from time import monotonic
from typing import Any

import psycopg


@dataclass(frozen=True)
class Patience:
    """Seconds after which something is given up.

    Attributes:
        connect: until a connection is open and the server has greeted.
        transaction: until the server itself ends a transaction and frees its locks, also one whose client is stopped.
        silence: until a server that owes an answer counts as lost; longer than a transaction may last.
    """

    connect: float = 10
    transaction: float = 30
    silence: float = 45


class _Watch:
    """One thread that looks after every wait of the process: a thread for each costs more than most waits."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._cuts: dict[object, tuple[float, Callable[[], object]]] = {}
        self._looks_at = float("inf")
        self._thread: Thread | None = None

    def add(self, deadline: float, cut: Callable[[], object]) -> object:
        """Have `cut` called at a time of the monotonic clock; give what `drop` takes."""
        wait = object()
        with self._changed:
            self._cuts[wait] = (deadline, cut)
            if self._thread is None or not self._thread.is_alive():  # a fork has left it behind
                self._thread = Thread(target=self._look, name="espalier-patience", daemon=True)
                self._thread.start()
            elif deadline < self._looks_at:
                self._changed.notify()
        return wait

    def drop(self, wait: object) -> None:
        """Forget a wait that has ended."""
        with self._changed:
            self._cuts.pop(wait, None)

    def _look(self) -> None:
        with self._changed:
            while True:
                now = monotonic()
                for wait in [wait for wait, (deadline, _) in self._cuts.items() if deadline <= now]:
                    _, cut = self._cuts.pop(wait)
                    Thread(target=cut, name="espalier-cut", daemon=True).start()  # it may be slow itself
                self._looks_at = min((deadline for deadline, _ in self._cuts.values()), default=float("inf"))
                self._changed.wait(None if self._looks_at == float("inf") else self._looks_at - now)


_watch = _Watch()


@contextmanager
def cut_after(seconds: float, cut: Callable[[], object]) -> Generator[None]:
    """Call `cut` in another thread if the block is not left in time."""
    wait = _watch.add(monotonic() + seconds, cut)
    try:
        yield
    finally:
        _watch.drop(wait)


def hang_up(connection: psycopg.Connection[Any]) -> None:
    """Shut the socket under a connection, so that whoever waits on it fails at once."""
    with suppress(OSError, psycopg.OperationalError), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
