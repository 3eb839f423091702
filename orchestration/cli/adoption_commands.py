"""The commands that look at a database, adopt it, prove it and take it back; `schema_commands.py` has `migrate`."""

import json
from typing import Annotated

import typer

from migrations import verify as verification
from migrations.baseline import Baseline
from migrations.baseline import baseline as adopt
from migrations.inspection.site import DomainReport, ServerReport
from migrations.inspection.site import inspect as look
from migrations.rollback import rollback as go_back
from orchestration.cli.output import Json, print_json, say
from orchestration.cli.schema_commands import chosen, show, show_step
from orchestration.cli.site import serving
from orchestration.errors import some_of
from orchestration.settings import load_settings

# How many items of a check are listed in a line.
_SHOWN, _HINT = 8, " (--json lists them)"

OneDomain = Annotated[str | None, typer.Option("--domain", help="One domain; all of the site's when left out.")]


def inspect(domain: OneDomain = None, as_json: Json = False) -> None:
    """Look at a database, changing nothing: what matches, what differs, what a migration would do."""
    settings = load_settings()
    domains = chosen(settings, domain, "head")
    with serving(settings):
        server, reports = look(settings, domains)
    if as_json:
        print_json({"server": vars(server), "domains": [report.as_dict() for report in reports]})
    else:
        _show_server(server)
        for report in reports:
            _show_domain(report)
    if not all(report.ok for report in reports):
        raise typer.Exit(1)


def baseline(domain: OneDomain = None, as_json: Json = False) -> None:
    """Adopt an application's schema as it stands, without touching a row or an object of it."""
    settings = load_settings()
    domains = chosen(settings, domain, "head")
    with serving(settings):
        adopted = [adopt(settings, name) for name in domains]
    if as_json:
        print_json([vars(found) for found in adopted])
        return
    for found in adopted:
        _show_baseline(found)


def verify(domain: OneDomain = None, as_json: Json = False) -> None:
    """Prove that each domain's schema is as its revisions left it."""
    settings = load_settings()
    domains = chosen(settings, domain, "head")
    with serving(settings):
        found = {name: verification.verify_domain(settings, name) for name in domains}
    wrong = [name for name in domains if any(found[name][check] for check in verification.REQUIRED)]
    if as_json:
        print_json([{"domain": name, "ok": name not in wrong, **found[name]} for name in domains])
    else:
        for name in domains:
            _show_checks(name, found[name])
    if wrong:
        raise typer.Exit(1)


def rollback(
    domain: OneDomain = None,
    to: Annotated[
        str | None, typer.Option(help="A revision below, or base; before the last migrate when left out.")
    ] = None,
    yes_delete_data: Annotated[
        bool, typer.Option("--yes-delete-data", help="Rows may be deleted; they are dumped first.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take each domain back to a revision, or to before the last migrate."""
    settings = load_settings()
    domains = chosen(settings, domain, to or "base")
    with serving(settings):
        reports = [go_back(settings, name, to, yes_delete_data=yes_delete_data, on_step=show_step) for name in domains]
    if as_json:
        print_json([json.loads(report.to_json()) for report in reports])
    else:
        for report in reports:
            show(report)
    if not all(report.ok for report in reports):
        raise typer.Exit(1)


def _show_server(server: ServerReport) -> None:
    say(f"{server.server}: PostgreSQL {server.version}, {server.bytes / 1e6:,.1f} MB, {server.encoding}, {server.zone}")
    say(f"  connected as {server.role}, read-only; extensions: {', '.join(server.extensions)}")
    for line in server.long_transactions:
        say(f"  a concurrent index build would wait: {line}")


def _show_domain(report: DomainReport) -> None:
    at = f", at {report.revision}" if report.revision else ""
    say(f"{report.domain} in schema {report.schema}: {report.standing}{at}")
    for line in report.lineage:
        say(f"  lineage: {line}")
    say(f"  {report.matching} objects match, {len(report.differences)} differ, {len(report.extra)} are extra")
    for difference in report.differences:
        say(f"  {'NOT' if difference.required else 'left alone:'} {difference}")
    for name in report.extra:
        say(f"  extra, left alone: {name}")
    for line in report.unfit_roles:
        say(f"  NOT {line}")
    for hazard in report.hazards:
        say(f"  NOT {hazard}")
    for step in report.steps:
        say(f"  to come: {step.revision} ({step.action}) {step.title}")
        for lock in step.locks:
            say(f"    locks {lock}")
    if report.contract:
        say(f"  contract: {report.contract}")
    say(f"  next: {report.next}")


def _show_baseline(found: Baseline) -> None:
    if found.already:
        say(f"{found.domain} in schema {found.schema}: was adopted before, is at {found.revision}; nothing was changed")
        return
    say(f"{found.domain} in schema {found.schema}: adopted at {found.revision}, {found.matching} objects match")
    for line in found.left_alone:
        say(f"  left alone: {line}")
    say(f"  next: espalier migrate --domain {found.domain}")


def _show_checks(domain: str, found: dict[str, list[str]]) -> None:
    say(f"{domain} at {found['revision'][0]}")
    for check, items in found.items():
        if check != "revision":
            sign = "ok  " if not items else "NOT " if check in verification.REQUIRED else "note"
            say(f"  {sign} {check.replace('_', ' ')}{': ' if items else ''}{some_of(items, _SHOWN, hint=_HINT)}")
