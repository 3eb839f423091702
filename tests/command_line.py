"""Calls the command line as a user does: in this process, which saves the import, or as a process of its own.

Also looks at what a command left behind. What is expected of the commands is in `tests/integration/test_cli*.py`.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import psutil
import pytest

from orchestration.cli import main
from orchestration.servers import processes
from orchestration.servers.neo4j import EmbeddedNeo4j
from orchestration.servers.postgres import EmbeddedPostgres
from orchestration.settings import PROJECT

ESPALIER = Path(sys.executable).with_name("espalier")


@dataclass(frozen=True)
class Answer:
    """What a command printed and left with."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the JSON document that it must be."""
        return json.loads(self.out)

    @property
    def refusal(self) -> str:
        """The one line of a command that refused."""
        assert self.code == 2, self
        assert self.out == "", self
        assert self.err.count("\n") == 1, self
        assert self.err.startswith("espalier: "), self
        assert "Traceback" not in self.err, self
        return self.err.removeprefix("espalier: ").strip()


def call(*arguments: str) -> Answer:
    """Run a command in this process."""
    out, err = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["espalier", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
    assert isinstance(left.value.code, int)
    return Answer(left.value.code, out.getvalue(), err.getvalue())


def done(*arguments: str) -> Answer:
    """Run a command in this process that must succeed."""
    answer = call(*arguments)
    assert answer.code == 0, answer
    return answer


def start(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """Start a command as a process of its own."""
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    ignored = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may themselves run under nohup
    try:
        return subprocess.Popen([ESPALIER, *arguments], env=os.environ | environment, cwd=PROJECT, **pipes)
    finally:
        signal.signal(signal.SIGHUP, ignored)


def finish(process: "subprocess.Popen[str]") -> Answer:
    """Wait for the end of a command."""
    with process:
        out, err = process.communicate(timeout=240)
    return Answer(process.returncode, out, err)


def run(*arguments: str, **environment: str) -> Answer:
    """Run a command as a process of its own."""
    return finish(start(*arguments, **environment))


@contextmanager
def home_in(folder: Path, name: str) -> Generator[Path]:
    """Make a folder the ESPALIER_HOME of all commands for a while, and remove it with all that runs in it."""
    home = folder / name
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ESPALIER_HOME", str(home))
        yield home
    processes.stop_all(home)
    EmbeddedNeo4j(home).remove()
    EmbeddedPostgres(home).remove()


def processes_of(home: Path) -> set[psutil.Process]:
    """Find what works in a home, or in the folder outside that its Neo4j may have, or was started for it."""
    folders = (str(home), str(EmbeddedNeo4j(home).place.server))
    return {process for process in psutil.process_iter() if _belongs(process, folders)}


def _belongs(process: psutil.Process, folders: tuple[str, ...]) -> bool:
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        said = [process.cwd(), *process.environ().values(), *process.cmdline()]
        return process.status() != psutil.STATUS_ZOMBIE and any(text.startswith(folders) for text in said)
    return False
