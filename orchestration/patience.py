"""How long anything that talks to a server may take, and how a wait for a silent one is ended.

A peer whose machine or network is gone without a word never answers, and neither driver gives up by itself; what a
caller does afterwards (retry, reconnect, refuse) is not decided here.
"""

import os
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Thread
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


@contextmanager
def cut_after(seconds: float, cut: Callable[[], object]) -> Generator[None]:
    """Call `cut` in another thread if the block is not left in time."""
    left = Event()
    watch = Thread(target=lambda: left.wait(seconds) or cut(), name="espalier-patience", daemon=True)
    watch.start()
    try:
        yield
    finally:
        left.set()


def hang_up(connection: psycopg.Connection[Any]) -> None:
    """Shut the socket under a connection, so that whoever waits on it fails at once."""
    with suppress(OSError, psycopg.OperationalError), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
