"""What a command imports before it works: the help and the small commands do without Dagster, Alembic and Neo4j."""

import inspect
import os
import subprocess
import sys

import pytest

from orchestration.cli.lazy import COMMANDS, GRAPH_COMMANDS, Entry
from orchestration.settings import PROJECT
from tests.command_line import done

HEAVY = {"dagster", "alembic", "sqlalchemy", "neo4j", "jgo", "networkx"}
LOADED = """
import sys
from orchestration.cli import main
try:
    main()
except SystemExit as left:
    print(left.code, *sorted(name for name in sys.modules if "." not in name), file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["down"], ["url", "--help"], ["graph", "--help"]])
def test_a_small_command_imports_no_heavy_library(arguments: list[str], tmp_path: object) -> None:
    program = [sys.executable, "-c", LOADED, *arguments]
    environment = os.environ | {"ESPALIER_HOME": f"{tmp_path}/home"}
    ended = subprocess.run(program, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True)
    code, *modules = ended.stderr.split()
    assert code == "0"
    assert HEAVY & set(modules) == set()


@pytest.mark.parametrize(("name", "entry"), [*COMMANDS.items(), *GRAPH_COMMANDS.items()])
def test_the_help_of_all_commands_says_what_the_commands_own_says(name: str, entry: Entry) -> None:
    help_text = inspect.cleandoc(entry.load(name).help or "")
    assert help_text.splitlines()[0] == entry.summary


@pytest.mark.parametrize(("arguments", "names"), [([], COMMANDS), (["graph"], GRAPH_COMMANDS)])
def test_the_help_names_every_command(arguments: list[str], names: dict[str, Entry]) -> None:
    assert all(name in done(*arguments, "--help").out for name in names)
    assert done(*arguments).out == done(*arguments, "--help").out
