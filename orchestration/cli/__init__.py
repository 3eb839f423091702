"""The command line `espalier`. Exit codes: 0 done, 1 a run failed, 2 the input or configuration is wrong.

Every command is in a module of its own concern, listed in `lazy.py`; what happens around all of them is here: a user's
mistake becomes one line, an interrupted command says so.
"""

import logging
import os
import sys
import warnings

import pydantic
import typer

from orchestration.cli.ending import ended_in_order
from orchestration.cli.lazy import LazyGroup
from orchestration.errors import EspalierError

INTERRUPTED = 130

app = typer.Typer(
    name="espalier",
    cls=LazyGroup,
    help="The data platform behind a learning product: schema, backfills, nightly derivations.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def without_command(context: typer.Context) -> None:
    """Show the help to who names no command."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """Run a command and leave with its exit code."""
    # Dagster announces its beta interfaces on every import; which ones we use is in the ADRs.
    warnings.simplefilter("ignore")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # it warns of what follows from an error that is told anyway
    with ended_in_order():
        sys.exit(_run())


def _run() -> int:
    try:
        if sys.argv[1:2] == ["demo"]:
            _forget_servers()
        code = app(standalone_mode=False)
    except EspalierError as error:
        return _refused(str(error))
    except typer.TyperException as error:
        return _refused(_usage(error))
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    if code == INTERRUPTED:
        print("espalier: interrupted; what it started has been stopped", file=sys.stderr)
    return code if isinstance(code, int) else 0


def _forget_servers() -> None:
    """Keep the demo embedded: an address in the environment is not for it, not even a wrong one."""
    from orchestration.cli.site import NO_EXTERNAL_SERVER

    for name in NO_EXTERNAL_SERVER:
        os.environ.pop(name, None)


def _usage(error: typer.TyperException) -> str:
    """Say what is wrong with the arguments, what was found, and where the right ones are listed."""
    said = error.format_message().replace("Value error, ", "").rstrip(".")
    cause = error.__cause__
    found = cause.errors()[0]["input"] if isinstance(cause, pydantic.ValidationError) else None
    what = f", found {found}" if found is not None and str(found) not in said else ""
    context = getattr(error, "ctx", None)
    return f"{said}{what}; see `{context.command_path if context else 'espalier'} --help`"


def _refused(line: str) -> int:
    print(f"espalier: {' '.join(line.split())}", file=sys.stderr)
    return 2
