"""What two daemons on one Dagster instance must not do at the same time."""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from dagster import DagsterInstance
from dagster_postgres import PostgresRunStorage
from sqlalchemy import text

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))")


@contextmanager
def one_daemon_at_a_time(instance: DagsterInstance, what: Mapping[str, str]) -> Generator[None]:
    """Hold a lock in Dagster's database; the end of the transaction releases it, whatever happens."""
    storage = instance.run_storage
    if not isinstance(storage, PostgresRunStorage):
        raise TypeError(f"dagster.yaml: storage is {type(storage).__name__}; two daemons need postgres")
    with storage.connect() as connection:
        transaction = connection.execution_options(isolation_level="READ COMMITTED")  # Dagster's is autocommit
        transaction.execute(_LOCK, {"what": json.dumps(what, sort_keys=True)})
        yield
