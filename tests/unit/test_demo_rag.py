"""The demo's dialogues: a hundred days with the dirt, the late rows and the bad days that the jobs must bear."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from statistics import fmean, median
from typing import Any

import pytest

from orchestration.demo import rag
from orchestration.demo.dialogues import COSTLY_DAYS, EMPTY_DAY, IRRELEVANT_DAYS, SLOW_DAYS, UNCITED_DAYS
from orchestration.demo.plan import DIALOGUE_DAYS, LAST_DAY, plan
from orchestration.demo.table import Table
from orchestration.zones import zone_info

Row = dict[str, Any]


def rows_of(table: Table, size: int = 20_000) -> Iterable[Row]:
    for block in table.blocks(size):
        yield from (dict(zip(block, values, strict=True)) for values in zip(*block.values(), strict=True))


@cache
def data() -> dict[str, list[Row]]:
    return {table.name: list(rows_of(table)) for table in rag.tables(plan("small"))}


def log() -> list[Row]:
    return data()["ai_dialogue_log"]


def tokyo_day(row: Row) -> date:
    moment: datetime = row["created_at"]
    return moment.replace(tzinfo=UTC).astimezone(zone_info("Asia/Tokyo")).date()


@cache
def by_day() -> dict[date, list[Row]]:
    days: defaultdict[date, list[Row]] = defaultdict(list)
    for row in log():
        days[tokyo_day(row)].append(row)
    return dict(days)


def present(column: str, first: int, last: int) -> list[Any]:
    days = (by_day()[LAST_DAY - timedelta(days=back)] for back in range(first, last + 1))
    return [row[column] for rows in days for row in rows if row[column] is not None]


def citations() -> list[Any]:
    return [json.loads(row["citations"]) for row in log() if row["citations"] is not None]


def test_there_are_about_six_dialogues_a_user() -> None:
    assert len(data()["users"]) == 1000
    assert 5_500 < len(log()) < 6_500


def test_equal_plans_give_equal_rows_whatever_the_size_of_a_block() -> None:
    assert {t.name: list(rows_of(t, size=555)) for t in rag.tables(plan("small"))} == data()


def test_the_days_of_tokyo_are_all_there_but_one() -> None:
    wanted = {LAST_DAY - timedelta(days=back) for back in range(DIALOGUE_DAYS)}
    assert wanted - set(by_day()) == {LAST_DAY - timedelta(days=EMPTY_DAY)}
    assert not set(by_day()) - wanted


def test_one_row_in_a_hundred_arrives_late_and_some_very_late() -> None:
    delays = [row["updated_at"] - row["created_at"] for row in log()]
    assert 30 < sum(delay > timedelta(0) for delay in delays) < 100
    assert max(delays) > timedelta(days=3)


def test_rows_stand_in_the_order_of_their_arrival() -> None:
    arrivals = [row["updated_at"] for row in log()]
    assert arrivals == sorted(arrivals)


def test_rows_stand_on_both_sides_of_midnight_in_tokyo() -> None:
    clock = Counter((row["created_at"] + timedelta(hours=9)).time().isoformat() for row in log())
    assert clock["00:00:00"] >= 4
    assert clock["23:59:59.999999"] >= 4


def test_citations_hold_all_the_dirt_of_a_real_log() -> None:
    arrays = [found for found in citations() if isinstance(found, list)]
    cited = [element for array in arrays for element in array]
    assert {type(found) for found in citations()} >= {type(None), dict, str, int, list}
    assert [] in arrays
    assert any(not isinstance(element, dict) for element in cited)
    assert any(isinstance(element, dict) and element.get("source", "") is None for element in cited)
    assert any(isinstance(element, dict) and "source" not in element for element in cited)
    assert any(len(array) == 2 and array[0] == array[1] for array in arrays)
    assert any(row["citations"] is None for row in log())


@pytest.mark.parametrize("column", ["latency_ms", "relevance_score", "token_cost_jpy"])
def test_figures_are_absent_now_and_then(column: str) -> None:
    assert 0 < sum(row[column] is None for row in log()) < 0.1 * len(log())


def test_figures_hold_values_that_should_not_be() -> None:
    assert min(present("latency_ms", 0, 36)) < 0
    assert max(present("relevance_score", 0, 36)) == 1.5
    assert min(present("token_cost_jpy", 0, 36)) == 0


def test_feedback_is_one_of_the_three_values_or_absent() -> None:
    assert {row["user_feedback"] for row in log()} == {-1, 0, 1, None}


def test_bad_days_miss_their_objective_and_ordinary_days_meet_it() -> None:
    assert median(present("latency_ms", *SLOW_DAYS)) > 1500 > median(present("latency_ms", 0, 9))
    assert fmean(present("token_cost_jpy", *COSTLY_DAYS)) > 3.0 > fmean(present("token_cost_jpy", 0, 9))
    assert fmean(present("relevance_score", *IRRELEVANT_DAYS)) < 0.7 < fmean(present("relevance_score", 0, 9))


def test_citations_are_scarce_on_some_days() -> None:
    def share(first: int, last: int) -> float:
        found = present("citations", first, last)
        return fmean(text not in {"[]", "null"} for text in found)

    assert share(*UNCITED_DAYS) < 0.7 < share(0, 9)


def test_sources_are_many_and_skewed() -> None:
    sources = Counter(
        element["source"]
        for array in citations()
        if isinstance(array, list)
        for element in array
        if isinstance(element, dict) and element.get("source")
    )
    assert len(sources) > 1000
    assert sum(n for _, n in sources.most_common(20)) > 0.2 * sources.total()


def test_references_hold_and_only_provenance_points_to_nothing() -> None:
    users = {row["id"] for row in data()["users"]}
    contents = {row["id"] for row in data()["materials"]} | {row["id"] for row in log()}
    internal = [row for row in data()["provenance"] if row["content_type"] != "note_article"]
    assert {row["user_id"] for row in log()} <= users
    assert {row["creator_id"] for row in data()["materials"]} <= users
    assert 0 < sum(row["content_id"] not in contents for row in internal) < 20


def test_ids_are_unique() -> None:
    for name, rows in data().items():
        assert len({row["id"] for row in rows}) == len(rows), name
