"""Which commands there are and where each is defined: only the module of the command that was asked for is imported.

Dagster alone takes a second or two, so the help and the small commands do without it. The lines of the help stand here
a second time; a test holds them against the commands' own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

_PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@dataclass(frozen=True)
class Entry:
    """A command: its module, the line that the help shows of it, and what its parser may let through.

    Its function has its name; where that is the name of something else already, an underscore follows it.
    """

    module: str
    summary: str
    settings: dict[str, Any] | None = None

    def load(self, name: str) -> Any:
        """Import the command, or the group of commands, of that name."""
        module = import_module(f"orchestration.cli.{self.module}")
        found = getattr(module, name, None) or getattr(module, f"{name}_")
        if isinstance(found, typer.Typer):
            return typer.main.get_command(found)
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(name, context_settings=self.settings)(found)
        return typer.main.get_command(alone)


COMMANDS: Mapping[str, Entry] = {
    "demo": Entry(
        "demo_command",
        "Show everything at work: embedded servers, schema, demo data, all nightly jobs as Dagster runs.",
    ),
    "up": Entry("server_commands", "Start the servers, the Dagster UI and its daemon; they run until `espalier down`."),
    "down": Entry("server_commands", "Stop the UI, the daemon and the embedded servers."),
    "status": Entry(
        "server_commands", "Show what runs, where it lies, and how far each domain's schema is. Starts nothing."
    ),
    "env": Entry(
        "server_commands", 'Print what plain dagster-webserver and dagster-daemon need: eval "$(espalier env)".'
    ),
    "url": Entry(
        "server_commands", "Print where a server is, as psql or a driver takes it; it stays up until `espalier down`."
    ),
    "inspect": Entry(
        "adoption_commands",
        "Look at a database, changing nothing: what matches, what differs, what a migration would do.",
    ),
    "baseline": Entry(
        "adoption_commands", "Adopt an application's schema as it stands, without touching a row or an object of it."
    ),
    "migrate": Entry("schema_commands", "Bring the schema of each domain to a revision, up or down."),
    "verify": Entry("adoption_commands", "Prove that each domain's schema is as its revisions left it."),
    "rollback": Entry("adoption_commands", "Take each domain back to a revision, or to before the last migrate."),
    "grants": Entry(
        "grants_commands", "Who may do what in the database: apply the list, compare with it, take it back."
    ),
    "ledger": Entry(
        "ledger_commands",
        "Hand the ledger over from points_ledger to xp_ledger, a proved step at a time, or take it back.",
    ),
    "coexist": Entry(
        "coexist_commands",
        "Print what the application's own schema must say, so that Prisma or Drizzle drops nothing of ours.",
    ),
    "tenants": Entry(
        "tenant_commands",
        "The key that signs for which organization a transaction works: show it, replace it, sign with it.",
    ),
    "materialize": Entry("run_commands", "Materialize one asset, as the UI's button does."),
    "backfill": Entry("run_commands", "Materialize a range of days of a partitioned asset in a single run."),
    "nightly": Entry(
        "run_commands", "Run the nightly jobs now, over the days that their schedules would ask for at this minute."
    ),
    "graph": Entry("graph_commands", "The graph in Neo4j: keep it equal to Postgres, prove it, ask it."),
    "psql": Entry(
        "server_commands",
        "Open psql; what follows -- is passed on, such as `espalier psql -- -c 'TABLE espalier.domains'`.",
        _PASSED_ON,
    ),
}


GRAPH_COMMANDS: Mapping[str, Entry] = {
    "sync": Entry("graph_sync", "Bring every change that is marked in Postgres into the graph."),
    "reconcile": Entry(
        "graph_repair", "Compare the graph with Postgres, repair what differs, and prove that nothing is left."
    ),
    "rebuild": Entry("graph_repair", "Empty the graph and write it anew from Postgres."),
    "export": Entry("graph_repair", "Write the graph to CSV files with a manifest."),
    "adopt": Entry(
        "graph_repair", "Make a Neo4j that holds something else ours: list what would be deleted, then do it."
    ),
    "prerequisites": Entry(
        "graph_questions", "List what must be known before a concept, nearest first, to so many hops."
    ),
    "chain": Entry("graph_questions", "Show a shortest chain of prerequisites from one concept to another."),
    "path": Entry(
        "graph_questions", "Show what a user has yet to master for a concept, each after its own prerequisites."
    ),
    "weak": Entry(
        "graph_questions", "List what a user is weak in; first what most of the concepts yet to be mastered build on."
    ),
    "next": Entry(
        "graph_questions", "List what a user can begin now: all of its prerequisites are mastered, it is not."
    ),
}


class LazyGroup(TyperGroup):
    """The commands by name and summary; the one that is called is imported when it is called."""

    entries: ClassVar = COMMANDS

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, entry in self.entries.items():
            self.add_command(TyperCommand(name, help=entry.summary), name)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Put the real command in the place of its summary, then look the arguments up as ever."""
        if args and args[0] in self.entries:
            self.add_command(self.entries[args[0]].load(args[0]), args[0])
        return super().resolve_command(ctx, args)


class LazyGraphGroup(LazyGroup):
    """The commands of `espalier graph`."""

    entries: ClassVar = GRAPH_COMMANDS


def load_every_command() -> None:
    """Import all of them at once, for a process that cannot do so later."""
    for name, entry in (*COMMANDS.items(), *GRAPH_COMMANDS.items()):
        entry.load(name)
