"""squawk over many scripts in one process, and which of its rules are not ours.

It looks at no DO block, so the statements of those are given to it once more, as if they stood in the script.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pglast import ast

from tests.tools.migration_lint.bodies import DynamicSql
from tests.tools.migration_lint.reading import Script, Statement
from tests.tools.migration_lint.registry import Finding

_PROGRAM = Path(sys.executable).parent / "squawk"
_OLDEST_SERVER = "16.0"

# An application's columns are as the application declares them; ours follow it where they meet.
_STYLE = ("prefer-bigint-over-int", "prefer-bigint-over-smallint", "prefer-timestamp-tz", "prefer-text-field")
# It wants IF NOT EXISTS, which takes whatever is there: see if-not-exists.
_CONTRARY = ("prefer-robust-stmts",)
# Ours know more: the value of a time-out, what an earlier revision has proved, which table is new.
_COVERED = ("require-lock-timeout", "require-statement-timeout", "adding-not-nullable-field")
# Going down takes back what the revision made; the runner asks its records and the rows first.
_WAY_DOWN = (
    "ban-drop-table",
    "ban-drop-column",
    "ban-drop-constraint",
    "ban-drop-function",
    "ban-drop-index",
    "ban-drop-policy",
    "ban-drop-sequence",
    "ban-drop-trigger",
    "ban-drop-type",
    "ban-drop-view",
)


def findings(scripts: Sequence[Script]) -> Iterator[Finding]:
    """Give what squawk finds in the scripts, the rules aside that are not ours."""
    with tempfile.TemporaryDirectory() as folder:
        files = dict(_write(Path(folder), scripts))
        for found in _run(Path(folder), list(files)):
            script, lines = files[Path(found["file"]).name]
            name, line = str(found["rule_name"]), lines[min(int(found["line"]), len(lines) - 1)]
            if script.direction == "up" or name not in _WAY_DOWN:
                yield Finding(script.name, line, name, f"{found['message']} (squawk)")


def _write(folder: Path, scripts: Iterable[Script]) -> Iterator[tuple[str, tuple[Script, list[int]]]]:
    """Write the scripts as files; gives each file's script, and which of the script's lines each of its lines is."""
    for number, script in enumerate(scripts):
        as_it_is = f"{number:04}.sql"
        (folder / as_it_is).write_text(script.text)
        yield as_it_is, (script, list(range(1, script.text.count("\n") + 2)))
        if any(statement.place == "do" for statement in script.statements):
            opened = f"{number:04}-opened.sql"
            lines = list(_opened(script.statements))
            (folder / opened).write_text("\n".join(text for text, _ in lines))
            yield opened, (script, [line for _, line in lines])


def _opened(statements: Iterable[Statement]) -> Iterator[tuple[str, int]]:
    """Give the lines of a script with the statements of its DO blocks in the place of the blocks."""
    for statement in statements:
        is_query = statement.place == "do" and isinstance(statement.node, ast.SelectStmt)
        is_mark = isinstance(statement.node, ast.DoStmt | DynamicSql)
        if statement.place != "function" and not is_query and not is_mark:
            for offset, text in enumerate(f"{statement.text};".splitlines()):
                yield text, statement.line + offset


def _run(folder: Path, files: Sequence[str]) -> list[Any]:
    if not files:
        return []
    (folder / "empty.toml").write_text("")
    excluded = ",".join((*_STYLE, *_CONTRARY, *_COVERED))
    command = [str(_PROGRAM), f"--pg-version={_OLDEST_SERVER}", "--reporter=json", "--config=empty.toml"]
    ended = subprocess.run(
        [*command, f"--exclude={excluded}", *files], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    if ended.returncode not in (0, 1) or not ended.stdout.strip():
        raise RuntimeError(f"squawk ended with {ended.returncode}: {ended.stderr.strip() or ended.stdout.strip()}")
    return json.loads(ended.stdout)
