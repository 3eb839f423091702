"""What `make demo` says on a machine whose Python does not serve: one line, exit code 2, nothing made."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.settings import PROJECT

OLD = """#!/bin/sh
case "$1" in
-V) echo "Python 3.10.2" ;;
-c) exec {python} -c 'import sys; sys.version_info = (3, 10, 2); exec(sys.argv[1])' "$2" ;;
*) exit 1 ;;
esac
"""
WITHOUT_VENV = """#!/bin/sh
case "$*" in
*venv*) echo "No module named 'ensurepip'" >&2; exit 1 ;;
esac
exec {python} "$@"
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with what the Makefile needs before anything is installed."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("Makefile", "requirements-uv.lock", "requirements.lock", "pyproject.toml"):
        shutil.copy(PROJECT / name, folder)
    return folder


def refused(clone: Path, python: Path | str) -> str:
    command = ["make", "--no-print-directory", "demo", f"PYTHON={python}"]
    ended = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1), ended
    assert not (clone / ".venv").exists()
    return ended.stderr


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (OLD, "{fake} is Python 3.10.2, Espalier needs Python 3.11 or later; run make PYTHON=python3.11"),
        (WITHOUT_VENV, "{fake} has no venv module; on Debian: apt-get install python3-venv, then run make again"),
    ],
)
def test_a_python_that_does_not_serve_is_named_with_what_to_do(
    script: str, said: str, clone: Path, tmp_path: Path
) -> None:
    fake = tmp_path / "python3"
    fake.write_text(script.format(python=sys.executable))
    fake.chmod(0o755)
    assert said.format(fake=fake) in refused(clone, fake)


def test_a_python_that_is_not_there_is_named(clone: Path) -> None:
    assert "no program python-none found; install Python 3.11 or later, or name it" in refused(clone, "python-none")
