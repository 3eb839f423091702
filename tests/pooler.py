"""A real PgBouncer in transaction mode before a test server, and what it says of itself.

Found on the PATH or where Debian has it; CI installs it. It runs as the unprivileged user that runs the server, listens
on 127.0.0.1, and asks for the passwords that the server asks for.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from orchestration.servers.os_user import server_user
from orchestration.settings import Role
from tests.conftest import Connection, Server

PACKAGE = "pgbouncer"
FOLDERS = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
POOL_SIZE = 3

CONFIGURATION = """\
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users.txt
admin_users = {admin}
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 100
logfile = {folder}/pgbouncer.log
pidfile = {folder}/pgbouncer.pid
"""


@dataclass(frozen=True)
class Pooler:
    """A running PgBouncer."""

    server: Server
    port: int

    def url(self, role: Role, database: str) -> str:
        """Give the URL of a role in a database, through the pooler."""
        parts = conninfo_to_dict(self.server.urls[role])
        return f"postgresql://{parts['user']}:{parts['password']}@127.0.0.1:{self.port}/{database}"

    def show(self, what: str) -> list[DictRow]:
        """Ask the pooler's own console, such as for its STATS or SERVERS."""
        with Connection.connect(self.url("jobs", "pgbouncer"), autocommit=True, row_factory=dict_row) as console:
            return [*console.execute(f"SHOW {what}".encode())]

    def transactions(self, database: str) -> int:
        """Count the transactions that it has passed on to a database."""
        return sum(row["total_xact_count"] for row in self.show("STATS") if row["database"] == database)


@contextmanager
def pooler_before(server: Server, folder: Path) -> Generator[Pooler]:
    """Run a PgBouncer before a server, and stop it."""
    program, user, port = find_program(), server_user(), _free_port()
    _write_files(server, folder, port)
    for path in (folder, *folder.iterdir()):
        shutil.chown(path, user.uid, user.gid)
    as_user: Mapping[str, Any] = {} if user.is_caller else {"user": user.uid, "group": user.gid, "extra_groups": []}
    with subprocess.Popen([program, "-q", str(folder / "pgbouncer.ini")], cwd=folder, **as_user) as process:
        try:
            pooler = Pooler(server, port)
            _wait_for(pooler)
            yield pooler
        finally:
            process.terminate()
            process.wait(20)


def find_program() -> str:
    """Find the program; CI installs it where it may, and fails where it may not. Nobody else needs it."""
    found = shutil.which(PACKAGE, path=FOLDERS)
    if found is None and "CI" not in os.environ:
        pytest.skip(f"no {PACKAGE} on the PATH or in /usr/sbin; on Debian: apt-get install {PACKAGE}")
    found = found or _installed()
    if found is None:
        pytest.fail(f"CI needs {PACKAGE}: have it in the image, or let root run: apt-get install {PACKAGE}")
    return found


def _installed() -> str | None:
    """Install Debian's package, without its service."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return None
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", PACKAGE]):
        subprocess.run(["apt-get", "-qq", *command], env=environment, check=False, stdout=subprocess.DEVNULL)
    return shutil.which(PACKAGE, path=FOLDERS)


def _write_files(server: Server, folder: Path, port: int) -> None:
    parts = {role: conninfo_to_dict(url) for role, url in server.urls.items()}
    users = {str(p["user"]): p["password"] for role, p in parts.items() if role in ("jobs", "migrator", "app")}
    jobs = parts["jobs"]
    text = CONFIGURATION.format(
        host=jobs["host"],
        port=jobs.get("port", 5432),
        listen=port,
        folder=folder,
        admin=jobs["user"],
        size=POOL_SIZE,
    )
    (folder / "pgbouncer.ini").write_text(text)
    (folder / "users.txt").write_text("".join(f'"{name}" "{password}"\n' for name, password in users.items()))
    (folder / "users.txt").chmod(0o600)


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return listener.getsockname()[1]


def _wait_for(pooler: Pooler) -> None:
    for attempt in Retrying(
        retry=retry_if_exception_type(psycopg.OperationalError),
        stop=stop_after_delay(20),
        wait=wait_fixed(0.05),
        reraise=True,
    ):
        with attempt:
            pooler.show("VERSION")
