"""The group `espalier graph`. Its commands are in `graph_work.py`, those that only ask in `graph_questions.py`."""

import typer

from orchestration.cli.lazy import LazyGraphGroup

graph = typer.Typer(name="graph", cls=LazyGraphGroup, add_completion=False, pretty_exceptions_enable=False)


@graph.callback(invoke_without_command=True)
def without_command(context: typer.Context) -> None:
    """The graph in Neo4j: keep it equal to Postgres, prove it, ask it."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
