"""The group `espalier grants`: the list of who may do what, applied, compared and taken back."""

from typing import Annotated

import typer

from migrations.grants import check as comparison
from migrations.grants import site as site_grants
from orchestration.cli.output import Json, print_json, say
from orchestration.cli.schema_commands import chosen
from orchestration.cli.site import serving
from orchestration.settings import load_settings

grants = typer.Typer(name="grants", add_completion=False, pretty_exceptions_enable=False)

OneDomain = Annotated[str | None, typer.Option("--domain", help="One domain; all of the site's when left out.")]


@grants.callback(invoke_without_command=True)
def without_command(context: typer.Context) -> None:
    """Who may do what in the database: apply the list, compare with it, take it back."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@grants.command()
def apply(
    domain: OneDomain = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the statements and change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Give our roles the rights that the list says, and take what is beyond it; an adopted site opts in with this."""
    settings = load_settings()
    domains = chosen(settings, domain, "head")
    work = site_grants.script if dry_run else site_grants.bring
    with serving(settings):
        done = {name: work(settings, name) for name in domains}
    _show(done, as_json, bare=dry_run)


@grants.command()
def revoke(domain: OneDomain = None, as_json: Json = False) -> None:
    """Take back on an adopted site what apply has brought: our roles have the rights of before, the jobs theirs."""
    settings = load_settings()
    domains = chosen(settings, domain, "head")
    with serving(settings):
        done = {name: site_grants.take_back(settings, name) for name in domains}
    _show(done, as_json)


@grants.command()
def check(as_json: Json = False) -> None:
    """Compare the database with the list, in both directions; leaves with 1 when they differ."""
    settings = load_settings()
    with serving(settings):
        report = comparison.check(settings)
    if as_json:
        print_json(report.as_dict())
    else:
        _show_report(report)
    if not report.ok:
        raise typer.Exit(1)


def _show(done: dict[str, list[str]], as_json: bool, *, bare: bool = False) -> None:
    if as_json:
        print_json(done)
        return
    for domain, lines in done.items():
        say(f"{'-- ' if bare else ''}{domain}: {len(lines)} {'statements' if bare else 'changes'}")
        for line in lines:
            say(line if bare else f"  {line}")


def _show_report(report: comparison.GrantReport) -> None:
    say(f"{report.compared} rights compared: {len(report.missing)} missing, {len(report.surplus)} too many")
    for sign, lines in (("NOT missing", report.missing), ("NOT surplus", report.surplus), ("NOT role", report.powers)):
        for line in lines:
            say(f"  {sign}: {line}")
    for line in report.beside:
        say(f"  note: {line}")
