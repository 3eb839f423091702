"""What the contract's locks mean for a transaction that was open before: nobody fails, and what it wrote is kept."""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests import factories
from tests.conftest import Connection, Site
from tests.migrations.site_state import applied
from tests.migrations.switching import RETIRED, SWITCHED, WAITING, equal_ledgers, switched, take


@pytest.fixture
def ledgers(site: Site) -> Generator[Connection]:
    """A connection to a site with some users and points."""
    with site.connect() as connection:
        factories.users(connection, "ann", "bob", "cyd")
        factories.points(connection, "ann", 5)
        yield connection


@contextmanager
def waiting_for_a_lock(ledgers: Connection, step: Callable[[], object]) -> Generator[None]:
    """Take a step beside the test, go on when it waits for a lock of a ledger, and wait until it is done."""
    with ThreadPoolExecutor(1) as beside:
        done = beside.submit(step)
        while not (done.done() or ledgers.execute(WAITING).rowcount):
            pass
        yield
        done.result(60)


def test_who_has_read_the_new_ledger_may_still_write_it_while_the_switch_is_taken_back(site: Site, ledgers: Connection):
    switched(site)
    with site.connect() as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT FROM xp_ledger")
        with waiting_for_a_lock(ledgers, lambda: take(site, "base")):
            factories.xp(reader, "ann", 3, id="after reading")
            reader.execute("COMMIT")
    assert applied(site, "community_contract") is None
    assert "after reading" in {row["id"] for row in equal_ledgers(ledgers)}


def test_what_is_committed_while_the_way_back_waits_for_its_lock_is_in_the_old_table(site: Site, ledgers: Connection):
    factories.points(ledgers, "bob", 1, id="changed")
    factories.points(ledgers, "bob", 2, id="deleted")
    switched(site, quiet=True)
    take(site, RETIRED)
    with site.connect() as writer:
        writer.execute("BEGIN")
        factories.xp(writer, "cyd", 9, id="added")
        writer.execute("UPDATE xp_ledger SET \"finalXP\" = 7 WHERE id = 'changed'")
        writer.execute("DELETE FROM xp_ledger WHERE id = 'deleted'")
        with waiting_for_a_lock(ledgers, lambda: take(site, SWITCHED)):
            writer.execute("COMMIT")
    said = {row["id"]: row["xp"] for row in equal_ledgers(ledgers)}
    assert (said["added"], said["changed"], "deleted" in said) == (9, 7, False)
