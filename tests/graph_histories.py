"""A world for histories of the graph: two applications, two drainers, and operations that are data.

Each operation is a name and arguments; the world does it if it can (locks and constraints may refuse it) and counts it.
An application works in a transaction that stays open until it commits or rolls back; a drainer advances step by step,
so that it can be overtaken anywhere. What must be at the end is in `tests/graph_by_hand.py`.
"""

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, LiteralString

import psycopg
import pytest

from assets.graph import lease, writing
from assets.graph.batch import Batch, Outcome
from assets.graph.drain import Drainer, drain_with
from assets.graph.lease import LeaseHeld
from assets.graph.session import open_session
from orchestration.graph import Fenced, GraphSession, connect_graph
from orchestration.resources import Session
from tests import factories
from tests.conftest import Connection, Site
from tests.graph_by_hand import Run
from tests.graph_drainers import in_batches_of, let_lease_run_out, let_retries_be_due

Operation = tuple[Any, ...]

# What an application does. `touch` shows nothing by itself: the application's own BEFORE trigger changes the time.
STATEMENTS: dict[str, LiteralString] = {
    "insert_concept": 'INSERT INTO concepts (id, name, domain, "updatedAt") VALUES (%s, %s, %s, now())',
    "rename_concept": "UPDATE concepts SET name = %s WHERE id = %s",
    "move_concept": "UPDATE concepts SET domain = %s WHERE id = %s",
    "change_concept_id": "UPDATE concepts SET id = %s WHERE id = %s",
    "delete_concept": "DELETE FROM concepts WHERE id = %s",
    "insert_prerequisite": 'INSERT INTO concept_prerequisites (id, "prerequisiteId", "conceptId")'
    " VALUES (gen_random_uuid()::text, %s, %s)",
    "move_prerequisite": 'UPDATE concept_prerequisites SET "conceptId" = %s'
    ' WHERE id = (SELECT id FROM concept_prerequisites ORDER BY "prerequisiteId" = %s DESC, id LIMIT 1)',
    "delete_prerequisite": 'DELETE FROM concept_prerequisites WHERE "prerequisiteId" = %s',
    "upsert_mastery": 'INSERT INTO mastery_records (id, "userId", "conceptId", "masteryScore", "updatedAt")'
    " VALUES (gen_random_uuid()::text, %s, %s, %s, clock_timestamp())"
    ' ON CONFLICT ("userId", "conceptId") DO UPDATE SET "masteryScore" = excluded."masteryScore"',
    "touch_mastery": 'UPDATE mastery_records SET "totalAttempts" = "totalAttempts" + 1 WHERE "userId" = %s',
    "move_mastery": 'UPDATE mastery_records SET "conceptId" = %s'
    ' WHERE id = (SELECT min(id) FROM mastery_records WHERE "userId" = %s)',
    "delete_mastery": "DELETE FROM mastery_records"
    ' WHERE id = (SELECT min(id) FROM mastery_records WHERE "userId" = %s)',
    "insert_user": 'INSERT INTO users (id, email, "updatedAt") VALUES (%s, %s, now())',
    "change_user_id": "UPDATE users SET id = %s WHERE id = %s",
    "opt_out": 'UPDATE users SET "leaderboardOptOut" = NOT "leaderboardOptOut" WHERE id = %s',
    "suspend": 'UPDATE users SET "isSuspended" = true, "suspendedUntil" = clock_timestamp() + %s * interval \'1 ms\''
    " WHERE id = %s",
    "delete_user": "DELETE FROM users WHERE id = %s",
    "truncate_mastery": "TRUNCATE mastery_records",
    "truncate_prerequisites": "TRUNCATE concept_prerequisites",
}
_REFUSALS = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.UniqueViolation,
    psycopg.errors.ForeignKeyViolation,
    psycopg.errors.DeadlockDetected,
)
_TOUCH = (
    "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    ' NEW."updatedAt" := clock_timestamp(); RETURN NEW; END $$',
    "CREATE TRIGGER touch BEFORE UPDATE ON mastery_records FOR EACH ROW EXECUTE FUNCTION touch()",
)
_BATCH = 3


class Crash(BaseException):
    """The drain's process is gone."""


class Application:
    """A connection with an open transaction most of the time."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        connection.autocommit = False
        connection.execute("SET lock_timeout = '10ms'")
        connection.commit()

    def do(self, name: str, *values: Any) -> bool:
        """Run a statement; one that is refused is undone alone. Tell whether it had any effect."""
        try:
            with self.connection.transaction():
                return self.connection.execute(STATEMENTS[name], values).rowcount != 0
        except _REFUSALS:
            return False

    def commit(self) -> bool:
        """End the transaction."""
        self.connection.commit()
        return True

    def rollback(self) -> bool:
        """Undo the transaction."""
        self.connection.rollback()
        return True


@dataclass
class StepDrainer:
    """A drainer that advances by one step when told to, and keeps what it has read until then."""

    site: Site
    session: Session
    graph: GraphSession
    name: str
    steps: Drainer | None = None
    batch: Batch | None = None
    renewed: bool = False
    outcome: Outcome | None = None

    def step(self) -> bool:
        """Do the next step: take the lease, read, renew, write, finish; an empty batch gives the lease back."""
        try:
            self._step()
        except (LeaseHeld, Fenced):
            self.crash()
            return False
        return True

    def _step(self) -> None:
        if self.steps is None:
            held = lease.take(self.session, self.graph, holder=self.name)
            self.steps = Drainer(self.session, self.graph, held, in_batches_of(self.site, _BATCH))
            self.steps.sweep()
        elif self.batch is None:
            self._read(self.steps)
        elif not self.renewed:
            self.steps.renew(self.batch)
            self.renewed = True
        elif self.outcome is None:
            self.outcome = self.steps.write(self.batch)
        else:
            self.steps.finish(self.batch, self.outcome)
            self.batch, self.renewed, self.outcome = None, False, None

    def _read(self, steps: Drainer) -> None:
        self.batch = steps.read()
        if not self.batch:
            steps.held.release()
            self.crash()

    def drain(self) -> bool:
        """Drain everything as one, with its own lease; whatever was at work is gone."""
        self.crash()
        try:
            drain_with(self.session, self.graph, in_batches_of(self.site, _BATCH), holder=self.name)
        except LeaseHeld:
            return False
        return True

    def crash(self) -> bool:
        """Forget everything; a lease that is held stays held until it runs out."""
        was_at_work = self.steps is not None
        self.steps, self.batch, self.renewed, self.outcome = None, None, False, None
        return was_at_work

    def is_about_to_write(self) -> bool:
        """Step on until the next step is to write; tell whether it came to that."""
        while not self.renewed or self.outcome is not None:
            if not self.step() or self.steps is None:
                return False
        return True

    def crash_in_write(self) -> bool:
        """Crash inside the next transaction of Neo4j, if there is anything to write."""
        if not self.is_about_to_write():
            return False
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(writing, "failpoint", _crash)
            try:
                self.step()
            except Crash:
                self.crash()
        return True


def _crash(_: str) -> None:
    raise Crash


@dataclass
class World:
    """Two applications and two drainers of one site."""

    site: Site
    applications: Sequence[Application]
    drainers: Sequence[StepDrainer]
    observer: Connection
    done: Counter[str] = field(default_factory=Counter[str])

    def play(self, history: Sequence[Operation]) -> None:
        """Do the operations of a history one after the other."""
        for operation in history:
            self.done[operation[0]] += self._do(operation)

    def _do(self, operation: Operation) -> bool:
        match operation:
            case ("commit", who):
                return self.applications[who].commit()
            case ("rollback", who):
                return self.applications[who].rollback()
            case ("step", who, times):
                return any([self.drainers[who].step() for _ in range(times)])
            case ("drain", who):
                return self.drainers[who].drain()
            case ("crash", who):
                return self.drainers[who].crash()
            case ("crash_in_write", who):
                return self.drainers[who].crash_in_write()
            case ("overtake", who, times):
                return self._overtake(who, times)
            case ("lease_runs_out",):
                return self._observe(let_lease_run_out)
            case ("retries_are_due",):
                return self._observe(let_retries_be_due)
            case ("deliver_again", mark):
                return self._deliver_again(mark)
            case (name, who, *values):
                return self.applications[who].do(name, *values)
            case _:
                raise ValueError(operation)

    def _overtake(self, who: int, times: int) -> bool:
        """Stop a drainer that is about to write, let the other one work on, then let the first one go on."""
        stopped, other = self.drainers[who], self.drainers[1 - who]
        if not stopped.is_about_to_write():
            return False
        let_lease_run_out(self.observer)
        self.applications[who].commit()
        for _ in range(times):
            other.step()
        stopped.step()
        return True

    def _observe(self, work: Callable[[Connection], None]) -> bool:
        work(self.observer)
        return True

    def _deliver_again(self, mark: tuple[str, str, str]) -> bool:
        """Mark a key whose change was delivered long ago, or never happened."""
        self.observer.execute("INSERT INTO espalier.graph_outbox (kind, key1, key2) VALUES (%s, %s, %s)", mark)
        return True

    def begin(self, run: Run) -> None:
        """Empty both sides, and write a small world that nobody has drained."""
        for application in self.applications:
            application.rollback()
        for each in self.drainers:
            each.crash()
        let_lease_run_out(self.observer)
        with self.observer.transaction():
            for table in ("users", "concepts", "espalier.graph_outbox"):
                self.observer.execute(b"DELETE FROM " + table.encode())
            for n in range(3):
                factories.user(self.observer, f"u{n}")
                factories.concept(self.observer, f"c{n}", domain="algebra")
            for user, concept in (("u0", "c0"), ("u1", "c1"), ("u2", "c2"), ("u2", "c0")):
                factories.mastery(self.observer, user, concept)
            for needs, needed in (("c1", "c0"), ("c2", "c1")):
                factories.prerequisite(self.observer, needs, needed)
        run("MATCH (n) WHERE NOT n:_Espalier DETACH DELETE n")

    def end(self) -> list[dict[str, Any]]:
        """Commit what is open, let the clock end suspensions and leases, drain; give the marks that are left."""
        for application in self.applications:
            application.commit()
        let_lease_run_out(self.observer)
        self.observer.execute(
            "SELECT pg_sleep_until(max(\"suspendedUntil\") AT TIME ZONE 'UTC') FROM users"
            " WHERE \"suspendedUntil\" < clock_timestamp() AT TIME ZONE 'UTC' + interval '1 minute'"
        )
        self.drainers[0].drain()
        return self.observer.execute("SELECT * FROM espalier.graph_outbox").fetchall()


@contextmanager
def open_world(site: Site) -> Generator[World]:
    """Open the connections of a world, and give the application a trigger that touches what it updates."""
    with ExitStack() as stack:
        observer, one, other = (stack.enter_context(site.connect()) for _ in range(3))
        for statement in _TOUCH:
            observer.execute(statement)
        drainers = [
            StepDrainer(
                site,
                stack.enter_context(open_session(site.postgres, 45)),
                stack.enter_context(connect_graph(site.settings)),
                name,
            )
            for name in ("first", "second")
        ]
        yield World(site, [Application(one), Application(other)], drainers, observer)
