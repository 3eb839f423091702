"""The drain's session with Postgres: what must be there is verified, and a server that falls silent is given up.

Works through a pooler in transaction mode: nothing is set beyond a transaction.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from psycopg.rows import DictRow

import sql
from orchestration.patience import Patience, cut_after, hang_up
from orchestration.resources import Postgres, Session, Transaction

NEEDS = "community_0024"
TABLES = ("concepts", "concept_prerequisites", "mastery_records", "users")


@dataclass(frozen=True)
class PatientSession(Session):
    """A session that hangs up on a Postgres that is silent, instead of waiting for ever."""

    silence: float

    @contextmanager
    def transaction(self, *, repeatable_read: bool = False) -> Generator[Transaction]:
        """Open a transaction that has to end within the time allowed."""
        with (
            cut_after(self.silence, partial(hang_up, self.connection)),
            super().transaction(repeatable_read=repeatable_read) as transaction,
        ):
            yield transaction


@contextmanager
def open_session(postgres: Postgres, silence: float) -> Generator[Session]:
    """Connect to what the drain reads, and verify that it is there.

    Raises:
        dagster.Failure: something is missing; one line with the command to run, and no retry.
    """
    with postgres.session("community", needs=NEEDS, tables=TABLES) as session:
        yield PatientSession(session.connection, session.path, silence)


def execute_alone(session: Session, query: sql.Query, values: Mapping[str, Any]) -> list[DictRow]:
    """Run a statement that the server commits by itself: a client that is stopped leaves no lock behind."""
    silence = session.silence if isinstance(session, PatientSession) else Patience().silence
    with cut_after(silence, partial(hang_up, session.connection)):
        cursor = session.connection.execute(query.text, values)
        return cursor.fetchall() if cursor.description else []
