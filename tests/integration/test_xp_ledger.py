"""The XP ledger holds what points_ledger held before the trigger, and opens each balance once."""

import dagster as dg
import pytest

from assets.community.xp_ledger import XpLedgerConfig
from tests import factories
from tests.conftest import Connection, Materialize, Site, figures
from tests.ledgers import (
    at,
    before_the_trigger,
    checks,
    copies,
    copies_expected,
    held_lock,
    opening_balances,
    refusal,
    versions,
)

KEY = "community/xp_ledger"
AS_OF = "2026-02-01T02:00:00+00:00"


def older_rows(connection: Connection, rows: int = 23) -> None:
    """Write rows that the trigger has not seen, with and without a description, for three users."""
    factories.users(connection, "ann", "bob", 'O\'Neil "x"; --')
    with before_the_trigger(connection):
        for n in range(rows):
            user = ("ann", "bob", 'O\'Neil "x"; --')[n % 3]
            description = "50% off" if n % 2 else None
            factories.points(connection, user, n - 5, "DAILY_LOGIN", id=f"p{n:03}", description=description)


@pytest.mark.parametrize("batch_size", [1, 7, 23, 5000])
def test_older_rows_are_copied_whatever_the_batch(site: Site, materialize: Materialize, batch_size: int):
    with site.connect() as connection:
        older_rows(connection)
        factories.points(connection, "ann", 99, id="p999")
        result = materialize(KEY, config={"batch_size": batch_size}, as_of=AS_OF)
        assert copies(connection) == copies_expected(connection)
    assert figures(result, KEY)["rows_copied"] == 23
    assert figures(result, KEY)["dagster/row_count"] == 24
    assert checks(result) == {"ledger_equals_source": True}


def test_a_second_run_writes_nothing(site: Site, materialize: Materialize):
    with site.connect() as connection:
        older_rows(connection)
        factories.user_stats(connection, "ann", 500)
        materialize(KEY, as_of=AS_OF)
        before = versions(connection, ["xp_ledger"])
        again = figures(materialize(KEY, as_of="2026-02-02T02:00:00+00:00"), KEY)
        walked = figures(materialize(KEY, config={"full_refresh": True}), KEY)
        assert versions(connection, ["xp_ledger"]) == before
    assert (again["rows_written"], walked["rows_written"]) == (0, 0)


def test_a_paused_backfill_goes_on_where_it_stopped(site: Site, materialize: Materialize):
    paused = {"batch_size": 5, "max_batches": 2}
    with site.connect() as connection:
        older_rows(connection)
        factories.user_stats(connection, "ann", 500)
        first = materialize(KEY, config=paused)
        assert len(copies(connection)) == 10
        assert opening_balances(connection) == {}
        second = materialize(KEY, config=paused)
        assert len(copies(connection)) == 20
        third = materialize(KEY, config=paused)
        assert copies(connection) == copies_expected(connection)
        assert opening_balances(connection) == {"ann": 500 - sum(n - 5 for n in range(0, 23, 3))}
    assert [checks(r)["ledger_equals_source"] for r in (first, second, third)] == [False, False, True]
    assert [figures(r, KEY)["rows_copied"] for r in (first, second, third)] == [10, 10, 3]


def test_who_existed_at_adoption_gets_the_balance_that_no_entry_explains(site: Site, materialize: Materialize):
    with site.connect() as connection:
        for user, balance in {"more": 30, "less": 4, "equal": 10, "negative": -7}.items():
            factories.user(connection, user, createdAt=at("2025-05-01"))
            factories.user_stats(connection, user, balance)
            factories.points(connection, user, 10)
        factories.user(connection, "without stats")
        factories.user(connection, "later", createdAt=at("2026-02-01T02:00:00.001"))
        factories.user_stats(connection, "later", 50)
        result = figures(materialize(KEY, as_of=AS_OF), KEY)
        assert opening_balances(connection) == {"more": 20, "less": -6, "negative": -17}
        entry = connection.execute('SELECT * FROM xp_ledger WHERE "userId" = \'more\' AND "finalXP" = 20').fetchone()
    assert (result["opening_balances"], result["opening_xp"]) == (3, -3)
    assert entry is not None
    assert entry["eventType"] == "OPENING_BALANCE"
    assert entry["createdAt"] == at("2025-05-01")
    assert entry["metadata"] == {"source": "user_stats"}


def test_balances_are_never_opened_twice(site: Site, materialize: Materialize):
    with site.connect() as connection:
        factories.users(connection, "ann", "bob")
        factories.user_stats(connection, "ann", 30)
        factories.user_stats(connection, "bob", 0)
        materialize(KEY)
        connection.execute('UPDATE user_stats SET "totalPoints" = "totalPoints" + 100')
        materialize(KEY)
        materialize(KEY, config={"full_refresh": True})
        assert opening_balances(connection) == {"ann": 30}


def test_an_opening_balance_that_is_no_integer_goes_to_quarantine(site: Site, materialize: Materialize):
    with site.connect() as connection:
        factories.users(connection, "ann", "bob")
        factories.user_stats(connection, "ann", 2_147_483_647)
        factories.points(connection, "ann", -10)
        factories.user_stats(connection, "bob", 5)
        result = figures(materialize(KEY), KEY)
        assert opening_balances(connection) == {"bob": 5}
        refused = connection.execute("SELECT source_table, source_key, payload FROM espalier.quarantine").fetchall()
    assert result["quarantined"] == 1
    assert refused == [{"source_table": "user_stats", "source_key": "ann", "payload": {"balance": 2_147_483_657}}]


def spoil(connection: Connection) -> None:
    """Make one copy differ, lose one, and leave one without its source: what the trigger would never do."""
    connection.execute("UPDATE xp_ledger SET \"finalXP\" = 77 WHERE id = 'p001'")
    connection.execute("DELETE FROM xp_ledger WHERE id = 'p002'")
    with before_the_trigger(connection):
        connection.execute("DELETE FROM points_ledger WHERE id = 'p003'")


def test_what_differs_fails_the_check_and_a_full_refresh_repairs_it(site: Site, materialize: Materialize):
    with site.connect() as connection:
        older_rows(connection)
        materialize(KEY)
        spoil(connection)
        found = materialize(KEY, raise_on_error=False)
        assert not found.success
        evaluation = found.get_asset_check_evaluations()[0]
        assert {name: value.value for name, value in evaluation.metadata.items()} == {
            "missing": 1,
            "differing": 1,
            "unsourced": 1,
        }
        repaired = materialize(KEY, config={"full_refresh": True, "batch_size": 5})
        assert copies(connection) == copies_expected(connection)
    assert checks(repaired) == {"ledger_equals_source": True}
    assert figures(repaired, KEY)["rows_written"] == 3


def test_entries_of_others_are_left_alone(site: Site, materialize: Materialize):
    with site.connect() as connection:
        older_rows(connection)
        factories.xp(connection, "ann", 5, id="ours")
        materialize(KEY, config={"full_refresh": True})
        materialize(KEY, config={"full_refresh": True})
        assert connection.execute("SELECT \"finalXP\" FROM xp_ledger WHERE id = 'ours'").fetchone() == {"finalXP": 5}


def test_a_dry_run_writes_nothing_and_counts_what_is_missing(site: Site, materialize: Materialize):
    with site.connect() as connection:
        older_rows(connection)
        result = materialize(KEY, config={"dry_run": True})
        assert copies(connection) == []
        assert connection.execute("SELECT * FROM espalier.checkpoints").fetchall() == []
    assert figures(result, KEY)["missing"] == 23


def test_two_runs_at_once_one_wins_and_the_other_says_so(site: Site, materialize: Materialize):
    with held_lock(site, KEY):
        lost = materialize(KEY, raise_on_error=False)
    assert "another run is writing it" in refusal(lost, KEY)
    assert materialize(KEY).success


@pytest.mark.parametrize("field", ["batch_size", "max_batches"])
@pytest.mark.parametrize("value", [0, -1, 10**9, 1.5])
def test_a_number_out_of_bounds_is_refused_with_its_name(field: str, value: float):
    with pytest.raises(dg.Failure) as refused:
        XpLedgerConfig.model_validate({field: value})
    assert (refused.value.description or "").startswith(f"run config: {field}: ")


def test_text_in_place_of_a_number_is_refused_before_the_run(materialize: Materialize):
    with pytest.raises(dg.DagsterInvalidConfigError, match="batch_size"):
        materialize(KEY, config={"batch_size": "1; DROP TABLE users"})
