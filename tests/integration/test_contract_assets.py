"""What reads the ledgers goes on through the hand-over: the backfill, the totals, the observation of the sources."""

import dagster as dg
import pytest

from assets import community
from assets.sources import observed_sources
from orchestration.cli.runs import QUIET
from tests import factories
from tests.conftest import Connection, Materialize, Site, figures
from tests.ledgers import checks
from tests.migrations.switching import RETIRED, SWITCHED, let_days_pass, take

KEY, LEDGER = "community/xp_ledger", ["community", "points_ledger"]
pytestmark = pytest.mark.parametrize("server", [18], indirect=True, ids=["pg18"], scope="session")


def hand_over(site: Site, connection: Connection, state: str) -> None:
    """Take the contract as far as a state says."""
    if state != "base":
        take(site, SWITCHED)
    if state == RETIRED:
        let_days_pass(connection)
        take(site, RETIRED)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (SWITCHED, "xp_ledger is the writing side: points_ledger follows it"),
        (RETIRED, "points_ledger is retired: nothing is left to backfill"),
    ],
)
def test_after_the_switch_the_backfill_says_so_and_writes_nothing(
    site: Site, materialize: Materialize, state: str, said: str
):
    with site.connect() as connection:
        factories.users(connection, "ann")
        factories.points(connection, "ann", 5, id="p")
        materialize(KEY)
        hand_over(site, connection, state)
        connection.execute("UPDATE xp_ledger SET \"finalXP\" = 9, \"eventType\" = 'PEER_REVIEW' WHERE id = 'p'")
        factories.xp(connection, "ann", 3, "PEER_REVIEW", finalXP=4)
        before = connection.execute("SELECT xmin::text, * FROM xp_ledger ORDER BY id").fetchall()
        for config in ({}, {"full_refresh": True}):
            result = materialize(KEY, config=config)
            found = figures(result, KEY)
            assert (found["hand_over"], found["rows_written"], found["dagster/row_count"]) == (said, 0, 2)
            assert checks(result) == {"ledger_equals_source": True}
        assert connection.execute("SELECT xmin::text, * FROM xp_ledger ORDER BY id").fetchall() == before


def test_after_the_switch_the_check_fails_at_a_row_that_one_ledger_lacks(site: Site, materialize: Materialize):
    with site.connect("community", "bootstrap") as connection:
        factories.users(connection, "ann")
        materialize(KEY)
        hand_over(site, connection, SWITCHED)
        connection.execute("SET session_replication_role = replica")
        factories.xp(connection, "ann", 3, id="alone")
        result = materialize(KEY, raise_on_error=False)
    assert checks(result) == {"ledger_equals_source": False}
    assert figures(result, KEY)["unsourced"] == 1


def test_the_walk_goes_on_when_the_switch_was_taken_back(site: Site, materialize: Materialize):
    with site.connect() as connection:
        factories.users(connection, "ann")
        factories.points(connection, "ann", 5, id="p")
        materialize(KEY)
        hand_over(site, connection, SWITCHED)
        factories.xp(connection, "ann", 3, "PEER_REVIEW", id="since", finalXP=4)
        take(site, "base")
        result = materialize(KEY, config={"full_refresh": True})
    assert checks(result) == {"ledger_equals_source": True}
    assert "hand_over" not in figures(result, KEY)
    assert figures(result, KEY)["source_rows"] == 2


@pytest.mark.parametrize("state", ["base", SWITCHED, RETIRED])
def test_the_totals_and_the_sources_are_there_in_every_state(site: Site, materialize: Materialize, state: str):
    with site.connect() as connection:
        factories.users(connection, "ann")
        factories.points(connection, "ann", 5)
        materialize(KEY)
        hand_over(site, connection, state)
        factories.xp(connection, "ann", 2)
        materialize("community/reputation_ledger")
        materialize("community/trust_scores")
        result = materialize("community/user_totals")
        assert result.success
        assert connection.execute('SELECT "totalXP" FROM users').fetchall() == [{"totalXP": 7}]
    observe = observed_sources("community", "community_0017", community.ASSETS)
    postgres = dg.ResourceDefinition.hardcoded_resource(site.postgres)
    job = dg.define_asset_job("observe", selection=dg.AssetSelection.assets(observe))
    definitions = dg.Definitions([observe], jobs=[job], resources={"postgres": postgres})
    assert definitions.resolve_job_def("observe").execute_in_process(run_config=QUIET, instance=materialize.instance)
    event = materialize.instance.fetch_observations(dg.AssetKey(LEDGER), limit=1).records[0]
    assert event.asset_observation is not None
    assert event.asset_observation.metadata["newest_row"].value == "2026-01-01T12:00:00"
