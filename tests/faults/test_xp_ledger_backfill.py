"""The XP ledger's backfill under fire: killed between and within batches, and beside an application that writes."""

import signal
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests import factories
from tests.conftest import Connection, Site
from tests.faults.forked import Forked
from tests.faults.run_asset import run_asset, running_asset
from tests.ledgers import before_the_trigger, copies, copies_expected, opening_balances

KEY = "community/xp_ledger"
ROWS, BATCH = 60, 10
FAILPOINTS = ["xp_ledger.batch_written", "xp_ledger.batch_committed"]


def fill(connection: Connection) -> None:
    """Write older rows for two users, one of whom has a balance beyond them."""
    factories.users(connection, "ann", "bob")
    factories.user_stats(connection, "ann", 1_000)
    with before_the_trigger(connection):
        for n in range(ROWS):
            factories.points(connection, ("ann", "bob")[n % 2], n, id=f"p{n:03}", description=f"row {n}")


def backfill(site: Site, failpoint: str = "") -> int:
    """Run the backfill as a process of its own; give its exit code."""
    return run_asset(site, KEY, {"batch_size": BATCH}, failpoint)


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_a_killed_backfill_goes_on_and_equals_an_undisturbed_one(
    new_site: Callable[..., Site], template: str, failpoint: str
):
    disturbed, undisturbed = new_site(template), new_site(template)
    with disturbed.connect() as connection, undisturbed.connect() as other:
        for each in (connection, other):
            fill(each)
        assert backfill(disturbed, f"{failpoint}@3") == -signal.SIGKILL
        committed = {"xp_ledger.batch_written": 2, "xp_ledger.batch_committed": 3}[failpoint]
        assert len(copies(connection)) == committed * BATCH
        assert opening_balances(connection) == {}
        assert backfill(disturbed) == 0
        assert backfill(undisturbed) == 0
        assert copies(connection) == copies(other) == copies_expected(connection)
        assert opening_balances(connection) == opening_balances(other)


def test_a_backfill_killed_again_and_again_ends_equal(site: Site):
    with site.connect() as connection:
        fill(connection)
        for failpoint in (*FAILPOINTS, *FAILPOINTS[:1]):
            assert backfill(site, f"{failpoint}@2") == -signal.SIGKILL
        assert len(copies(connection)) == 4 * BATCH
        assert backfill(site) == 0
        assert copies(connection) == copies_expected(connection)
        assert opening_balances(connection) == {"ann": 1_000 - sum(range(0, ROWS, 2))}


class Gate:
    """Holds the jobs role's insert into xp_ledger: the batch has been read and is not yet written."""

    def __init__(self, site: Site, connection: Connection) -> None:
        self.site, self.connection = site, connection
        connection.execute(
            "CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS"
            " $$ BEGIN PERFORM pg_advisory_xact_lock_shared(7); RETURN NEW; END $$"
        )
        connection.execute(
            "CREATE TRIGGER gate BEFORE INSERT ON xp_ledger FOR EACH ROW"
            " WHEN (current_user = 'espalier_jobs') EXECUTE FUNCTION gate()"
        )
        connection.execute("SELECT pg_advisory_lock(7)")

    def open(self) -> None:
        """Let the batch go on."""
        self.connection.execute("SELECT pg_advisory_unlock(7)")

    def wait_for(self, run: Forked, writers: Sequence[threading.Thread] = ()) -> None:
        """Wait until the batch stands at the gate and each writer is through or waits for the batch."""
        waiting = "SELECT count(DISTINCT pid) AS n FROM pg_locks WHERE NOT granted"
        while self.connection.execute(waiting).fetchone() != {"n": 1 + sum(w.is_alive() for w in writers)}:
            assert run.poll() is None, "the run ended before it came to the gate"
            self.connection.execute("SELECT pg_sleep(0.01)")


def in_background(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def write(site: Site, statement: Any, errors: list[Exception]) -> None:
    """Write as the application does, in a connection of its own; what goes wrong is kept."""
    try:
        with site.connect() as connection:
            connection.execute(statement)
    except Exception as error:
        errors.append(error)


WRITES = (
    "UPDATE points_ledger SET points = 777, description = 'changed' WHERE id = 'p003'",
    "DELETE FROM points_ledger WHERE id = 'p004'",
    "DELETE FROM points_ledger WHERE id = 'p041'",
    "UPDATE points_ledger SET points = 778 WHERE id = 'p042'",
    "INSERT INTO points_ledger (id, \"userId\", \"eventType\", points) VALUES ('p0041', 'bob', 'DAILY_LOGIN', 5)",
    "INSERT INTO points_ledger (id, \"userId\", \"eventType\", points) VALUES ('p999', 'bob', 'DAILY_LOGIN', 6)",
)


def test_rows_written_between_a_batchs_read_and_its_write_are_neither_lost_nor_ghosts(site: Site):
    """The two writes to rows of the batch wait for it (FOR SHARE); the others are through before it goes on."""
    errors: list[Exception] = []
    with site.connect() as connection, site.connect() as holder:
        fill(connection)
        gate = Gate(site, holder)
        with running_asset(site, KEY, {"batch_size": BATCH}) as run:
            gate.wait_for(run)
            writers = [in_background(lambda w=w: write(site, w, errors)) for w in WRITES]
            gate.wait_for(run, writers)
            gate.open()
            for thread in writers:
                thread.join(60)
            assert run.wait(60) == 0
        assert errors == []
        assert copies(connection) == copies_expected(connection)
        assert opening_balances(connection) == {"ann": 1_000 - ann_points(connection)}


def ann_points(connection: Connection) -> int:
    row = connection.execute("SELECT sum(points) AS n FROM points_ledger WHERE \"userId\" = 'ann'").fetchone()
    assert row is not None
    return row["n"]


def test_a_user_deleted_between_a_batchs_read_and_its_write_is_gone_from_both(site: Site):
    """The deletion waits for the batch; in the other order of locks it would be the victim of a deadlock."""
    errors: list[Exception] = []
    with site.connect() as connection, site.connect() as holder:
        fill(connection)
        gate = Gate(site, holder)
        with running_asset(site, KEY, {"batch_size": BATCH}) as run:
            gate.wait_for(run)
            writer = in_background(lambda: write(site, "DELETE FROM users WHERE id = 'bob'", errors))
            gate.wait_for(run, [writer])
            gate.open()
            writer.join(60)
            assert run.wait(60) == 0
        assert errors == []
        assert copies(connection) == copies_expected(connection)
        assert {row["userId"] for row in copies(connection)} == {"ann"}
