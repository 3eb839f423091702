"""Draws of the demo data: the same on any machine, whatever the order; distributions as asked for."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from orchestration.demo import draws

NUMBERS = st.lists(st.integers(0, 2**40), min_size=1, max_size=50)


def test_the_draws_are_those_that_they_have_always_been() -> None:
    assert draws.bits("people", 3).tolist() == [
        7712335990750667605,
        6341605180568265428,
        16260492611881084768,
    ]


@given(NUMBERS)
def test_a_row_draws_the_same_whatever_rows_stand_beside_it(numbers: list[int]) -> None:
    together = draws.uniform("stream", np.array(numbers))
    alone = [draws.uniform("stream", np.array([number]))[0] for number in numbers]
    assert together.tolist() == alone


@given(NUMBERS, st.integers(1, 1000))
def test_a_draw_below_a_bound_is_below_it(numbers: list[int], bound: int) -> None:
    drawn = draws.below("stream", np.array(numbers), bound)
    assert ((drawn >= 0) & (drawn < bound)).all()


def test_streams_are_independent() -> None:
    one, other = draws.uniform("one", 20_000), draws.uniform("other", 20_000)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.02
    assert abs(one.mean() - 0.5) < 0.01


def test_a_spread_has_the_quantiles_that_were_asked_for() -> None:
    drawn = draws.spread("stream", 50_000, {0.0: 10, 0.5: 100, 0.95: 1000, 1.0: 5000})
    assert abs((drawn < 100).mean() - 0.5) < 0.01
    assert abs((drawn < 1000).mean() - 0.95) < 0.005


def test_weighted_draws_follow_the_weights_and_never_take_weight_zero() -> None:
    drawn = draws.weighted("stream", 30_000, np.array([1.0, 0.0, 2.0, 0.0]))
    assert np.bincount(drawn, minlength=4).tolist()[1::2] == [0, 0]
    assert abs((drawn == 2).mean() - 2 / 3) < 0.02


def test_a_shuffle_holds_every_number_once() -> None:
    assert sorted(draws.shuffled("stream", 500).tolist()) == list(range(500))


def test_a_power_law_leaves_much_to_few() -> None:
    weights = np.sort(draws.power_law("stream", 10_000))[::-1]
    assert weights[:100].sum() / weights.sum() > 0.3
