"""What keeps migrations from getting into anyone's way: the migrators' lock, the time-outs, the retry of a lock.

A waiting ALTER makes every client queue behind it, so it waits 300 ms and tries again later. The migrators' lock is
tried and polled, as a session that waits for a lock holds a snapshot that a concurrent index build waits for.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy.exc import DBAPIError
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    retry_if_result,
    stop_after_delay,
    wait_random,
    wait_random_exponential,
)

from migrations.connection import Database, Driver, connect
from orchestration.errors import EspalierError

_T = TypeVar("_T")

TIMEOUTS = ("SET lock_timeout = '300ms'", "SET statement_timeout = '60s'")
NO_TIMEOUTS = ("SET lock_timeout = 0", "SET statement_timeout = 0")
PATIENCE_SECONDS = 600.0
_KEY = 0x65737061_6C696572
_TRY_LOCK = "SELECT pg_try_advisory_lock(%s)"
_HOLDER = """
    SELECT a.pid, a.application_name FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_stat_activity AS a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND ((l.classid::bigint << 32) | l.objid::bigint) = %s
"""
_LOCK_HOLDERS = """
    SELECT DISTINCT l.pid, c.relname
    FROM pg_catalog.pg_locks AS l
    JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE l.granted AND l.pid <> pg_backend_pid() AND n.nspname = %s AND c.relkind IN ('r', 'p')
    ORDER BY 1, 2
"""


@contextmanager
def sole_migrator(database: Database, url: str, *, patience: float = PATIENCE_SECONDS) -> Generator[None]:
    """Hold the migrators' lock of this database: of two migrators one waits, then finds nothing to do.

    Raises:
        EspalierError: another migrator held it all the time, or the address leads through a pooler.
    """
    waiting = Retrying(
        retry=retry_if_result(lambda held: not held),
        stop=stop_after_delay(patience),
        wait=wait_random(0.1, 0.5),
        retry_error_callback=lambda _: False,
    )
    if not waiting(_try_lock, database.driver):
        raise EspalierError(_name_holder(database.driver, patience))
    try:
        with connect(url) as second:
            refuse_pooler(second.driver)
        yield
    finally:
        if database.driver.info.transaction_status is TransactionStatus.IDLE:
            _unlock(database.driver)


def refuse_pooler(second: Driver) -> None:
    """Refuse an address behind which two connections share one session: the lock would protect nothing."""
    if _try_lock(second):
        _unlock(second)  # else the session, which the pooler keeps, would hold up the migration that is meant
        raise EspalierError(
            f"DIRECT_DATABASE_URL: two connections to {second.info.host} share a session, so a pooler stands between; "
            "give the address of the server itself"
        )


def _try_lock(driver: Driver) -> bool:
    with driver.transaction():
        row = driver.execute(_TRY_LOCK, [_KEY]).fetchone()
    return bool(row and row[0])


def _unlock(driver: Driver) -> None:
    with driver.transaction():
        driver.execute("SELECT pg_advisory_unlock(%s)", [_KEY])


def _name_holder(driver: Driver, patience: float) -> str:
    with driver.transaction():
        row = driver.execute(_HOLDER, [_KEY]).fetchone()
    holder = f"process {row[0]} ({row[1]})" if row else "another session"
    return f"another migration is running: {holder} has held its lock for {patience:.0f} s; wait for it or end it"


def patiently(
    step: Callable[[], _T],
    name: str,
    schema: str,
    driver: Driver,
    *,
    on_retry: Callable[[int], None],
    patience: float = PATIENCE_SECONDS,
) -> tuple[_T, int]:
    """Run a step, again while others hold its locks. Gives its result and the number of tries.

    Raises:
        EspalierError: the lock could not be had within the patience.
    """
    retrying = Retrying(
        retry=retry_if_exception(is_contention),
        stop=stop_after_delay(patience),
        wait=wait_random_exponential(multiplier=0.2, max=5),
        before_sleep=lambda state: on_retry(state.attempt_number),
        retry_error_callback=lambda state: _give_up(state, name, schema, driver),
    )
    result = retrying(step)
    return result, int(retrying.statistics["attempt_number"])


def is_contention(error: BaseException) -> bool:
    """Whether a statement failed only because someone else held a lock."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(origin, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected)


def _give_up(state: RetryCallState, name: str, schema: str, driver: Driver) -> None:
    with driver.transaction():
        rows = driver.execute(_LOCK_HOLDERS, [schema]).fetchall()
    holders = ", ".join(f"process {pid} on {table}" for pid, table in rows[:5]) or "none at this moment"
    raise EspalierError(
        f"{name}: no lock within {state.seconds_since_start or 0:.0f} s and {state.attempt_number} tries; locks are "
        f"held by {holders}; end the long transaction and run the command again, it goes on here"
    )
