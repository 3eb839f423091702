"""The embedded Postgres run by an ordinary OS user, also where the tests themselves are run by root."""

import json
import shutil
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestration.servers.os_user import OsUser
from orchestration.servers.postgres import (
    EmbeddedPostgres,
)
from tests.embedded import (
    IS_ROOT,
    NewServer,
    modes_above,
    needs_root,
    processes_in,
    refusal,
)

ORDINARY = Path(__file__).with_name("as_ordinary_user.py")


@pytest.fixture
def ordinary(request: pytest.FixtureRequest) -> str:
    """The name of an ordinary OS user: a second one where root runs the tests, else the one who runs them."""
    user: OsUser | None = request.getfixturevalue("stranger") if IS_ROOT else None
    return user.name if user else "-"


@pytest.fixture
def own_folder(open_folder: Path, ordinary: str) -> Path:
    """A folder of the ordinary user."""
    folder = open_folder / f"of-{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    folder.chmod(0o755)
    if IS_ROOT:
        shutil.chown(folder, ordinary, ordinary)
    return folder


def as_ordinary_user(name: str, home: Path, action: str) -> tuple[int, str, str]:
    command = [sys.executable, ORDINARY, name, home, action]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    return done.returncode, done.stdout, done.stderr


def test_an_ordinary_user_runs_it_itself_in_closed_folders(own_folder: Path, ordinary: str) -> None:
    home = own_folder / "home"
    before = modes_above(home)
    code, printed, complaint = as_ordinary_user(ordinary, home, "life")
    assert (code, complaint) == (0, "")
    seen: Mapping[str, object] = json.loads(printed)
    folder_modes = dict.fromkeys(("home", "postgres", "server", "data", "socket"), "0o700")
    assert seen["modes"] == folder_modes | {"log": "0o600", "connections": "0o600"}
    assert (seen["rows"], seen["data"]) == (1000, str(home / "postgres" / "18" / "data"))
    assert seen["owner"] == own_folder.stat().st_uid
    assert modes_above(home) == before
    assert processes_in(home) == []


def test_an_ordinary_user_with_an_unwritable_home_is_told_so_in_one_line(own_folder: Path, ordinary: str) -> None:
    own_folder.chmod(0o555)
    home = own_folder / "home"
    code, _, complaint = as_ordinary_user(ordinary, home, "start")
    own_folder.chmod(0o755)
    assert (code, complaint) == (
        1,
        f"{home} cannot be used: {home}: Permission denied; set ESPALIER_HOME to a folder that you can write to\n",
    )


@needs_root
def test_an_ordinary_user_does_not_touch_a_home_of_root(new_server: NewServer, ordinary: str) -> None:
    server = new_server()
    server.start()
    code, _, complaint = as_ordinary_user(ordinary, server.home, "start")
    assert (code, complaint.count("\n"), "cannot be used" in complaint) == (1, 1, True)
    assert server.is_running()


@needs_root
def test_root_does_not_touch_a_home_of_an_ordinary_user(own_folder: Path, ordinary: str) -> None:
    home = own_folder / "home"
    assert as_ordinary_user(ordinary, home, "start")[0] == 0
    server = EmbeddedPostgres(home)
    before = {path: path.stat().st_uid for path in home.rglob("*")}
    assert "not to espalier, who runs the server" in refusal(server)
    assert {path: path.stat().st_uid for path in home.rglob("*")} == before
