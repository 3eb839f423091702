"""Every command that looks at a schema tells the truth before the switch, after it, and with the old table retired."""

from collections.abc import Generator
from typing import Any

import pytest
from alembic import command

from migrations import runner, verify
from migrations.baseline import baseline
from migrations.connection import Target, connect, look_into
from migrations.contract import contract
from migrations.grants.check import check
from migrations.inspection.site import inspect
from migrations.offline import offline_sql
from migrations.revisions import configuration
from migrations.rollback import rollback
from orchestration.errors import EspalierError
from tests import factories
from tests.conftest import Connection, Site
from tests.faults.forked import forked
from tests.ledgers import complete_backfills
from tests.lineages import community
from tests.migrations.adopting import Build, brown_field, differences, whole_dump
from tests.migrations.site_state import applied, names, schema_dump
from tests.migrations.switching import (
    RETIRED,
    SWITCHED,
    equal_ledgers,
    let_days_pass,
    points_of,
    switched,
    take,
    take_here,
)

STATES = ("base", SWITCHED, RETIRED)
states = pytest.mark.parametrize("state", STATES, ids=["before", "switched", "retired"])
one_server = pytest.mark.parametrize("server", [18], indirect=True, ids=["pg18"], scope="session")
AS_IT_SHOULD_BE = ("required_objects_present_and_equal", "required_indexes_valid", "no_pending_revisions")
EQUAL, EXTRA = "required_objects_present_and_equal", "no_extra_objects"


@pytest.fixture
def ledgers(site: Site) -> Generator[Connection]:
    """A connection to a site with two users and some points."""
    with site.connect() as connection:
        factories.users(connection, "ann", "bob")
        factories.points(connection, "ann", 5)
        yield connection


def bring(site: Site, state: str) -> None:
    """Bring a site to a state, as if days had passed in each."""
    if state != "base":
        switched(site, quiet=True)
    if state == RETIRED:
        take(site, RETIRED)


def alembic_check(site: Site) -> None:
    target = Target("community", "community", "extensions")
    with connect(site.settings.url("migrator")) as database:
        look_into(database, target)
        config = configuration("community")
        config.attributes.update(target=target, database=database)
        command.check(config)


@states
def test_a_site_is_as_it_should_be_in_every_state(site: Site, state: str):
    bring(site, state)
    found = verify.verify_domain(site.settings, "community")
    assert {name: found[name] for name in (*AS_IT_SHOULD_BE, EXTRA, "constraints_are_proved")} == {
        name: [] for name in (*AS_IT_SHOULD_BE, EXTRA, "constraints_are_proved")
    }
    (report,) = inspect(site.settings, ["community"])[1]
    assert (report.ok, report.steps, report.differences, report.extra) == (True, [], [], [])
    assert (report.contract is None) == (state == RETIRED)
    alembic_check(site)
    assert check(site.settings).as_dict()["ok"], check(site.settings)
    report = runner.migrate(site.settings, "community")
    assert (report.ok, report.steps) == (True, [])
    assert applied(site, "community") == runner.head("community")


DRIFTS = {
    (SWITCHED, "DROP TRIGGER points_ledger_sync ON xp_ledger"): "trigger xp_ledger.points_ledger_sync is missing",
    (SWITCHED, "ALTER FUNCTION xp_ledger_sync() SECURITY INVOKER"): "function xp_ledger_sync() differs from its record",
    (SWITCHED, "ALTER TABLE points_ledger ADD CHECK (points < 9)"): None,
    (
        RETIRED,
        "ALTER TABLE points_ledger_retired DROP COLUMN description",
    ): "column points_ledger.description is missing",
    (RETIRED, "ALTER TABLE points_ledger_retired DISABLE TRIGGER USER"): "xp_ledger_sync differs from its record",
    (RETIRED, "ALTER TABLE xp_ledger DISABLE TRIGGER points_ledger_sync"): "points_ledger_sync differs from its record",
    (
        RETIRED,
        "CREATE OR REPLACE TRIGGER points_ledger_sync_truncate AFTER TRUNCATE ON xp_ledger"
        " FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_sync_truncate()",
    ): "trigger xp_ledger.points_ledger_sync_truncate differs from its record",
    (RETIRED, 'DROP INDEX "points_ledger_eventType_idx"'): "index points_ledger.points_ledger_eventType_idx is missing",
    (
        RETIRED,
        "ALTER FUNCTION points_ledger_sync() RESET search_path",
    ): "function points_ledger_sync() differs from its",
}


@one_server
@pytest.mark.parametrize(("state", "statement"), DRIFTS)
def test_a_drift_is_found_and_named_behind_the_contract(site: Site, state: str, statement: str):
    bring(site, state)
    with site.connect() as connection:
        connection.execute(statement.encode())
    found, expected = verify.inspect_domain(site.settings, "community"), DRIFTS[state, statement]
    if expected:
        assert any(expected in line for line in found[EQUAL]), found
    else:
        assert found[EXTRA] == ["constraint points_ledger.points_ledger_points_check"]


@one_server
def test_a_mirror_at_rest_is_not_woken_by_who_enables_triggers_or_drops_the_old_table(site: Site, ledgers: Connection):
    bring(site, RETIRED)
    for table in (b"xp_ledger", b"points_ledger_retired"):
        ledgers.execute(b"ALTER TABLE %b DISABLE TRIGGER USER" % table)
        ledgers.execute(b"ALTER TABLE %b ENABLE TRIGGER USER" % table)
    factories.xp(ledgers, "bob", 8)
    ledgers.execute("DELETE FROM users WHERE id = 'ann'")
    assert verify.inspect_domain(site.settings, "community")[EQUAL] == []
    ledgers.execute("DROP TABLE points_ledger_retired")
    factories.xp(ledgers, "bob", 9)
    ledgers.execute("TRUNCATE xp_ledger")


@states
def test_the_way_back_leaves_the_schema_as_it_was(site: Site, state: str):
    before = schema_dump(site, "--schema=community")
    bring(site, state)
    take(site, "base")
    assert schema_dump(site, "--schema=community") == before


@states
def test_going_below_the_mirror_takes_the_contract_back_first(site: Site, ledgers: Connection, state: str):
    bring(site, state)
    own = state != "base"
    if own:
        factories.xp(ledgers, "bob", 8, "PEER_REVIEW", id="since")
        with pytest.raises(EspalierError, match=r"would delete 1 rows .*xp_ledger 1.*nothing was changed"):
            runner.migrate(site.settings, "community", "0013")
        assert applied(site, "community_contract") == f"community_contract_{state}"
    report = runner.migrate(site.settings, "community", "0013", yes_delete_data=True)
    taken_back = [step.revision for step in report.steps if step.domain == "community_contract"]
    assert taken_back == [f"community_contract_{n}" for n in reversed(STATES[1 : STATES.index(state) + 1])]
    assert {row["xp"] for row in points_of(ledgers)} == ({5, 8} if own else {5})
    runner.migrate(site.settings, "community")
    assert verify.inspect_domain(site.settings, "community")[EQUAL] == []


@one_server
def test_going_down_but_not_below_the_mirror_leaves_the_contract_alone(site: Site, ledgers: Connection):
    bring(site, RETIRED)
    report = runner.migrate(site.settings, "community", "0017")
    assert {step.domain for step in report.steps} == {"community"}
    assert runner.migrate(site.settings, "community").ok
    assert names(ledgers, "SELECT relname FROM pg_class WHERE relname = 'points_ledger_retired'")


@pytest.mark.parametrize("build", [community.prisma_push, community.text_for_enums])
def test_an_adopted_site_comes_back_as_it_was_with_the_rows_written_since(new_site: Any, build: Build):
    site = brown_field(new_site, "community", "public", build)
    before = whole_dump(site, "public")
    baseline(site.settings, "community")
    runner.migrate(site.settings, "community")
    with site.connect() as connection:
        complete_backfills(connection)
        backfill(connection)
        contract(site.settings, "community", SWITCHED)
        let_days_pass(connection)
        factories.xp(connection, "ann", 44, "DAILY_LOGIN", id="since-1")
        contract(site.settings, "community", RETIRED)
        factories.xp(connection, "bob", 55, "DAILY_LOGIN", id="since-2", reason="what for")
        assert verify.inspect_domain(site.settings, "community")[EQUAL] == []
    with pytest.raises(EspalierError, match="would delete 2 rows"):
        rollback(site.settings, "community", "base")
    rollback(site.settings, "community", "base", yes_delete_data=True)
    assert applied(site, "community") == "community_0000"
    gone = differences(before, whole_dump(site, "public"))
    assert all(line.startswith("+INSERT INTO public.points_ledger VALUES ('since-") for line in gone), gone
    assert len(gone) == 2


def backfill(connection: Connection) -> None:
    """Copy what the application wrote before the mirror was there, as the asset does."""
    connection.execute("UPDATE points_ledger SET id = id")
    assert equal_ledgers(connection)


@one_server
def test_a_migrator_killed_in_the_middle_of_the_switch_leaves_nothing_of_it(site: Site, ledgers: Connection):
    complete_backfills(ledgers)
    before = schema_dump(site)
    environment = {
        "DATABASE_URL": site.settings.url("jobs"),
        "DIRECT_DATABASE_URL": site.settings.url("migrator"),
        "ESPALIER_HOME": str(site.settings.home),
        "ESPALIER_FAILPOINT": "migrate.step_done",
    }
    with forked(environment, take_here) as process:
        assert process.wait(60) == -9
    assert schema_dump(site).replace("_contract", "") == before.replace("_contract", "")
    assert names(ledgers, "SELECT id FROM espalier.ledger_switches") == set()
    factories.points(ledgers, "bob", 3)
    equal_ledgers(ledgers)
    assert [step.revision for step in take(site, SWITCHED).steps] == ["community_contract_0000"]
    factories.xp(ledgers, "bob", 3)
    equal_ledgers(ledgers)


@one_server
def test_the_contract_is_printed_as_a_script_with_its_guards(site: Site):
    script = offline_sql(site.settings, "community", "community_contract_0001")
    assert "ALTER TABLE points_ledger RENAME TO points_ledger_retired" in script
    assert script.count("DO $gate$") == 3
    assert "is not complete" in script


@one_server
def test_the_contract_needs_the_mirror_of_the_domain(empty_site: Site):
    with pytest.raises(EspalierError, match="not set up in this database; run `espalier migrate --domain community`"):
        take(empty_site, SWITCHED)
    runner.migrate(empty_site.settings, "community", "0016")
    with pytest.raises(EspalierError, match="needs revision community_0017 first"):
        take(empty_site, SWITCHED)
    runner.migrate(empty_site.settings, "rag")
    with pytest.raises(EspalierError, match="rag: has no contract revisions"):
        contract(empty_site.settings, "rag", "0000")


@one_server
def test_a_direction_that_leads_away_changes_nothing(site: Site):
    assert take(site, SWITCHED, direction="down").steps == []
    bring(site, RETIRED)
    assert take(site, SWITCHED, direction="up").steps == []
    assert applied(site, "community_contract") == "community_contract_0001"
