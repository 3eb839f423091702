"""The benchmarks' sides give equal results, on data so small that nothing is measured: they must not rot."""

from typing import LiteralString

import pytest
from psycopg.sql import SQL

from benchmarks.__main__ import JOBS
from benchmarks.comparison import Different, Job, Outcome, compare, keep, require_equal
from benchmarks.sizes import SIZES
from benchmarks.workbench import Workbench, open_workbench
from tests.conftest import Site

TINY = SIZES["tiny"]
LINES: list[str] = []


@pytest.mark.parametrize("job", [pytest.param(job, id=name) for name, job in JOBS.items()])
def test_all_sides_of_a_job_give_equal_results(site: Site, job: Job):
    with open_workbench(site.settings, job.domain, TINY) as bench:
        outcome = compare(bench, job, 1, LINES.append)
    assert set(outcome.costs) == {side.name for side in job.sides}
    assert all(cost.seconds > 0 for costs in outcome.costs.values() for cost in costs)
    assert set(outcome.memory) == {side.name for side in job.sides if side.watched}
    assert_unchanged_re_runs_write_nothing(outcome)


def assert_unchanged_re_runs_write_nothing(outcome: Outcome) -> None:
    again = [side.name for side in outcome.job.sides if side.name.startswith("re-run") and "new votes" not in side.name]
    assert again
    assert {outcome.highest(name, "rows_written") for name in again} == {0}


@pytest.fixture
def bench(site: Site):
    """Give a workbench of the community domain."""
    with open_workbench(site.settings, "community", TINY) as bench:
        yield bench


def test_the_data_are_as_many_as_asked_for_and_skewed(bench: Workbench):
    counts = bench.figures(
        SQL(
            """
            SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM answers) AS answers,
                   (SELECT count(*) FROM doubt_votes) + (SELECT count(*) FROM answer_votes) AS votes,
                   (SELECT count(*) FROM xp_ledger) AS xp, (SELECT count(*) FROM reputation_ledger) AS reputation,
                   (SELECT max(n) FROM (SELECT count(*) AS n FROM xp_ledger GROUP BY "userId") AS by_user) AS most_xp
            """
        )
    )
    most = counts.pop("most_xp")
    assert counts == {"users": 60, "answers": 60, "votes": 900, "xp": 400, "reputation": 100}
    assert most > 5 * TINY.xp_entries / TINY.users


@pytest.mark.parametrize(
    "wrong", ["UPDATE vote_graph SET reciprocity = 0.5 WHERE id = (SELECT min(id) FROM vote_graph)",
              "DELETE FROM vote_graph WHERE id = (SELECT min(id) FROM vote_graph)"],
)  # fmt: skip
def test_a_side_that_differs_is_reported_and_not_measured(bench: Workbench, wrong: LiteralString):
    rows = SQL('SELECT "voterId", "targetUserId", reciprocity FROM vote_graph')
    job = JOBS["vote_graph"]
    job.sides[0].work(bench)
    keep(bench, rows)
    require_equal(bench, "itself", rows)
    bench.execute(SQL(wrong))
    with pytest.raises(Different, match=r"the other: . rows that the platform has not, 1 missing"):
        require_equal(bench, "the other", rows)
