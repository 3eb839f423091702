"""Takes a domain's contract revisions, and takes them back: by name, one after the other, each proved beforehand.

`contracts.py` says what such a line is and what it has done; a step is taken as `runner.py` takes any other.
"""

import getpass
import socket
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from psycopg.rows import dict_row

from migrations import contracts, preflight
from migrations.connection import OURS, Driver, Target, connect, server_name
from migrations.locks import PATIENCE_SECONDS, sole_migrator
from migrations.report import Finding, MigrationReport
from migrations.revisions import Direction, Plan, plan
from migrations.runner import Run, Watcher, explained, nobody, save
from migrations.state import current, relation_exists
from orchestration.errors import EspalierError
from orchestration.settings import Domain, Settings

__all__ = ["contract", "find_hand_over", "look_ahead", "set_quiet_days"]

_HAND_OVER = """
    SELECT s.switched_at, s.switched_by, s.points_rows, s.points_sum, s.rows_copied, s.quiet_days, s.retired_at,
           s.retired_by, count(w.id) AS late_writes, max(w.at) AS newest_late_write
    FROM espalier.ledger_switches AS s LEFT JOIN espalier.ledger_late_writes AS w ON w.at >= s.switched_at
    WHERE s.taken_back_at IS NULL GROUP BY s.id
"""


def contract(
    settings: Settings,
    domain: Domain,
    to: str,
    *,
    direction: Direction | None = None,
    on_step: Watcher | None = None,
    patience: float = PATIENCE_SECONDS,
) -> MigrationReport:
    """Take a domain's contract line to a revision, up or down.

    Args:
        settings: the site.
        domain: which of its domains.
        to: `base`, a revision of the line or its number.
        direction: the only way in which it may lead there; on the other side of `to` nothing is done.
        on_step: is told when a step begins, tries again, is done.
        patience: for how many seconds a lock is tried for.

    Raises:
        EspalierError: what a revision waits for does not hold, or something else stands in the way.
    """
    url = settings.url("migrator")
    with explained(domain), connect(url) as database, sole_migrator(database, url, patience=patience):
        run = Run(settings, domain, database, False, on_step or nobody, patience)
        with database.driver.transaction():
            findings, target = _look(run)
        run.prepare_ours(target.extensions)
        with database.driver.transaction():
            start, way = _plan(run, target, to, direction)
        for revision in way.revisions:
            run.take(replace(target, domain=_line(domain)), revision, way.direction)
        return _finish(run, target, start, way, findings)


def look_ahead(settings: Settings, domain: Domain) -> contracts.Waiting | None:
    """Ask what a domain's next contract revision waits for; changes nothing.

    Raises:
        EspalierError: something stands in the way of looking.
    """
    with explained(domain), connect(settings.url("migrator")) as database, database.driver.transaction():
        database.driver.execute("SET TRANSACTION READ ONLY")
        target = preflight.find_target(database.driver, domain, settings.schema_of(domain))
        return contracts.waiting(database.driver, target)


def find_hand_over(settings: Settings, domain: Domain) -> tuple[dict[str, Any] | None, contracts.Waiting | None]:
    """Read the open switch of the ledger's writing side, and what the next step waits for.

    Raises:
        EspalierError: something stands in the way of looking.
    """
    waiting = look_ahead(settings, domain)
    with explained(domain), connect(settings.url("migrator")) as database, database.driver.transaction():
        if not relation_exists(database.driver, OURS, "ledger_switches"):
            return None, waiting
        with database.driver.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(_HAND_OVER).fetchone(), waiting


def set_quiet_days(settings: Settings, domain: Domain, days: int) -> None:
    """Put down for how many days the old ledger must be quiet before it may be retired.

    Raises:
        EspalierError: something stands in the way.
    """
    with explained(domain), connect(settings.url("migrator")) as database, database.driver.transaction():
        query = "UPDATE espalier.ledger_switches SET quiet_days = %s WHERE taken_back_at IS NULL"
        database.driver.execute(query, [days])


def _line(domain: str) -> str:
    line = contracts.line_of(domain)
    if line is None:
        raise EspalierError(f"{domain}: has no contract revisions")
    return line


def _look(run: Run) -> tuple[list[Finding], Target]:
    driver, schema = run.database.driver, run.settings.schema_of(run.domain)
    findings = preflight.look_at_server(driver, run.settings.jobs_role)
    if preflight.look_at_record(driver, run.domain, schema) is None:
        raise EspalierError(f"{run.domain}: not set up in this database; run `espalier migrate --domain {run.domain}`")
    driver.execute("SELECT set_config('espalier.who', %s, false)", [_who()])
    return findings, preflight.find_target(driver, run.domain, schema)


def _plan(run: Run, target: Target, to: str, direction: Direction | None) -> tuple[str | None, Plan]:
    """Find the way, and refuse it while anything that one of its steps waits for does not hold."""
    driver, line = run.database.driver, _line(run.domain)
    start = current(driver, line)
    way = plan(line, start, to)
    if direction not in (None, way.direction):
        way = Plan(way.direction, [], start)
    if way.direction == "up":
        driver.execute("SELECT set_config('search_path', %s, true)", [target.search_path])
        _refuse_early(driver, run.domain, way)
    return start, way


def _refuse_early(driver: Driver, domain: Domain, way: Plan) -> None:
    needs = [revision.needs for revision in way.revisions if revision.needs]
    missing = [name for name in needs if name not in contracts.behind(driver, domain)]
    if missing:
        raise EspalierError(f"{domain}: needs revision {missing[0]} first; run `espalier migrate --domain {domain}`")
    for revision in way.revisions:
        reason = contracts.first_reason(driver, revision)
        if reason:
            raise EspalierError(f"{contracts.Waiting(revision, reason)}; nothing was changed")


def _finish(run: Run, target: Target, start: str | None, way: Plan, findings: list[Finding]) -> MigrationReport:
    driver = run.database.driver
    with driver.transaction():
        report = MigrationReport(
            domain=_line(run.domain),
            schema=target.schema,
            server=server_name(driver),
            from_revision=start,
            to_revision=way.target,
            started_at=run.started,
            finished_at=datetime.now(UTC),
            preflight=findings,
            steps=run.steps,
        )
        report.grants = run.grant(target)
        wrong = contracts.unlike_record(driver, run.domain, target.schema)
        report.verification = [Finding(text, False, "differs") for text in wrong]
        report.preflight += contracts.told(driver, target)
        report.finished_at = datetime.now(UTC)
        save(driver, report)
    return report


def _who() -> str:
    """Name who runs this, for the record; the database's role alone says little."""
    name = "unknown"
    with suppress(KeyError, OSError):
        name = getpass.getuser()
    return f"{name}@{socket.gethostname()}"
