"""Commands that prove the graph, put it right and copy it: `reconcile`, `rebuild`, `adopt`, `export`.

What they do is in `assets/graph/`; the assets of the graph do the same every night.
"""

from enum import StrEnum
from typing import Annotated, Any

import typer

from assets.graph import export as exporting
from assets.graph import ownership
from assets.graph import rebuild as rebuilding
from assets.graph import reconcile as reconciling
from orchestration.cli.graph_site import NEEDS, graph_settings, refusing
from orchestration.cli.output import Json, print_json, print_table, say, working
from orchestration.cli.site import serving
from orchestration.errors import EspalierError
from orchestration.graph import Graph, connect_graph
from orchestration.resources import Postgres
from orchestration.settings import Settings

FIGURES = ("missing", "extra", "stale", "duplicate", "repaired", "left", "in_flight")


class Kind(StrEnum):
    """The kinds of elements, each an asset of the graph."""

    concepts = "concepts"
    part_of = "part_of"
    prerequisite_of = "prerequisite_of"
    mastered_by = "mastered_by"


def reconcile(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")] = False,
    kind: Annotated[list[Kind] | None, typer.Option(help="Only this kind of element; may be repeated.")] = None,
    concept: Annotated[str | None, typer.Option(help="Only the concept of this id, and its edges.")] = None,
    user: Annotated[str | None, typer.Option(help="Only the user of this id, and their edges.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Repair however much it is; see graph.drift_bound.")] = False,
    as_json: Json = False,
) -> None:
    """Compare the graph with Postgres, repair what differs, and prove that nothing is left."""
    settings = graph_settings()
    with serving(settings, graph_needed=True), refusing(), working("Comparing the graph with Postgres"):
        found = reconciling.reconcile(
            Postgres(settings),
            Graph(settings),
            kinds=[k.value for k in kind or ()],
            concept=concept,
            user=user,
            dry_run=dry_run,
            bound=1.0 if yes else None,
        )
    _show_reconciliation(found, dry_run, as_json)
    if found.left and not dry_run:
        raise typer.Exit(1)


def _show_reconciliation(found: reconciling.Reconciliation, dry_run: bool, as_json: bool) -> None:
    figures = figures_of(found)
    if as_json:
        print_json(figures)
        return
    if found.plan:
        rows = [(s.element, " ".join([s.difference, s.detail]).strip(), s.state, s.count, s.action) for s in found.plan]
        print_table("Plan" if dry_run else "Found", ("element", "difference", "state", "elements", "action"), rows)
    say(_listed(figures))
    if found.plan:
        say(f"Each of them is a row of espalier.graph_drift, run_id {found.run_id}.")


def figures_of(found: reconciling.Reconciliation) -> dict[str, int]:
    """Give the figures of a reconciliation by their names."""
    return {name: getattr(found, name) for name in FIGURES}


def _listed(figures: dict[str, int]) -> str:
    return ", ".join(f"{name} {figure:,}" for name, figure in figures.items())


def rebuild(as_json: Json = False) -> None:
    """Empty the graph and write it anew from Postgres."""
    settings = graph_settings()
    with serving(settings, graph_needed=True), refusing(), working("Writing the graph anew"):
        built = rebuilding.rebuild(Postgres(settings), Graph(settings))
    _leave_built(built, as_json)


def adopt(
    yes: Annotated[bool, typer.Option("--yes", help="Delete what is listed, and fill the graph.")] = False,
    as_json: Json = False,
) -> None:
    """Make a Neo4j that holds something else ours: list what would be deleted, then do it."""
    settings = graph_settings()
    with serving(settings, graph_needed=True), refusing():
        contents = _contents(settings)
        built = rebuilding.adopt(Postgres(settings), Graph(settings)) if yes else None
    if built:
        _leave_built(built, as_json)
    elif as_json:
        print_json({"contents": contents})
    else:
        rows = [(":".join(row.get("labels") or [row.get("type") or "-"]), row["count"]) for row in contents]
        print_table("What would be deleted", ("label or type", "elements"), rows)
        say("Nothing was changed. `espalier graph adopt --yes` deletes it and writes the graph from Postgres.")


def _contents(settings: Settings) -> list[dict[str, Any]]:
    """List what is in a graph that is not ours.

    Raises:
        EspalierError: it is ours.
    """
    session = Postgres(settings).session("community", needs=NEEDS, tables=[])
    with session as opened, connect_graph(settings) as g:
        marker = g.read_marker()
        if marker and marker["schema"] and marker["epoch"] == ownership.read_state(opened).epoch:
            raise EspalierError("the graph is ours already; to write it anew, run `espalier graph rebuild`")
        return ownership.foreign_contents(g)


def _leave_built(built: rebuilding.Rebuild, as_json: bool) -> None:
    """Print what was built, and leave with 1 if it is not equal to Postgres."""
    found = built.reconciliation
    if as_json:
        document: dict[str, Any] = {"deleted": built.deleted, "written": built.drained.written, "epoch": built.epoch}
        print_json(document | {"reconciliation": figures_of(found)})
    else:
        say(f"{built.deleted:,} nodes deleted, {built.drained.written:,} elements written; compared with Postgres:")
        say(_listed(figures_of(found)))
    if found.left:
        raise typer.Exit(1)


def export(as_json: Json = False) -> None:
    """Write the graph to CSV files with a manifest."""
    settings = graph_settings()
    with serving(settings, graph_needed=True), refusing(), working("Exporting the graph"):
        made = exporting.export(Postgres(settings), Graph(settings))
    if as_json:
        print_json({"folder": made.folder, "as_of": made.as_of, "epoch": made.epoch, "counts": made.counts})
        return
    rows = [(f"{name}.csv", sheet.rows, sheet.sha256[:12]) for name, sheet in made.sheets.items()]
    print_table(f"As of {made.as_of:%Y-%m-%d %H:%M} UTC", ("file", "rows", "sha256"), rows)
    say(f"{made.folder}, with manifest.json")
