"""The reputation ledger opens the balance of everybody who has reputation at adoption, once."""

from tests import factories
from tests.conftest import Connection, Materialize, Site, figures
from tests.ledgers import at, checks, held_lock, refusal, versions

KEY = "community/reputation_ledger"
AS_OF = "2026-02-01T02:00:00+00:00"


def balances(connection: Connection) -> dict[str, int]:
    rows = connection.execute('SELECT "userId", change FROM reputation_ledger ORDER BY 1')
    return {row["userId"]: row["change"] for row in rows}


def test_everybody_with_reputation_at_adoption_gets_an_opening_balance(site: Site, materialize: Materialize):
    with site.connect() as connection:
        for user, reputation in {"high": 2_147_483_647, "low": -15, "none": 0}.items():
            factories.user(connection, user, reputation=reputation, createdAt=at("2025-05-01"))
        factories.user(connection, "later", reputation=5, createdAt=at("2026-02-01T02:00:00.001"))
        result = materialize(KEY, as_of=AS_OF)
        assert balances(connection) == {"high": 2_147_483_647, "low": -15}
        entry = connection.execute("SELECT * FROM reputation_ledger WHERE \"userId\" = 'low'").fetchone()
    assert entry is not None
    assert (entry["eventType"], entry["createdAt"]) == ("OPENING_BALANCE", at("2025-05-01"))
    assert figures(result, KEY)["opening_reputation"] == 2_147_483_632
    assert checks(result) == {"balances_opened_once": True}


def test_a_second_run_writes_nothing_although_reputation_has_moved_on(site: Site, materialize: Materialize):
    with site.connect() as connection:
        factories.user(connection, "ann", reputation=7)
        factories.user(connection, "bob", reputation=0)
        materialize(KEY, as_of=AS_OF)
        before = versions(connection, ["reputation_ledger"])
        connection.execute("UPDATE users SET reputation = reputation + 10")
        again = materialize(KEY, as_of="2026-02-02T02:00:00+00:00")
        assert versions(connection, ["reputation_ledger"]) == before
    assert figures(again, KEY)["rows_written"] == 0
    assert checks(again) == {"balances_opened_once": True}


def test_a_balance_opened_twice_fails_the_check(site: Site, materialize: Materialize):
    with site.connect() as connection:
        factories.user(connection, "ann", reputation=7)
        materialize(KEY)
        connection.execute(
            'INSERT INTO reputation_ledger (id, "userId", "eventType", change, reason)'
            ' SELECT \'again\', "userId", "eventType", change, reason FROM reputation_ledger'
        )
        found = materialize(KEY, raise_on_error=False)
    assert not found.success
    assert checks(found) == {"balances_opened_once": False}


def test_two_runs_at_once_one_wins_and_the_other_says_so(site: Site, materialize: Materialize):
    with held_lock(site, KEY):
        lost = materialize(KEY, raise_on_error=False)
    assert "another run is writing it" in refusal(lost, KEY)
    assert materialize(KEY).success
