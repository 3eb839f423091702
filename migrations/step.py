"""One revision being applied or taken back: what is done around it, in its own transaction.

`env.py` calls `begin`, the revision, `end`. Upwards, what the revision made goes on record; downwards, only what is on
record and unchanged is dropped, and rows that cannot be derived again are dumped first.
"""

from dataclasses import dataclass, field
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from psycopg.sql import SQL, Identifier

from migrations import catalog, contracts, records
from migrations.catalog import Snapshot, Thing
from migrations.completion import removal, run_all, statements
from migrations.connection import OURS, Driver, Target
from migrations.downgrade import dump_lost, made_part
from migrations.grants.apply import drop_views
from migrations.inspection.takeover import Decision
from migrations.locks import TIMEOUTS
from migrations.revisions import Direction, Revision
from orchestration.failpoints import failpoint
from orchestration.settings import DOMAINS

_EMPTY = """
    SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_class WHERE relnamespace = n.oid)
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc WHERE pronamespace = n.oid)
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_type WHERE typnamespace = n.oid)
    FROM pg_catalog.pg_namespace AS n WHERE n.nspname = %s
"""


@dataclass
class Step:
    """A revision on its way into or out of a domain's schema."""

    target: Target
    revision: Revision
    direction: Direction
    dumps: Path
    may_delete: bool = False
    decision: Decision | None = None
    dumped: dict[str, int] = field(default_factory=dict[str, int])
    changed: list[Thing] = field(default_factory=list[Thing])
    _before: Snapshot = field(default_factory=dict[Thing, str])
    _marks: Snapshot = field(default_factory=dict[Thing, str])

    @staticmethod
    def of(context: MigrationContext) -> "Step":
        """Find the step that a revision is being run for."""
        step = context.config.attributes["step"] if context.config else None
        if not isinstance(step, Step):
            raise TypeError("this revision is run by `espalier migrate` only")
        return step

    def begin(self, driver: Driver) -> None:
        """Do what comes before the revision."""
        for statement in TIMEOUTS:
            driver.execute(statement)
        self._before = catalog.snapshot(driver, self.target.schema)
        if self.direction == "up":
            self._marks = {Thing("revision", self.revision.id): self.revision.title}
            self._settle(driver)
            self._take_over(driver)
        else:
            self._guard(driver)

    def end(self, driver: Driver) -> None:
        """Do what comes after the revision."""
        after = catalog.snapshot(driver, self.target.schema)
        names = self.revision.renamed.items()
        self._before = contracts.renamed(
            self._before, dict(names) if self.direction == "up" else {new: old for old, new in names}
        )
        if self.direction == "up":
            self._record(driver, after)
        else:
            self._forget(driver, after)
        failpoint("migrate.step_done")

    def _settle(self, driver: Driver) -> None:
        """Before a domain's baseline: make its schema, and put down where the domain lives."""
        if not self.revision.is_baseline or self.target.domain not in DOMAINS:
            return
        if not driver.execute("SELECT FROM pg_catalog.pg_namespace WHERE nspname = %s", [self.target.schema]).rowcount:
            driver.execute(SQL("CREATE SCHEMA {}").format(Identifier(self.target.schema)))
            self._marks[Thing("schema", self.target.schema)] = "created"
        driver.execute(
            "INSERT INTO espalier.domains (domain, schema) VALUES (%s, %s)", [self.target.domain, self.target.schema]
        )

    def _take_over(self, driver: Driver) -> None:
        """In place of the revision where its objects, or some of them, stand already: make what is missing."""
        if self.decision:
            self._marks[Thing("taken over", self.revision.id)] = self.decision.action
            self._marks |= records.adoption(self.decision.adopted)
            run_all(driver, statements(self.decision.missing, self.decision.rows))

    def _record(self, driver: Driver, after: Snapshot) -> None:
        domain, schema = self.target.domain, self.target.schema
        intended = records.made_by(driver, domain, self.revision.id)
        ours = catalog.made_here(driver, schema) | set(records.of_domain(driver, domain))
        made = records.changes(self._before, after, ours, intended)
        self.changed = list(made)
        records.write(driver, domain, self.revision.id, {**made, **self._marks})

    def _guard(self, driver: Driver) -> None:
        recorded = records.made_by(driver, self.target.domain, self.revision.id)
        self._marks = {thing: text for thing, text in recorded.items() if thing.kind in records.MARKS}
        records.refuse_unlike_record(self.revision.id, recorded, self._before)
        drop_views(driver, self.target.domain)
        losing = made_part(driver, self.target.domain, self.revision)
        self.dumped = dump_lost(driver, losing, self.dumps, may_delete=self.may_delete)
        if Thing("taken over", self.revision.id) in self._marks:
            run_all(driver, removal(records.objects(recorded)))

    def _forget(self, driver: Driver, after: Snapshot) -> None:
        gone = [thing for thing in self._before if thing not in after]
        self.changed = gone
        if self.target.domain == OURS and self.revision.is_baseline:
            return
        recorded = records.made_by(driver, self.target.domain, self.revision.id)
        records.refuse_collateral(self.revision.id, recorded, self._before, after)
        records.forget(driver, self.target.domain, self.revision.id)
        if self.revision.is_baseline:
            self._leave(driver)

    def _leave(self, driver: Driver) -> None:
        """After a domain's baseline was taken back: nothing is left of the domain, nor of a schema that we made."""
        driver.execute("DELETE FROM espalier.domains WHERE domain = %s", [self.target.domain])
        empty = driver.execute(_EMPTY, [self.target.schema]).fetchone()
        if Thing("schema", self.target.schema) in self._marks and empty and empty[0]:
            driver.execute(SQL("DROP SCHEMA {}").format(Identifier(self.target.schema)))
