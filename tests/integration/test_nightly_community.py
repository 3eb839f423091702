"""The whole nightly job of the community domain in one run over days, as the UI launches it for a partition."""

from tests import factories
from tests.conftest import Materialize, Site, figures
from tests.ledgers import complete_backfills

KEYS = ("community/vote_graph", "community/trust_scores", "community/user_totals", "community/leaderboard_entries")


def test_a_partition_of_the_whole_job_runs_with_the_assets_that_have_no_days(site: Site, materialize: Materialize):
    with site.connect() as connection:
        factories.users(connection, "ann", "bob")
        factories.vote(connection, "ann", "bob")
        complete_backfills(connection)
    first = materialize(*KEYS, partition="2026-01-02")
    again = materialize(*KEYS, partition="2026-01-02")
    assert figures(first, "community/vote_graph")["rows_written"] == 1
    assert {key: figures(again, key)["rows_written"] for key in KEYS} == dict.fromkeys(KEYS, 0)
