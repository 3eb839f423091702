"""The command line `espalier`. Exit codes: 0 done, 1 a run failed, 2 the input or configuration is wrong.

Every command is in a module of its own concern; the one way to print a user's mistake is here.
"""

import logging
import sys
import warnings

import click
import typer

from orchestration.errors import EspalierError

app = typer.Typer(
    name="espalier",
    help="The data platform behind a learning product: schema, backfills, nightly derivations.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def register() -> None:
    """Import the commands only now: Dagster takes two seconds, and a wrong setting is found on the way."""
    from orchestration.cli import demo_command, run_commands, schema_commands, server_commands

    for command in (
        demo_command.demo,
        server_commands.up,
        server_commands.down,
        server_commands.status,
        server_commands.env,
        server_commands.url,
        schema_commands.migrate,
        run_commands.materialize,
        run_commands.backfill,
        run_commands.nightly,
    ):
        app.command()(command)
    app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(server_commands.psql)


def main() -> None:
    """Run a command and leave with its exit code."""
    # Dagster announces its beta interfaces on every import; which ones we use is in the ADRs.
    warnings.simplefilter("ignore")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        register()
        code = app(standalone_mode=False)
    except EspalierError as error:
        sys.exit(_refused(str(error)))
    except click.ClickException as error:
        sys.exit(_refused(error.format_message()))
    except click.Abort:
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)


def _refused(line: str) -> int:
    print(f"espalier: {' '.join(line.split())}", file=sys.stderr)
    return 2
