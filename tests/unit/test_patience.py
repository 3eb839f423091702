"""The watch over waits for a silent server: each ends at its own time, and one that has ended cuts nothing."""

from threading import Event

from orchestration.patience import cut_after

LONG_S, SHORT_S, BOUND_S = 600, 0.05, 30


def test_a_short_wait_is_cut_although_a_long_one_was_begun_before() -> None:
    long, short = Event(), Event()
    with cut_after(LONG_S, long.set), cut_after(SHORT_S, short.set):
        assert short.wait(BOUND_S)
    assert not long.is_set()


def test_a_wait_that_was_over_in_time_is_not_cut() -> None:
    left, later = Event(), Event()
    with cut_after(SHORT_S, left.set):
        pass
    with cut_after(2 * SHORT_S, later.set):
        assert later.wait(BOUND_S)
    assert not left.is_set()


def test_a_cut_that_takes_long_holds_up_no_other() -> None:
    release, other = Event(), Event()
    with cut_after(SHORT_S, release.wait), cut_after(2 * SHORT_S, other.set):
        assert other.wait(BOUND_S)
    release.set()
