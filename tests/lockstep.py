"""A connection that looks at two databases in turn, one of which is a step ahead of the other.

pytest-alembic learns what a step makes inside a transaction that it rolls back, then takes the step up and down inside
another one. Steps that build an index concurrently commit, so there is nothing to roll back: what a step makes is seen
in a second database instead, where it stays.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import cycle
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from tests.conftest import Site


class Lockstep(sa.Connection):
    """Looks at one schema of the first site; in every other nested transaction, from the first on, at the second's."""

    def __init__(self, sites: Sequence[Site], schema: str) -> None:
        self.site, self.ahead = sites
        self.schema = schema
        self._turns = cycle([self.ahead, self.site])
        super().__init__(
            sa.create_engine(
                "postgresql+psycopg://", creator=self._connect, poolclass=NullPool, isolation_level="AUTOCOMMIT"
            )
        )

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(
            self.site.server.url("bootstrap", self.site.database),
            options=f'-c search_path="{self.schema}",extensions',
        )

    @contextmanager
    def _looking_at(self, site: Site) -> Generator[sa.Connection]:
        first, self.site = self.site, site
        self._turn()
        yield self
        self.site = first
        self._turn()

    def _turn(self) -> None:
        """Leave the database; the next statement connects to the one that is looked at."""
        self.rollback()
        self.invalidate()

    def begin_nested(self) -> Any:
        """Go to the site whose turn it is; going back undoes nothing."""
        return self._looking_at(next(self._turns))
