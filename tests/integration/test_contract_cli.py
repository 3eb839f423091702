"""The command `ledger`, and what `migrate` and `inspect` say of a contract: the whole way as the runbook has it."""

from collections.abc import Generator
from typing import Any

import pytest

from tests import factories
from tests.command_line import call, done
from tests.conftest import Connection, Site
from tests.ledgers import complete_backfills
from tests.migrations.switching import equal_ledgers, let_days_pass

pytestmark = pytest.mark.parametrize("server", [18], indirect=True, ids=["pg18"])


@pytest.fixture
def ledgers(new_site: Any, template: str) -> Generator[Connection]:
    """Make the environment name a migrated site of the community; give a connection to it."""
    site: Site = new_site(template, domains=("community",))
    with pytest.MonkeyPatch.context() as patch, site.connect() as connection:
        patch.setenv("ESPALIER_HOME", str(site.settings.home))
        patch.setenv("ESPALIER_DOMAINS", "community")
        patch.setenv("DATABASE_URL", site.server.url("jobs", site.database))
        patch.setenv("DIRECT_DATABASE_URL", site.server.url("migrator", site.database))
        patch.setenv("DAGSTER_DATABASE_URL", site.server.url("dagster", "dagster"))
        factories.users(connection, "ann")
        factories.points(connection, "ann", 5)
        yield connection


def test_the_way_of_the_ledger_command_by_command(ledgers: Connection):
    waits = "contract: community_contract_0000 (The writing side goes from `points_ledger` to `xp_ledger`"
    assert waits in done("migrate").out
    assert waits in done("migrate", "--dry-run").out
    assert waits in done("inspect").out
    assert "points_ledger is written, xp_ledger follows" in done("ledger").out
    assert "the backfill of xp_ledger is not complete" in call("ledger", "switch").refusal
    complete_backfills(ledgers)
    assert "xp_ledger is written, points_ledger follows" in done("ledger", "switch", "--quiet-days", "3").out
    status = done("ledger", "--json").json
    assert (status["hand_over"]["points_rows"], status["hand_over"]["quiet_days"]) == (1, 3)
    assert "3 days are asked for" in status["waits"]
    assert "3 days are asked for" in call("ledger", "retire").refusal
    assert "3 days are asked for" in call("migrate", "--domain", "community", "--to", "community_contract_0001").refusal
    let_days_pass(ledgers)
    assert (
        "ALTER TABLE points_ledger RENAME TO"
        in done("migrate", "--sql", "--domain", "community", "--to", "community_contract_0001").out
    )
    assert "points_ledger is retired" in done("ledger", "retire").out
    assert [report["ok"] for report in done("verify", "--json").json] == [True]
    assert done("migrate", "--json").json[0]["steps"] == []
    assert "points_ledger is retired" in done("ledger", "switch").out
    factories.xp(ledgers, "ann", 4, "PEER_REVIEW", id="since")
    assert "points_ledger follows" in done("ledger", "retire", "--back").out
    assert len(equal_ledgers(ledgers)) == 2
    back = done("migrate", "--domain", "community", "--to", "community_contract_base", "--json").json[0]
    assert [step["revision"] for step in back["steps"]] == ["community_contract_0000"]
    assert done("ledger", "--json").json["hand_over"] is None
    assert len(equal_ledgers(ledgers)) == 2


@pytest.mark.usefixtures("ledgers")
def test_what_makes_no_sense_is_refused_in_one_line():
    assert "--quiet-days belongs to `espalier ledger switch`" in call("ledger", "retire", "--quiet-days", "3").refusal
    assert "ledger --help" in call("ledger", "sideways").refusal
    assert "quiet-days" in call("ledger", "switch", "--quiet-days", "0").refusal
    assert done("ledger", "switch", "--back", "--json").json["report"]["steps"] == []
    named = call("migrate", "--domain", "community", "--to", "community_contract_0009").refusal
    assert "no revision '0009'; known are base, community_contract_0000" in named
