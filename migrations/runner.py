"""Takes a domain of a site up or down, a revision at a time; prints the same as a script; tells where a site is.

Safe to interrupt and to run twice: each step is on record in its own transaction, and the next run goes on there. How
a step is guarded is in `step.py`, what is refused beforehand in `preflight.py`.
"""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy.exc import SQLAlchemyError

from migrations import contracts, preflight, records, tenancy
from migrations.adoption import decided
from migrations.completion import build_beforehand
from migrations.connection import OURS, Database, Driver, Target, connect, look_into, server_name
from migrations.downgrade import count_lost, made_part
from migrations.grants import apply as grants
from migrations.inspection.takeover import Decision
from migrations.locks import PATIENCE_SECONDS, patiently, sole_migrator
from migrations.offline import offline_sql
from migrations.report import Finding, MigrationReport, State, StepEvent, StepReport
from migrations.revisions import Direction, Plan, Revision, configuration, head, plan
from migrations.state import current, pending
from migrations.step import Step
from orchestration.errors import EspalierError
from orchestration.settings import Domain, Settings

__all__ = ["MigrationReport", "StepEvent", "current", "head", "migrate", "offline_sql", "pending", "preview"]

Watcher = Callable[[StepEvent], None]
_Step = tuple[Target, Revision, Direction]

_SAVE = "INSERT INTO espalier.migration_runs (domain, started_at, finished_at, report) VALUES (%s, %s, %s, %s)"


def migrate(
    settings: Settings,
    domain: Domain,
    to: str = "head",
    *,
    yes_delete_data: bool = False,
    on_step: Watcher | None = None,
    patience: float = PATIENCE_SECONDS,
) -> MigrationReport:
    """Take a domain to a revision, up or down, and the jobs role's rights with it.

    Args:
        settings: the site.
        domain: which of its domains.
        to: `head`, `base`, a revision or its number, `+1` or `-2` from where it is.
        yes_delete_data: go down although rows that cannot be derived again are deleted; they are dumped first.
        on_step: is told when a step begins, tries again, is done.
        patience: for how many seconds a lock is tried for.

    Raises:
        EspalierError: something stands in the way; nothing was changed, or only whole steps were.
    """
    url = settings.url("migrator")
    with explained(domain), connect(url) as database, sole_migrator(database, url, patience=patience):
        run = Run(settings, domain, database, yes_delete_data, on_step or nobody, patience)
        return run.go(to)


def preview(settings: Settings, domain: Domain, to: str = "head") -> tuple[Plan, dict[str, int]]:
    """Tell which steps `migrate` would take, and how many rows going down would delete; changes nothing.

    Raises:
        EspalierError: something stands in the way.
    """
    with explained(domain), connect(settings.url("migrator")) as database, database.driver.transaction():
        database.driver.execute("SET TRANSACTION READ ONLY")
        run = Run(settings, domain, database, True, nobody, PATIENCE_SECONDS)
        target, way, _findings = run.look(current(database.driver, domain), to)
        down = way.revisions if way.direction == "down" else []
        way = replace(way, revisions=[revision for _target, revision, _direction in run.steps_of(target, way)])
        return way, count_lost(database.driver, [made_part(database.driver, target.domain, r) for r in down])


@contextmanager
def explained(domain: str) -> Generator[None]:
    """Turn what Postgres refuses into one line that says where the site stands now."""
    try:
        yield
    except (psycopg.Error, SQLAlchemyError) as error:
        raise EspalierError(
            f"{domain}: Postgres says {' '.join(str(_cause(error)).split())!r}; finished steps stay, the last one was "
            "undone, but for indexes that it had begun, which the next run takes up; correct the cause and run "
            "`espalier migrate` again"
        ) from error


def _cause(error: BaseException) -> BaseException:
    """Find what Postgres said below what was raised on top of it."""
    chain = [error]
    while following := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(following)
    return next((link for link in reversed(chain) if isinstance(link, psycopg.Error)), error)


def save(driver: Driver, report: MigrationReport) -> None:
    """Keep the report of a run that did something."""
    if report.changed:
        driver.execute(_SAVE, [report.domain, report.started_at, report.finished_at, report.to_json()])


def nobody(_: StepEvent) -> None:
    """Watch steps for those who are not interested."""


@dataclass
class Run:
    """One run of `migrate`, under the migrators' lock."""

    settings: Settings
    domain: Domain
    database: Database
    may_delete: bool
    watcher: Watcher
    patience: float
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    steps: list[StepReport] = field(default_factory=list[StepReport])
    dumped: dict[str, int] = field(default_factory=dict[str, int])
    decisions: dict[str, Decision] = field(default_factory=dict[str, Decision])
    leaving: bool = False
    isolation: Plan | None = None
    contract: list[Revision] = field(default_factory=list[Revision])

    @property
    def dumps(self) -> Path:
        return self.settings.home / "dumps" / f"{self.domain}-{self.started:%Y%m%dT%H%M%SZ}"

    def go(self, to: str) -> MigrationReport:
        """Look, then prepare, then take the steps, then put the rights in order and verify."""
        with self.database.driver.transaction():
            start = current(self.database.driver, self.domain)
            target, way, findings = self.look(start, to)
        if way.direction == "up" and (way.revisions or start):
            target = self.prepare(target)
        with self.database.driver.transaction():
            tenancy.begin(self.database.driver, self.domain, self.settings.jobs_role, self.isolation)
        for step in self.steps_of(target, way):
            self.take(*step)
        return self._finish(target, start, way, findings)

    def steps_of(self, target: Target, way: Plan) -> list[_Step]:
        """List the steps; tenants are isolated when all else is done, and no longer before anything is taken back."""
        steps: list[_Step] = [(target, revision, way.direction) for revision in way.revisions]
        apart = self.isolation or Plan("up", [], None)
        tenants = tenancy.target_of(target, self.settings.jobs_role)
        isolating: list[_Step] = [(tenants, revision, apart.direction) for revision in apart.revisions]
        line = replace(target, domain=str(contracts.line_of(self.domain)))
        contract: list[_Step] = [(line, revision, "down") for revision in self.contract]
        return contract + isolating + steps if way.direction == "down" else steps + isolating

    def look(self, start: str | None, to: str) -> tuple[Target, Plan, list[Finding]]:
        """Read and refuse; nothing is changed here."""
        driver, schema = self.database.driver, self.settings.schema_of(self.domain)
        findings = preflight.look_at_server(driver, self.settings.jobs_role)
        record = preflight.look_at_record(driver, self.domain, schema)
        adopted = bool(record and record.adopted_at)
        floor = records.floor(driver, self.domain) if adopted else None
        way = plan(self.domain, start, to, adopted=adopted, floor=floor)
        self.leaving = floor == way.target is not None and (way.direction == "down" or to == "base")
        target = preflight.find_target(driver, self.domain, schema)
        driver.execute("SELECT set_config('search_path', %s, true)", [target.search_path])
        self.isolation = tenancy.way_of(driver, self.settings, self.domain, way, to, adopted=adopted)
        tenancy.refuse_unfit_jobs(driver, schema, self.settings.jobs_role, self.isolation)
        tenancy.see_every_organization(driver, self.domain, schema)
        self.contract = contracts.in_the_way(driver, self.domain, way)
        if way.direction == "up":
            preflight.look_upwards(driver, target, start, way)
            self.decisions = decided(driver, target, start, way) if adopted else {}
        else:
            preflight.look_downwards(driver, target, way, None if self.may_delete else self.dumps)
        findings.append(Finding("schema", True, f"{schema} at {start or 'base'}, {len(way.revisions)} steps to take"))
        return target, way, findings

    def prepare(self, target: Target) -> Target:
        """Make what every domain stands on: the extension, our schema, our own revisions."""
        with self.database.driver.transaction():
            extensions = preflight.ensure_extension(self.database.driver)
        self.prepare_ours(extensions)
        return Target(target.domain, target.schema, extensions)

    def prepare_ours(self, extensions: str) -> None:
        """Make our schema, and bring it to its head."""
        preflight.ensure_ours(self.database)
        ours = Target(OURS, OURS, extensions)
        with self.database.driver.transaction():
            way = plan(OURS, current(self.database.driver, OURS), "head")
        for revision in way.revisions:
            self.take(ours, revision, "up")

    def take(self, target: Target, revision: Revision, direction: Direction) -> None:
        """Take one step, again while others hold its locks."""
        begun = time.monotonic()
        look_into(self.database, target)

        def tell(state: State, tries: int = 1) -> None:
            seconds = time.monotonic() - begun
            self.watcher(StepEvent(revision.id, revision.title, direction, state, tries, seconds))

        tell("begin")
        step, tries = patiently(
            lambda: self._once(target, revision, direction),
            revision.id,
            target.schema,
            self.database.driver,
            on_retry=lambda tries: tell("retry", tries),
            patience=self.patience,
        )
        tell("done", tries)
        seconds = time.monotonic() - begun
        self.dumped |= step.dumped
        self.steps.append(
            StepReport(target.domain, revision.id, revision.title, direction, seconds, tries, len(step.changed))
        )

    def _once(self, target: Target, revision: Revision, direction: Direction) -> Step:
        decision = self.decisions.get(revision.id) if direction == "up" else None
        step = Step(target, revision, direction, self.dumps, self.may_delete, decision)
        config = configuration(target.domain)
        config.attributes.update(target=target, database=self.database, step=step)
        if decision:
            build_beforehand(self.database, target, revision.id, decision.missing)
            command.stamp(config, revision.id)
        elif direction == "up":
            command.upgrade(config, revision.id)
        else:
            self._down(config, revision)
        return step

    def _down(self, config: Config, revision: Revision) -> None:
        """Take a revision back; what was only taken over has no way down of its own, the step does it."""
        with self.database.driver.transaction():
            made = records.made_by(self.database.driver, self.domain, revision.id)
        if any(thing.kind == "taken over" for thing in made):
            command.stamp(config, revision.previous or "base")
        else:
            command.downgrade(config, revision.previous or "base")

    def _finish(self, target: Target, start: str | None, way: Plan, findings: list[Finding]) -> MigrationReport:
        driver = self.database.driver
        with driver.transaction():
            report = MigrationReport(
                domain=self.domain,
                schema=target.schema,
                server=server_name(driver),
                from_revision=start,
                to_revision=way.target,
                started_at=self.started,
                finished_at=datetime.now(UTC),
                preflight=findings,
                steps=self.steps,
                dumps=self.dumped,
            )
            if current(driver, OURS):
                report.grants = self.grant(target)
                report.preflight += [*tenancy.told(driver, self.domain), *contracts.told(driver, target)]
                report.verification = self._verify(target)
                report.finished_at = datetime.now(UTC)
                save(driver, report)
        return report

    def grant(self, target: Target) -> list[str]:
        change = grants.leave if self.leaving else grants.apply
        return change(self.database.driver, self.settings, target)

    def _verify(self, target: Target) -> list[Finding]:
        expected = tenancy.on_record(self.database.driver, self.domain)
        found = contracts.seen(self.database.driver, self.domain, target.schema)
        return [
            Finding(str(thing), found.get(thing) == text, "as created" if found.get(thing) == text else "differs")
            for thing, text in records.objects(expected).items()
        ]
