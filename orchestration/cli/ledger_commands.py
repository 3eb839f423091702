"""The command that hands the community's ledger over from the old application to the new one: `ledger`."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from migrations.contract import contract, find_hand_over, set_quiet_days
from migrations.contracts import Waiting
from migrations.revisions import Direction
from orchestration.cli.output import Json, print_json, say
from orchestration.cli.schema_commands import chosen, show, show_step
from orchestration.cli.site import serving
from orchestration.errors import EspalierError
from orchestration.settings import Domain, load_settings

DOMAIN: Domain = "community"


class Action(StrEnum):
    """What is to be done with the ledger."""

    STATUS = "status"
    SWITCH = "switch"
    RETIRE = "retire"


def ledger(
    action: Annotated[Action, typer.Argument(help="See where it stands; switch the writers; retire the old table.")] = (
        Action.STATUS
    ),
    back: Annotated[bool, typer.Option("--back", help="Take it back, with every row written since.")] = False,
    quiet_days: Annotated[
        int | None,
        typer.Option(
            min=1, max=366, help="Days without a write to the old table before it may be retired; 7 at first."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Hand the ledger over from points_ledger to xp_ledger, a proved step at a time, or take it back."""
    settings = load_settings()
    chosen(settings, DOMAIN, "head")
    if quiet_days and (back or action is not Action.SWITCH):
        raise EspalierError("--quiet-days belongs to `espalier ledger switch`")
    with serving(settings):
        report = None
        if action is not Action.STATUS:
            goal, direction = goal_of(action, back=back)
            report = contract(settings, DOMAIN, goal, direction=direction, on_step=show_step)
        if quiet_days:
            set_quiet_days(settings, DOMAIN, quiet_days)
        facts, waiting = find_hand_over(settings, DOMAIN)
    if as_json:
        steps = json.loads(report.to_json()) if report else None
        print_json({"hand_over": facts, "waits": str(waiting) if waiting else None, "report": steps})
        return
    if report:
        show(report)
    _show_status(facts, waiting)


def goal_of(action: Action, *, back: bool) -> tuple[str, Direction]:
    """Name the revision that an action leads to, and the only way in which it may lead there."""
    if action is Action.SWITCH:
        return ("base", "down") if back else ("0000", "up")
    return ("0000", "down") if back else ("0001", "up")


def _show_status(facts: dict[str, object] | None, waiting: Waiting | None) -> None:
    if facts is None:
        say("ledger: points_ledger is written, xp_ledger follows")
    else:
        state = "points_ledger is retired" if facts["retired_at"] else "points_ledger follows"
        say(f"ledger: xp_ledger is written, {state}")
        for name, value in facts.items():
            if value is not None:
                say(f"  {name.replace('_', ' ')}: {value}")
    if waiting:
        say(f"  next: {waiting}")
