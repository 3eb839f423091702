"""The ledger is handed over, back, over again, retired and brought back while two applications read and write it.

The clients are pgbench's, and so are the times: nobody gets an error, nobody waits longer than two seconds, and both
ledgers hold what pgbench saw done.
"""

from collections.abc import Generator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import LiteralString, cast

import pytest

from tests.conftest import Connection, Site
from tests.faults.clients import LOAD, LONGEST_S, Clients, working_clients
from tests.ledgers import complete_backfills
from tests.migrations.switching import RETIRED, SWITCHED, equal_ledgers, let_days_pass, take

CLIENTS_EACH = 8
RATE_EACH = 100
# What one transaction of an application adds, by its script.
OLD_POINTS, NEW_POINTS = 9, 12
ENTRIES = "SELECT count(*) AS entries FROM xp_ledger"


@pytest.fixture
def ledgers(site: Site) -> Generator[Connection]:
    """A connection to a site whose ledgers hold as much as makes a comparison take its time."""
    with site.connect() as connection:
        connection.execute(cast("LiteralString", (LOAD / "ledger_rows.sql").read_text()))
        complete_backfills(connection)
        yield connection


def at_work(site: Site, folder: Path, script: str) -> AbstractContextManager[Clients]:
    """Have the clients of one application at work, with a log of their own."""
    (folder / script).mkdir()
    return working_clients(site, folder / script, [script], count=CLIENTS_EACH, rate=RATE_EACH)


def entries(connection: Connection) -> int:
    """Count the entries of the new ledger."""
    row = connection.execute(ENTRIES).fetchone()
    return row["entries"] if row else 0


def pass_on(site: Site, connection: Connection, *steps: str) -> None:
    """Take steps of the contract, the applications at work before and after each."""
    for step in steps:
        goal = entries(connection) + 50
        while entries(connection) < goal:
            pass
        assert take(site, step).ok


def test_two_applications_go_on_while_the_ledger_changes_hands(site: Site, ledgers: Connection, tmp_path: Path):
    before = equal_ledgers(ledgers)
    with at_work(site, tmp_path, "old_ledger") as old, at_work(site, tmp_path, "new_ledger") as new:
        pass_on(site, ledgers, SWITCHED, "base", SWITCHED)
        old.stop()
        let_days_pass(ledgers)
        pass_on(site, ledgers, RETIRED, SWITCHED)
        new.stop()
    assert max(old.longest_wait(), new.longest_wait()) <= LONGEST_S
    after, writes = equal_ledgers(ledgers), (old.done(), new.done())
    assert len(after) == len(before) + sum(writes)
    added = writes[0] * OLD_POINTS + writes[1] * NEW_POINTS
    assert sum(row["xp"] for row in after) == sum(row["xp"] for row in before) + added
