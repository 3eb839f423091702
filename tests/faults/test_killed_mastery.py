"""Mastery under fire: a run that was killed loses no mark, and the next one ends equal to an undisturbed one."""

import signal
from datetime import UTC, datetime

import pytest

from tests import factories
from tests.conftest import Connection, Site
from tests.faults.run_asset import run_asset
from tests.mastery_by_hand import by_hand, records

KEY = "community/mastery_records"
FAILPOINTS = ["mastery_records.batch_written", "mastery_records.batch_committed"]
BATCH = {"batch_size": 4}


def fill(connection: Connection, correct: bool) -> None:
    """Write an attempt at each of ten concepts."""
    for n in range(10):
        factories.attempt(connection, "ann", f"c{n}", correct)


def equal(connection: Connection) -> bool:
    """Whether every record is what plain Python makes of the attempts."""
    now = datetime.now(UTC).replace(tzinfo=None)
    return {(r["userId"], r["conceptId"]): r for r in records(connection)} == by_hand(connection, now)


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_a_killed_run_goes_on_and_ends_equal(site: Site, failpoint: str):
    with site.connect() as connection:
        factories.users(connection, "ann")
        for n in range(10):
            factories.concept(connection, f"c{n}")
        fill(connection, correct=True)
        assert run_asset(site, KEY, BATCH, f"{failpoint}@2") == -signal.SIGKILL
        assert not equal(connection)
        assert run_asset(site, KEY, BATCH) == 0
        assert equal(connection)
        fill(connection, correct=False)
        assert run_asset(site, KEY, BATCH, f"{failpoint}@2") == -signal.SIGKILL
        assert not equal(connection)
        assert run_asset(site, KEY, BATCH) == 0
        assert equal(connection)
        assert connection.execute("SELECT FROM espalier.mastery_dirty").rowcount == 0
