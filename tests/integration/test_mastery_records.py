"""Mastery: the figures of single cases, what is touched and what is not, what stays, what the run reports."""

from datetime import datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from assets.community.mastery_records import MasteryRecordsConfig, parameters_of
from migrations import runner
from orchestration.settings import CommunityPolicy, MasteryPolicy
from tests import factories
from tests.conftest import Connection, Materialize, Site, figures
from tests.ledgers import checks, held_lock, refusal, versions
from tests.mastery_by_hand import by_hand, derive, derived_id, lower_bound, records
from tests.outbox import take, take_pairs

KEY = "community/mastery_records"
DAY = timedelta(days=1)
NOW = datetime(2026, 3, 1, 12)
FRESH = NOW - timedelta(hours=3)


def world(connection: Connection) -> None:
    factories.users(connection, "ann", "bob")
    for key in ("c1", "c2"):
        factories.concept(connection, key)


def tries(
    connection: Connection,
    results: str,
    user: str = "ann",
    concept: str = "c1",
    at: datetime = FRESH,
    **columns: object,
) -> None:
    """Write attempts: `+` is right, `-` is wrong."""
    for result in results:
        factories.attempt(connection, user, concept, result == "+", at, **columns)


def score(connection: Connection, user: str = "ann", concept: str = "c1") -> float | None:
    query = 'SELECT "masteryScore" FROM mastery_records WHERE "userId" = %s AND "conceptId" = %s'
    row = connection.execute(query, [user, concept]).fetchone()
    return row["masteryScore"] if row else None


CASES = [
    ("+", 0, 0, 0.3784),
    ("-", 0, 0, 0.0),
    ("+" * 6, 0, 0, 0.7851),
    ("+" * 7, 0, 0, 0.8100),
    ("+++-", 0, 0, 0.4325),
    ("+" * 100, 7, 0, 0.9838),
    ("+" * 100, 8, 0, 0.9838 * 0.98),
    ("+" * 100, 22, 0, 0.9838 * 0.7),
    ("+" * 100, 300, 0, 0.9838 * 0.7),
    ("+" * 100, 0, 1, 0.9838 * 0.9),
    ("+" * 100, 0, 9, 0.9838 * 0.7),
    ("+" * 100, 300, 9, 0.9838 * 0.4),
]


def test_a_score_is_the_lower_bound_of_the_share_times_the_weight(site: Site):
    with site.connect() as connection:
        factories.users(connection, "ann")
        for n, (results, days_ago, hints, _) in enumerate(CASES):
            concept = factories.concept(connection, f"k{n}")
            tries(connection, results, concept=concept, at=FRESH - days_ago * DAY, hintsUsed=hints)
        derive(site, NOW)
        found = [score(connection, "ann", f"k{n}") for n in range(len(CASES))]
    assert found == pytest.approx([expected for *_, expected in CASES], abs=1e-4)


def test_one_of_one_is_no_mastery_and_is_told_from_what_is_weak(site: Site):
    with site.connect() as connection:
        world(connection)
        tries(connection, "+")
        tries(connection, "+" * 7, user="bob")
        tries(connection, "---+", concept="c2")
        told = derive(site, NOW)
    assert (told["mastered"], told["struggling"], told["weak_for_want_of_attempts"]) == (1, 2, 1)
    assert lower_bound(1, 1) < 0.8 <= lower_bound(7, 7)


def test_only_touched_pairs_are_derived_and_an_equal_run_writes_nothing(site: Site):
    with site.connect() as connection:
        world(connection)
        tries(connection, "+-+")
        tries(connection, "+", user="bob", concept="c2")
        first = derive(site, NOW)
        assert (first["everything"], first["pairs"], first["rows_written"]) == (True, 2, 2)
        before = versions(connection, ["mastery_records"])
        again = derive(site, NOW)
        assert (again["everything"], again["pairs"], again["rows_written"]) == (False, 0, 0)
        assert versions(connection, ["mastery_records"]) == before
        tries(connection, "-")
        third = derive(site, NOW)
        assert (third["pairs"], third["rows_written"]) == (1, 1)
        assert take_pairs(connection) == set()


def test_a_pair_decays_day_by_day_from_the_eighth_to_the_twenty_second(site: Site):
    with site.connect() as connection:
        world(connection)
        tries(connection, "+++")
        written = {
            n: derive(site, FRESH.replace(hour=0) + n * DAY)["rows_written"] for n in (1, 7, 8, 9, 15, 22, 23, 90)
        }
        assert written == {1: 1, 7: 0, 8: 1, 9: 1, 15: 1, 22: 1, 23: 0, 90: 0}
        assert records(connection)[0]["updatedAt"] == FRESH.replace(hour=0) + 22 * DAY


def test_the_graph_is_told_of_what_was_written_and_of_nothing_else(site: Site):
    with site.connect() as connection:
        world(connection)
        tries(connection, "+")
        take(connection)
        derive(site, NOW)
        assert take(connection) == {("mastery", "ann", "c1")}
        derive(site, NOW)
        assert take(connection) == set()


def test_attempts_ahead_of_the_run_are_counted_when_their_time_has_come(site: Site):
    with site.connect() as connection:
        world(connection)
        tries(connection, "+")
        tries(connection, "-", at=NOW + DAY)
        tries(connection, "+", user="bob", at=NOW + DAY)
        assert derive(site, NOW)["ahead"] == 2
        assert {(r["userId"], r["totalAttempts"]) for r in records(connection)} == {("ann", 1)}
        derive(site, NOW + timedelta(hours=1))
        derive(site, NOW + 2 * DAY)
        assert {(r["userId"], r["totalAttempts"]) for r in records(connection)} == {("ann", 2), ("bob", 1)}
        assert take_pairs(connection) == set()


@pytest.mark.parametrize("full_refresh", [False, True])
def test_attempts_that_are_committed_after_a_run_has_begun_are_found_by_the_next(site: Site, full_refresh: bool):
    with site.connect() as connection, site.connect() as other:
        world(connection)
        derive(site, NOW)
        with other.transaction():
            tries(other, "+")
            tries(connection, "-+", user="bob")
            assert derive(site, NOW, full_refresh=full_refresh)["inserted"] == 1
        assert derive(site, NOW)["inserted"] == 1
        assert {(r["userId"], r["conceptId"]): r for r in records(connection)} == by_hand(connection, NOW)


def test_a_run_of_an_earlier_day_does_not_set_mastery_back(site: Site):
    with site.connect() as connection:
        world(connection)
        tries(connection, "+")
        derive(site, NOW)
        before = records(connection)
        derive(site, NOW - 30 * DAY, full_refresh=True)
        assert records(connection) == before


def test_hints_below_zero_count_as_none_and_times_without_end_not_at_all(site: Site):
    with site.connect() as connection:
        world(connection)
        tries(connection, "+" * 30)
        tries(connection, "+", hintsUsed=-5, id="negative")
        for time in ("infinity", "-infinity"):
            connection.execute(
                'INSERT INTO concept_attempts (id, "userId", "conceptId", "isCorrect", "createdAt")'
                " VALUES (%(time)s, 'ann', 'c1', true, %(time)s::text::timestamp)",
                {"time": time},
            )
        told = derive(site, NOW)
        assert records(connection)[0]["totalAttempts"] == 31
        assert records(connection)[0]["confidenceWeight"] == 1
        found = connection.execute("SELECT source_key, reason FROM espalier.quarantine ORDER BY 1").fetchall()
        assert take_pairs(connection) == set()
    assert [tuple(row.values()) for row in found] == [
        ("-infinity", "createdAt not finite, not counted"),
        ("infinity", "createdAt not finite, not counted"),
        ("negative", "hintsUsed below 0, counted as 0"),
    ]
    assert (told["quarantined"], told["checks"]["attempts_are_usable"]) == (3, False)


def test_records_that_others_wrote_stay_unless_there_are_attempts(site: Site):
    with site.connect() as connection:
        world(connection)
        factories.mastery(connection, "bob", "c1", 0.9, id="theirs", totalAttempts=7)
        factories.mastery(connection, "ann", "c1", 0.9, id="taken over")
        tries(connection, "+")
        derive(site, NOW)
        assert {r["id"]: r["masteryScore"] for r in records(connection)} == {
            "theirs": 0.9,
            derived_id(("ann", "c1")): lower_bound(1, 1),
        }
        connection.execute("DELETE FROM concept_attempts")
        assert derive(site, NOW)["deleted"] == 1
        assert {r["id"] for r in records(connection)} == {"theirs"}


def test_what_somebody_else_writes_into_a_derived_record_is_corrected(site: Site):
    with site.connect() as connection:
        world(connection)
        tries(connection, "+")
        derive(site, NOW)
        connection.execute('UPDATE mastery_records SET "masteryScore" = 1, "updatedAt" = %s', [NOW])
        assert derive(site, NOW + DAY)["updated"] == 1
        assert score(connection) == lower_bound(1, 1)
        connection.execute('UPDATE mastery_records SET "masteryScore" = 1')
        found = derive(site, NOW + DAY)
        assert (found["rows_written"], found["checks"]["equal_to_a_recomputation"]) == (0, False)
        assert derive(site, NOW + DAY, full_refresh=True)["updated"] == 1


def test_ids_that_went_round_in_a_circle_come_right(site: Site):
    with site.connect() as connection:
        world(connection)
        factories.concept(connection, "c3")
        for n, concept in enumerate(("c1", "c2", "c3"), 1):
            tries(connection, "+" * n, concept=concept)
        derive(site, NOW)
        for old, new in (("c1", "x"), ("c2", "c1"), ("c3", "c2"), ("x", "c3")):
            connection.execute("UPDATE concepts SET id = %s WHERE id = %s", [new, old])
        derive(site, NOW, batch_size=1)
        assert {(r["userId"], r["conceptId"]): r for r in records(connection)} == by_hand(connection, NOW)


def test_a_record_left_under_another_pair_does_not_stand_in_the_way(site: Site):
    with site.connect() as connection:
        world(connection)
        tries(connection, "+")
        derive(site, NOW)
        connection.execute("UPDATE concepts SET id = 'moved' WHERE id = 'c1'")
        connection.execute("DELETE FROM concept_attempts")
        derive(site, NOW)
        factories.concept(connection, "c1", name="again")
        tries(connection, "++")
        derive(site, NOW)
        assert [(r["conceptId"], r["id"]) for r in records(connection)] == [("c1", derived_id(("ann", "c1")))]


def test_only_the_given_users_are_derived_and_the_others_stay_marked(site: Site):
    with site.connect() as connection:
        world(connection)
        derive(site, NOW)
        for user in ("ann", "bob"):
            tries(connection, "+", user=user)
        told = derive(site, NOW, user_ids=["bob", "nobody"])
        assert (told["pairs"], told["rows_written"]) == (1, 1)
        assert [r["userId"] for r in records(connection)] == ["bob"]
        assert derive(site, NOW)["rows_written"] == 1


def test_a_dry_run_counts_and_writes_nothing(site: Site):
    with site.connect() as connection:
        world(connection)
        tries(connection, "+")
        tries(connection, "+", user="bob", hintsUsed=-1)
        told = derive(site, NOW, dry_run=True)
        assert (told["inserted"], told["rows_written"], told["unsettled"]) == (2, 0, 2)
        assert records(connection) == []
        assert connection.execute("SELECT FROM espalier.quarantine").rowcount == 0
        assert connection.execute("SELECT FROM espalier.checkpoints").rowcount == 0
        derive(site, NOW)
        tries(connection, "-")
        assert derive(site, NOW, dry_run=True, batch_size=1)["updated"] == 1
        assert derive(site, NOW)["updated"] == 1


@pytest.mark.parametrize("batch_size", [1, 2, 7])
def test_the_size_of_a_batch_makes_no_difference(site: Site, batch_size: int):
    with site.connect() as connection:
        world(connection)
        for user in ("ann", "bob"):
            for concept in ("c1", "c2"):
                tries(connection, "+-+", user=user, concept=concept)
        derive(site, NOW, batch_size=batch_size)
        assert {(r["userId"], r["conceptId"]): r for r in records(connection)} == by_hand(connection, NOW)
        connection.execute('UPDATE concept_attempts SET "isCorrect" = true')
        assert derive(site, NOW, batch_size=batch_size)["updated"] == 4
        assert derive(site, NOW + 10 * DAY, batch_size=batch_size)["updated"] == 4
        assert {(r["userId"], r["conceptId"]): r for r in records(connection)} == by_hand(connection, NOW + 10 * DAY)


def test_another_policy_derives_everything_again(site: Site):
    with site.connect() as connection:
        world(connection)
        tries(connection, "+")
        derive(site, NOW)
        strict = site.settings.model_copy(update={"community": CommunityPolicy(mastery=MasteryPolicy(z=2))})
        told = derive(Site(site.server, site.database, strict), NOW)
        assert (told["everything"], told["updated"]) == (True, 1)
        assert score(connection) == lower_bound(1, 1, z=2)


def test_a_truncate_and_a_trigger_that_comes_back_derive_everything_again(site: Site):
    with site.connect() as connection:
        world(connection)
        tries(connection, "+")
        derive(site, NOW)
        connection.execute("TRUNCATE concept_attempts")
        assert derive(site, NOW)["deleted"] == 1
        runner.migrate(site.settings, "community", "0024")
        tries(connection, "+")
        runner.migrate(site.settings, "community")
        assert derive(site, NOW)["inserted"] == 1


def test_the_policy_says_from_which_day_on_nothing_decays_any_more():
    assert parameters_of(MasteryPolicy())["decay_until_days"] == 22
    assert parameters_of(MasteryPolicy(decay_cap=0.31))["decay_until_days"] == 23
    assert parameters_of(MasteryPolicy(decay_step=0))["decay_until_days"] == 7
    assert parameters_of(MasteryPolicy(decay_cap=0, decay_after_days=3))["decay_until_days"] == 3
    assert parameters_of(MasteryPolicy(decay_step=1e-12))["decay_until_days"] == 2**31 - 1


def test_the_asset_reports_and_a_second_run_at_once_says_so(site: Site, materialize: Materialize):
    with site.connect() as connection:
        world(connection)
        tries(connection, "+" * 8)
        with held_lock(site, KEY):
            lost = materialize(KEY, raise_on_error=False)
        assert "another run is writing it" in refusal(lost, KEY)
        done = materialize(KEY, as_of="2026-03-01T12:00:00+00:00", config={"batch_size": 3})
        assert records(connection)[0]["totalAttempts"] == 8
    assert checks(done) == dict.fromkeys(("scores_are_shares", "equal_to_a_recomputation", "attempts_are_usable"), True)
    assert figures(done, KEY)["dagster/row_count"] == 1
    assert figures(done, KEY)["sampled"] == 1


@pytest.mark.parametrize("values", [{"batch_size": 0}, {"batch_size": 10**9}, {"user_ids": []}])
def test_a_config_out_of_bounds_is_refused_with_its_name(values: dict[str, Any]):
    with pytest.raises(dg.Failure, match=next(iter(values))):
        MasteryRecordsConfig(**values)
