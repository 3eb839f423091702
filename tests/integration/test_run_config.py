"""A run config with a value out of range: one line, one try, nothing written."""

from typing import Any

import pytest
from dagster import DagsterEventType

from tests.conftest import Materialize
from tests.ledgers import refusal


@pytest.mark.parametrize(
    ("key", "config", "line"),
    [
        (
            "community/user_totals",
            {"batch_size": 0},
            "run config: batch_size: input should be greater than or equal to 1, found 0; correct it and launch again",
        ),
        (
            "community/trust_scores",
            {"user_ids": []},
            "run config: user_ids: list should have at least 1 item after validation, not 0, found []; "
            "correct it and launch again",
        ),
    ],
)
def test_a_value_out_of_range_ends_the_run_with_one_line_and_no_second_try(
    materialize: Materialize, key: str, config: dict[str, Any], line: str
):
    result = materialize(key, config=config, raise_on_error=False)
    assert refusal(result, key) == line
    assert DagsterEventType.STEP_UP_FOR_RETRY not in {event.event_type for event in result.all_events}
