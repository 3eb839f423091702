"""Signals that end a command, also where the interpreter loses the exception that they raise."""

import signal
import weakref

import pytest

from orchestration.cli import ending


class Held:
    """Something whose end is told to a callback."""


@pytest.fixture(autouse=True)
def nobody_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "_asked", [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_interrupts_and_afterwards_means_what_it_did(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), ending.ended_in_order():
        signal.raise_signal(number)
    assert signal.getsignal(number) == before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_whose_exception_was_lost_is_heeded_later() -> None:
    def callback(_: object) -> None:
        signal.raise_signal(signal.SIGTERM)
        sum(range(10))  # the handler runs here, where nothing can be raised

    with ending.ended_in_order():
        ending.heed()
        held = Held()
        reference = weakref.ref(held, callback)
        del held
        assert reference() is None
        with pytest.raises(KeyboardInterrupt):
            ending.heed()


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with ending.ended_in_order():
            signal.raise_signal(signal.SIGHUP)
            ending.heed()
    finally:
        signal.signal(signal.SIGHUP, before)
