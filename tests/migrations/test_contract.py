"""The hand-over from points_ledger to xp_ledger under two applications that go on writing, and back again."""

import threading

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from migrations import runner
from migrations.contract import look_ahead
from orchestration.errors import EspalierError
from tests import factories
from tests.conftest import Connection, Materialize, Site
from tests.ledgers import complete_backfills
from tests.migrations.site_state import applied, names
from tests.migrations.switching import (
    RETIRED,
    SWITCHED,
    WAITING,
    Application,
    equal_ledgers,
    late_writes,
    let_days_pass,
    new_write,
    old_write,
    points_of,
    running,
    switched,
    take,
    xp_of,
)

TABLES = "SELECT relname FROM pg_class WHERE relname LIKE 'points_ledger%' AND relkind = 'r'"

CHAIN = "UPDATE {} SET id = CASE id WHEN 'k2' THEN 'k3' ELSE 'k2' END WHERE id IN ('k1', 'k2')"


@pytest.fixture
def ledgers(site: Site):
    """A connection to a site with two users and some points."""
    with site.connect() as connection:
        factories.users(connection, "ann", "bob", "cyd")
        for number in range(5):
            factories.points(connection, "ann", number)
        yield connection


def test_the_whole_life_under_two_applications_loses_no_acknowledged_row(
    site: Site, ledgers: Connection, materialize: Materialize
):
    old, new = Application(site, "old", old_write), Application(site, "new", new_write)
    with running(old):
        old.wait_for_more()
        report = runner.migrate(site.settings, "community")
        assert not report.steps
        with pytest.raises(EspalierError, match="the backfill of xp_ledger is not complete"):
            take(site, SWITCHED)
        materialize("community/xp_ledger")
        assert take(site, SWITCHED).ok
        with running(new):
            old.wait_for_more()
            new.wait_for_more()
            equal_ledgers(ledgers)
            let_days_pass(ledgers)
            old.wait_for_more()
            with pytest.raises(EspalierError, match=r"points_ledger is not quiet: \d+ late writes"):
                take(site, RETIRED)
            old.stop()
            let_days_pass(ledgers)
            assert take(site, RETIRED).ok
            new.wait_for_more()
            assert names(ledgers, TABLES) == {"points_ledger_retired"}
            take(site, SWITCHED)
            new.wait_for_more()
        take(site, "base")
        again = Application(site, "old-again", old_write)
        with running(again):
            again.wait_for_more()
    assert (old.failed, new.failed, again.failed) == ([], [], [])
    said = {row["id"] for row in equal_ledgers(ledgers)}
    for application, deleted in ((old, "7"), (new, "8"), (again, "7")):
        assert {key for key in application.acknowledged if not key.endswith(deleted)} <= said


def test_a_plain_migrate_stops_before_the_contract_and_names_what_it_waits_for(site: Site, ledgers: Connection):
    def told() -> str:
        report = runner.migrate(site.settings, "community")
        assert (report.steps, report.ok) == ([], True)
        return next(finding.detail for finding in report.preflight if finding.name == "contract")

    assert "community_contract_0000 (The writing side goes" in told()
    assert "waits: the backfill of xp_ledger is not complete (0 rows copied); run `espalier mat" in told()
    complete_backfills(ledgers)
    assert "community_contract_0000 (" in told()
    assert "may be taken, by name only: `espalier migrate --to community_contract_0000`" in told()
    take(site, SWITCHED)
    assert "community_contract_0001 (The old ledger is retired" in told()
    assert "no late write since the switch of" in told()
    let_days_pass(ledgers)
    factories.points(ledgers, "ann")
    assert "1 late writes since the switch, the last one" in told()
    let_days_pass(ledgers)
    assert "0001` with its --domain" in told()
    take(site, RETIRED)
    assert not [f for f in runner.migrate(site.settings, "community").preflight if f.name == "contract"]
    assert look_ahead(site.settings, "community") is None


REFUSED = {
    "ALTER TABLE points_ledger DISABLE TRIGGER USER; DELETE FROM points_ledger WHERE points = 3;"
    "ALTER TABLE points_ledger ENABLE TRIGGER USER": "0 rows are missing in xp_ledger, 0 differ, 1 copies have no sou",
    'DELETE FROM xp_ledger WHERE "finalXP" = 2': "1 rows are missing in xp_ledger, 0 differ",
    'UPDATE xp_ledger SET "finalXP" = 7, "baseXP" = 7 WHERE "finalXP" < 2': "0 rows are missing in xp_ledger, 2 differ",
    "UPDATE xp_ledger SET \"eventType\" = 'X'": "5 differ",
    "ALTER TABLE points_ledger ADD COLUMN origin text NOT NULL DEFAULT 'x';"
    "ALTER TABLE points_ledger ALTER origin DROP DEFAULT": "points_ledger has a required column origin, which could",
    'CREATE UNIQUE INDEX daily ON points_ledger ("userId", points)': "points_ledger has the unique index daily",
    "ALTER TABLE points_ledger ADD CONSTRAINT few CHECK (points < 100)": "points_ledger has the constraint few",
    'ALTER TABLE points_ledger ALTER "eventType" TYPE varchar(30)': '"eventType" of type character varying(30)',
}


@pytest.mark.parametrize("statement", REFUSED)
def test_the_switch_is_refused_with_counts_and_changes_nothing(site: Site, ledgers: Connection, statement: str):
    complete_backfills(ledgers)
    ledgers.execute(statement.encode())
    with pytest.raises(EspalierError) as refused:
        take(site, SWITCHED)
    assert REFUSED[statement] in str(refused.value)
    assert "nothing was changed" in str(refused.value)
    assert names(ledgers, "SELECT id FROM espalier.ledger_switches") == set()


def test_the_switch_is_on_record_with_who_when_and_what_was_counted(site: Site, ledgers: Connection):
    factories.xp(ledgers, "cyd", 40, "PEER_REVIEW", id="early")
    switched(site)
    (row,) = ledgers.execute("SELECT * FROM espalier.ledger_switches").fetchall()
    assert (row["points_rows"], row["points_sum"], row["rows_copied"], row["quiet_days"]) == (5, 10, 1, 7)
    assert "@" in row["switched_by"]
    assert row["taken_back_at"] is None
    assert [r["xp"] for r in equal_ledgers(ledgers) if r["id"] == "early"] == [40]
    assert late_writes(ledgers) == []
    take(site, "base")
    (row,) = ledgers.execute("SELECT * FROM espalier.ledger_switches").fetchall()
    assert row["taken_back_by"] == row["switched_by"]
    take(site, SWITCHED)
    assert len(ledgers.execute("SELECT FROM espalier.ledger_switches").fetchall()) == 2


def test_a_late_write_is_copied_forward_and_counted_as_such(site: Site, ledgers: Connection):
    switched(site)
    ledgers.execute("SET application_name = 'the old one'")
    factories.points(ledgers, "ann", 9, id="late")
    ledgers.execute("UPDATE points_ledger SET points = 8 WHERE id = 'late'")
    ledgers.execute("DELETE FROM points_ledger WHERE points = 4")
    equal_ledgers(ledgers)
    assert late_writes(ledgers) == ["INSERT", "UPDATE", "DELETE"]
    ledgers.execute("TRUNCATE points_ledger")
    assert equal_ledgers(ledgers) == []
    assert late_writes(ledgers)[3:] == ["TRUNCATE"]
    assert names(ledgers, "SELECT application FROM espalier.ledger_late_writes") == {"the old one"}


def test_what_happens_to_users_or_comes_from_the_mirror_is_nobodys_late_write(site: Site, ledgers: Connection):
    switched(site)
    factories.points(ledgers, "bob", id="of-bob")
    ledgers.execute("DELETE FROM espalier.ledger_late_writes")
    factories.xp(ledgers, "cyd", 5, id="mirrored")
    ledgers.execute("UPDATE xp_ledger SET id = 'moved' WHERE id = 'mirrored'")
    ledgers.execute("UPDATE users SET id = 'bobby' WHERE id = 'bob'")
    assert {row["userId"] for row in equal_ledgers(ledgers)} == {"ann", "bobby", "cyd"}
    ledgers.execute("DELETE FROM xp_ledger WHERE id = 'moved'")
    ledgers.execute("DELETE FROM users WHERE id = 'ann'")
    assert {row["id"] for row in equal_ledgers(ledgers)} == {"of-bob"}
    ledgers.execute("TRUNCATE xp_ledger")
    assert equal_ledgers(ledgers) == []
    ledgers.execute("TRUNCATE users CASCADE")
    assert late_writes(ledgers) == []


def test_an_unknown_event_keeps_its_name_in_xp_through_a_late_write(site: Site, ledgers: Connection):
    switched(site)
    factories.xp(ledgers, "ann", 5, "PEER_REVIEW", id="x", finalXP=6)
    assert names(ledgers, "SELECT \"eventType\" FROM points_ledger WHERE id = 'x'") == {"ACHIEVEMENT_UNLOCKED"}
    ledgers.execute("UPDATE points_ledger SET points = 7 WHERE id = 'x'")
    row = ledgers.execute('SELECT "eventType", "baseXP", "finalXP" FROM xp_ledger WHERE id = \'x\'').fetchone()
    assert row == {"eventType": "PEER_REVIEW", "baseXP": 5, "finalXP": 7}
    ledgers.execute("UPDATE points_ledger SET \"eventType\" = 'BADGE_EARNED' WHERE id = 'x'")
    assert names(ledgers, "SELECT \"eventType\" FROM xp_ledger WHERE id = 'x'") == {"BADGE_EARNED"}


def test_opening_balances_are_copied_to_no_one(site: Site, ledgers: Connection):
    factories.xp(ledgers, "ann", 500, "OPENING_BALANCE", id="opened", metadata={"source": "user_stats"})
    switched(site, quiet=True)
    ledgers.execute("UPDATE xp_ledger SET flagged = true WHERE id = 'opened'")
    equal_ledgers(ledgers)
    take(site, RETIRED)
    take(site, SWITCHED)
    assert names(ledgers, "SELECT id FROM points_ledger WHERE id = 'opened'") == set()
    ledgers.execute("TRUNCATE points_ledger")
    assert names(ledgers, "SELECT id FROM xp_ledger") == {"opened"}


def test_a_transaction_with_an_old_snapshot_is_mirrored_the_new_way(site: Site, ledgers: Connection):
    complete_backfills(ledgers)
    with site.connect() as older, older.transaction():
        older.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        older.execute("SELECT count(*) FROM doubts")
        take(site, SWITCHED)
        factories.xp(older, "cyd", 3, id="from-the-past")
    assert "from-the-past" in {row["id"] for row in equal_ledgers(ledgers)}


def test_the_contract_waits_for_who_has_touched_the_old_table_and_then_refuses(site: Site, ledgers: Connection):
    switched(site, quiet=True)
    with site.connect() as holder:
        holder.execute("BEGIN")
        factories.points(holder, "ann", 99, id="uncommitted")
        with pytest.raises(EspalierError, match="community_contract_0001: no lock within"):
            take(site, RETIRED, patience=0.5)
        committed = threading.Event()

        def commit(step: object) -> None:
            if getattr(step, "state", "") == "retry" and not committed.is_set():
                committed.set()
                holder.execute("COMMIT")

        with pytest.raises(EspalierError, match=r"points_ledger is not quiet: 1 late writes"):
            take(site, RETIRED, on_step=commit)
    assert committed.is_set()
    assert "uncommitted" in {row["id"] for row in equal_ledgers(ledgers)}


UNPROVED = {
    "ALTER TABLE xp_ledger DISABLE TRIGGER points_ledger_sync": "the mirror is not whole: 1 of its 4 triggers",
    "DROP TRIGGER xp_ledger_sync_truncate ON points_ledger": "the mirror is not whole: 1 of its 4 triggers",
    "SET session_replication_role = replica; DELETE FROM points_ledger WHERE points = 4;"
    "RESET session_replication_role": "0 rows of points_ledger are not in xp_ledger, 1 of xp_ledger not in points_led",
    "CREATE FUNCTION total() RETURNS bigint LANGUAGE plpgsql AS"
    " 'BEGIN RETURN (SELECT sum(points) FROM points_ledger); END'": "the function total() names points_ledger",
}


@pytest.mark.parametrize("statement", UNPROVED)
def test_the_contract_is_refused_while_anything_is_unproved(site: Site, ledgers: Connection, statement: str):
    switched(site, quiet=True)
    with site.connect("community", "bootstrap") as superuser:
        superuser.execute(statement.encode())
    with pytest.raises(EspalierError) as refused:
        take(site, RETIRED)
    assert UNPROVED[statement] in str(refused.value)
    assert names(ledgers, TABLES) == {"points_ledger"}


def test_what_was_written_past_the_triggers_is_brought_together_by_going_back(site: Site, ledgers: Connection):
    switched(site)
    with site.connect("community", "bootstrap") as superuser:
        superuser.execute("SET session_replication_role = replica")
        factories.points(superuser, "ann", 77, id="only-old")
        factories.xp(superuser, "ann", 78, "PEER_REVIEW", id="only-new")
    assert points_of(ledgers) != xp_of(ledgers)
    take(site, "base")
    assert {"only-old", "only-new"} <= {row["id"] for row in equal_ledgers(ledgers)}


def test_the_retired_table_takes_no_writes_but_what_happens_to_users(site: Site, ledgers: Connection):
    switched(site, quiet=True)
    take(site, RETIRED)
    for statement in (
        "UPDATE points_ledger_retired SET points = 0",
        "DELETE FROM points_ledger_retired",
        'INSERT INTO points_ledger_retired (id, "userId", "eventType", points)'
        " SELECT 'new', 'ann', min(\"eventType\"), 1 FROM points_ledger_retired",
    ):
        with pytest.raises(psycopg.errors.RaiseException, match="points_ledger_retired takes no writes"):
            ledgers.execute(statement.encode())
    ledgers.execute("UPDATE users SET id = 'anna' WHERE id = 'ann'")
    assert names(ledgers, 'SELECT "userId" FROM points_ledger_retired') == {"anna"}
    ledgers.execute("DELETE FROM users WHERE id = 'anna'")
    assert names(ledgers, "SELECT id FROM points_ledger_retired") == set()


def test_the_contract_is_taken_back_with_every_row_written_changed_or_deleted_since(site: Site, ledgers: Connection):
    for number in range(3):
        factories.points(ledgers, "bob", number, id=f"p{number}", description=None if number else "words")
    switched(site, quiet=True)
    take(site, RETIRED)
    factories.xp(ledgers, "cyd", 5, "PEER_REVIEW", id="since", reason="a review")
    ledgers.execute("UPDATE xp_ledger SET \"finalXP\" = 50 WHERE id = 'p1'")
    ledgers.execute("DELETE FROM xp_ledger WHERE id = 'p2'")
    take(site, SWITCHED)
    said = {row["id"]: row["xp"] for row in equal_ledgers(ledgers)}
    assert (said["since"], said["p1"], "p2" in said) == (5, 50, False)
    assert late_writes(ledgers) == []
    factories.xp(ledgers, "cyd", 1, id="mirrored again")
    factories.points(ledgers, "cyd", 1, id="late again")
    equal_ledgers(ledgers)
    assert late_writes(ledgers) == ["INSERT"]


def test_a_table_that_somebody_made_in_the_place_of_the_retired_one_stops_the_way_back(site: Site, ledgers: Connection):
    switched(site, quiet=True)
    take(site, RETIRED)
    ledgers.execute("CREATE TABLE points_ledger (id text)")
    with pytest.raises(EspalierError, match='relation "points_ledger" already exists'):
        take(site, SWITCHED)
    assert applied(site, "community") == runner.head("community")


def test_of_two_switches_at_once_one_switches_and_the_other_finds_it_done(site: Site, ledgers: Connection):
    complete_backfills(ledgers)
    steps: list[int] = []
    both = threading.Barrier(2)

    def switch() -> None:
        both.wait()
        steps.append(len(take(site, SWITCHED).steps))

    threads = [threading.Thread(target=switch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(steps) == [0, 1]
    assert len(ledgers.execute("SELECT FROM espalier.ledger_switches").fetchall()) == 1


def test_a_late_write_that_is_committed_while_the_contract_waits_for_its_lock_is_seen(site: Site, ledgers: Connection):
    switched(site, quiet=True)
    refused: list[EspalierError] = []

    def retire() -> None:
        try:
            take(site, RETIRED)
        except EspalierError as error:
            refused.append(error)

    with site.connect() as holder:
        holder.execute("BEGIN")
        factories.points(holder, "ann", 99, id="uncommitted")
        migrator = threading.Thread(target=retire)
        migrator.start()
        while migrator.is_alive() and not ledgers.execute(WAITING).rowcount:
            pass
        holder.execute("COMMIT")
    migrator.join(60)
    assert "1 late writes" in str(refused[0])
    assert "uncommitted" in {row["id"] for row in equal_ledgers(ledgers)}


@pytest.mark.parametrize("table", ["xp_ledger", "points_ledger"])
def test_entries_that_take_each_others_keys_in_one_statement_stay(site: Site, ledgers: Connection, table: str):
    switched(site)
    for name in ("k2", "k1"):
        factories.xp(ledgers, "ann", int(name[1]), id=name)
    ledgers.execute(SQL(CHAIN).format(Identifier(table)))
    said = {row["id"]: row["xp"] for row in equal_ledgers(ledgers)}
    assert (said["k2"], said["k3"], "k1" in said) == (1, 2, False)


def test_a_description_that_says_nothing_stays_as_the_old_application_wrote_it(site: Site, ledgers: Connection):
    switched(site)
    for name, description in (("none", None), ("empty", "")):
        factories.points(ledgers, "ann", id=name, description=description)
    ledgers.execute("UPDATE xp_ledger SET \"finalXP\" = 1 WHERE id IN ('none', 'empty')")
    rows = ledgers.execute("SELECT id, description, points FROM points_ledger WHERE id IN ('none', 'empty')").fetchall()
    assert {row["id"]: (row["description"], row["points"]) for row in rows} == {"none": (None, 1), "empty": ("", 1)}
