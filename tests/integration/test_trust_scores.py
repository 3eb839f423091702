"""Everybody without a trust score gets the neutral one; scores that exist are left alone."""

import dagster as dg
import pytest

from assets.community.trust_scores import TrustScoresConfig
from tests import factories
from tests.conftest import Connection, Materialize, Site, figures
from tests.ledgers import at, checks, held_lock, refusal, versions

KEY = "community/trust_scores"
AS_OF = "2026-02-01T02:00:00+00:00"
NEUTRAL = {
    "score": 0.5,
    "masteryReliability": 0.5,
    "nliTrackRecord": 0.7,
    "communityValidation": 0.5,
    "accountAgeTrust": 0.5,
    "interactionEntropy": 1.0,
    "votePatternScore": 1.0,
    "similarityFlags": 0,
    "abuseFlags": 0,
    "ipClusteringRisk": 0.0,
    "historicalLow": 0.5,
    "historicalHigh": 0.5,
    "lastUpdated": at("2026-02-01T02:00:00"),
}


def scores(connection: Connection) -> dict[str, float]:
    return {row["userId"]: row["score"] for row in connection.execute('SELECT "userId", score FROM trust_scores')}


def score_of_ann(connection: Connection) -> None:
    connection.execute("INSERT INTO trust_scores (id, \"userId\", score) VALUES ('t1', 'ann', 0.9)")


def test_the_neutral_score_has_the_components_of_the_seed(site: Site, materialize: Materialize):
    with site.connect() as connection:
        factories.user(connection, "ann")
        materialize(KEY, as_of=AS_OF)
        row = connection.execute("SELECT * FROM trust_scores").fetchone()
    assert row is not None
    assert {name: row[name] for name in NEUTRAL} == NEUTRAL


def test_who_has_a_score_keeps_it(site: Site, materialize: Materialize):
    with site.connect() as connection:
        factories.users(connection, "ann", "bob", "cyd")
        score_of_ann(connection)
        result = materialize(KEY)
        assert scores(connection) == {"ann": 0.9, "bob": 0.5, "cyd": 0.5}
    assert figures(result, KEY)["rows_written"] == 2
    assert checks(result) == {"every_user_has_a_score": True}


def test_a_second_run_writes_nothing_and_later_users_get_theirs(site: Site, materialize: Materialize):
    with site.connect() as connection:
        factories.users(connection, "ann", "bob")
        materialize(KEY)
        before = versions(connection, ["trust_scores"])
        assert figures(materialize(KEY), KEY)["rows_written"] == 0
        assert versions(connection, ["trust_scores"]) == before
        factories.user(connection, "cyd")
        assert figures(materialize(KEY), KEY)["rows_written"] == 1


def test_only_the_users_named_are_initialized(site: Site, materialize: Materialize):
    with site.connect() as connection:
        factories.users(connection, "ann", "bob", "'); DROP TABLE users; --")
        named = materialize(KEY, config={"user_ids": ["bob", "'); DROP TABLE users; --", "nobody"]})
        assert set(scores(connection)) == {"bob", "'); DROP TABLE users; --"}
    assert checks(named) == {"every_user_has_a_score": True}


def test_a_dry_run_writes_nothing_and_counts_who_has_no_score(site: Site, materialize: Materialize):
    with site.connect() as connection:
        factories.users(connection, "ann", "bob")
        result = materialize(KEY, config={"dry_run": True})
        assert scores(connection) == {}
    assert figures(result, KEY)["without_score"] == 2


@pytest.mark.parametrize("score", ["NaN", "1.2", "-0.1"])
def test_a_score_outside_zero_to_one_fails_the_check(site: Site, materialize: Materialize, score: str):
    with site.connect() as connection:
        factories.user(connection, "ann")
        score_of_ann(connection)
        connection.execute("UPDATE trust_scores SET score = %s", [score])
        found = materialize(KEY, raise_on_error=False)
    assert not found.success
    assert checks(found) == {"every_user_has_a_score": False}


def test_two_runs_at_once_one_wins_and_the_other_says_so(site: Site, materialize: Materialize):
    with held_lock(site, KEY):
        lost = materialize(KEY, raise_on_error=False)
    assert "another run is writing it" in refusal(lost, KEY)
    assert materialize(KEY).success


def test_an_empty_list_of_users_is_refused_with_its_name():
    with pytest.raises(dg.Failure) as refused:
        TrustScoresConfig(user_ids=[])
    assert (refused.value.description or "").startswith("run config: user_ids: ")
