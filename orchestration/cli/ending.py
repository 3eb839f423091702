"""Signals that end a command: each is treated as Ctrl-C, so that what a command started does not outlive it.

The interpreter raises KeyboardInterrupt wherever it happens to be, and loses it where it cannot raise: in a finalizer,
in a callback of a weak reference. So the signal is noted too, for those to heed who are about to leave something
running.
"""

import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_asked: list[int] = []


@contextmanager
def ended_in_order() -> Generator[None]:
    """Raise KeyboardInterrupt at SIGTERM and SIGHUP, unless somebody else handles or ignores them, and at SIGINT."""
    usual = {signal.SIG_DFL, signal.default_int_handler}
    handlers = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    taken = {number: handler for number, handler in handlers.items() if handler in usual}
    for number in taken:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in taken.items():
            signal.signal(number, handler)


def heed() -> None:
    """Raise what a signal may have raised in vain; call it before leaving something that outlives the command.

    Raises:
        KeyboardInterrupt: the command was asked to end.
    """
    if _asked:
        raise KeyboardInterrupt


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    _asked.append(number)
    raise KeyboardInterrupt
