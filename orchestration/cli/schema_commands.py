"""The command that changes a schema: `migrate`."""

from typing import Annotated

import typer

from migrations import runner
from orchestration.cli.output import print_json, say
from orchestration.cli.run_commands import Json
from orchestration.cli.site import site
from orchestration.errors import EspalierError
from orchestration.settings import DOMAINS, Domain, Settings


def migrate(
    domain: Annotated[str | None, typer.Option(help="One domain; all of the site's when left out.")] = None,
    to: Annotated[str, typer.Option(help="A revision, head, or base to go all the way down.")] = "head",
    sql: Annotated[bool, typer.Option("--sql", help="Print the statements instead of running them.")] = False,
    yes_delete_data: Annotated[
        bool, typer.Option("--yes-delete-data", help="Going down may delete rows; they are dumped first.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring the schema of each domain to a revision, up or down."""
    with site() as settings:
        domains = chosen(settings, domain, to)
        if sql:
            for name in domains:
                say(runner.offline_sql(settings, name, to))
            return
        reports = [
            runner.migrate(settings, name, to, yes_delete_data=yes_delete_data, on_step=None if as_json else say)
            for name in domains
        ]
    if as_json:
        print_json([report.to_json() for report in reports])


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
