"""Fixtures for the tests of the embedded Postgres: servers in homes that every OS user can reach, a second user."""

import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from orchestration.servers.binaries import Major
from orchestration.servers.os_user import OsUser
from orchestration.servers.postgres import EmbeddedPostgres
from tests.embedded import FAST, NewServer


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A folder that every OS user can enter; pytest's own are closed."""
    folder = Path(tempfile.mkdtemp(prefix="espalier-test-")).resolve()
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def new_server(open_folder: Path) -> Iterator[NewServer]:
    """Make servers, each in a home of its own, and remove them and their data."""
    made: list[EmbeddedPostgres] = []

    def make(home: Path | None = None, *, major: Major = 18, options: Mapping[str, str] = FAST) -> EmbeddedPostgres:
        server = EmbeddedPostgres(home or open_folder / uuid.uuid4().hex[:8], major=major, options=options)
        made.append(server)
        return server

    yield make
    for server in made:
        server.remove()


@pytest.fixture(scope="module", params=[18, 16], ids=["pg18", "pg16"])
def running(request: pytest.FixtureRequest, open_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A server of each major version, started once, for the tests that only look."""
    major: Major = request.param
    server = EmbeddedPostgres(open_folder / f"pg{major}", major=major, options=FAST)
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def stranger() -> Iterator[OsUser]:
    """A second OS user, removed afterwards."""
    name = f"espalier-{uuid.uuid4().hex[:8]}"
    subprocess.run(["useradd", "--system", "--no-create-home", "--user-group", name], check=True)
    entry = pwd.getpwnam(name)
    yield OsUser(name, entry.pw_uid, entry.pw_gid)
    subprocess.run(["userdel", name], check=True)
