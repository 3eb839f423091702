"""The command that changes a schema: `migrate`."""

import json
from typing import Annotated

import typer

from migrations import contracts, runner
from migrations.contract import contract, look_ahead
from migrations.revisions import Plan
from orchestration.cli.output import Json, note, print_json, print_table, say
from orchestration.cli.site import serving
from orchestration.errors import EspalierError
from orchestration.settings import DOMAINS, Domain, Settings, load_settings


def migrate(
    domain: Annotated[str | None, typer.Option(help="One domain; all of the site's when left out.")] = None,
    to: Annotated[str, typer.Option(help="A revision, head, or base to go all the way down.")] = "head",
    sql: Annotated[bool, typer.Option("--sql", help="Print the statements instead of running them.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the steps instead of taking them.")] = False,
    yes_delete_data: Annotated[
        bool, typer.Option("--yes-delete-data", help="Going down may delete rows; they are dumped first.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring the schema of each domain to a revision, up or down."""
    settings = load_settings()
    domains = chosen(settings, domain, to)
    if sql:
        for name in domains:
            say(runner.offline_sql(settings, name, to))
        return
    with serving(settings):
        if dry_run:
            for name in domains:
                preview(settings, name, to)
            return
        reports = [go(settings, name, to, yes_delete_data=yes_delete_data) for name in domains]
    if as_json:
        print_json([json.loads(report.to_json()) for report in reports])
    else:
        for report in reports:
            show(report)
    if not all(report.ok for report in reports):
        raise typer.Exit(1)


def go(settings: Settings, domain: Domain, to: str, *, yes_delete_data: bool) -> runner.MigrationReport:
    """Take a domain to a revision: of its own line, or by name of its contract."""
    goal = contracts.goal_in_line(domain, to)
    if goal is not None:
        return contract(settings, domain, goal, on_step=show_step)
    return runner.migrate(settings, domain, to, yes_delete_data=yes_delete_data, on_step=show_step)


def preview(settings: Settings, domain: Domain, to: str) -> None:
    """Print what a migration would do, and what its contract waits for."""
    if contracts.goal_in_line(domain, to) is None:
        show_plan(domain, *runner.preview(settings, domain, to))
    waiting = look_ahead(settings, domain)
    if waiting:
        say(f"  contract: {waiting}")


def show_plan(domain: str, plan: Plan, losses: dict[str, int]) -> None:
    """Print the steps that a migration would take, and the rows that it would delete."""
    way = "apply" if plan.direction == "up" else "take back"
    say(f"{domain}: {len(plan.revisions)} steps to {plan.target or 'base'}")
    for revision in plan.revisions:
        say(f"  would {way} {revision.id}: {revision.title}")
    for table, count in sorted(losses.items()):
        say(f"  would delete {count:,} rows of {table}, after dumping them, with --yes-delete-data only")


def show_step(step: runner.StepEvent) -> None:
    """Tell on standard error what a migration is doing: long steps are not silent."""
    way = "applied" if step.direction == "up" else "taken back"
    if step.state == "done":
        note(f"  {step.revision} {way} ({step.seconds:.2f} s): {step.title}")
    elif step.state == "retry":
        note(f"  {step.revision} waits for a lock, try {step.tries}")


def show(report: runner.MigrationReport) -> None:
    """Print the report of seed 004: before, each revision with its time, after, summary."""
    rows = [(s.revision, s.title, s.direction, s.objects, round(s.seconds, 2)) for s in report.steps]
    say(
        f"{report.domain} in schema {report.schema}: {report.from_revision or 'base'} to {report.to_revision or 'base'}"
    )
    for finding in report.preflight:
        say(f"  {'ok ' if finding.ok else 'NOT'} {finding.name}: {finding.detail}")
    if rows:
        print_table("Revisions", ("revision", "what", "way", "objects", "seconds"), rows)
    for path, count in report.dumps.items():
        say(f"  {count:,} rows were written to {path} before they were deleted")
    wrong = [finding for finding in report.verification if not finding.ok]
    for finding in wrong:
        say(f"  NOT {finding.name}: {finding.detail}")
    verified = len(report.verification) - len(wrong)
    say(
        f"  {verified} of {len(report.verification)} objects verified, {len(report.grants)} grants changed,"
        f" {report.seconds:.1f} s"
    )


def chosen(settings: Settings, name: str | None, to: str) -> list[Domain]:
    """Name the domains that a command is for.

    Raises:
        EspalierError: the domain is unknown or not enabled, or a revision is given without its domain.
    """
    if name is None:
        if to not in ("head", "base"):
            raise EspalierError(
                f"--to {to} is a revision of one domain: add --domain, one of {', '.join(settings.domains)}"
            )
        return list(settings.domains)
    for domain in DOMAINS:
        if domain == name and domain in settings.domains:
            return [domain]
    raise EspalierError(f"--domain {name!r} is not enabled here; ESPALIER_DOMAINS has {', '.join(settings.domains)}")
