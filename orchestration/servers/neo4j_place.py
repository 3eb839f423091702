"""Where the embedded Neo4j's files lie, and the record of its port and process.

`<home>/neo4j/` is ours: locks, `connection.json`, `server.json` (the record). The server's own folder, mode 0700 and
owned by the user who runs it, is `<home>/neo4j/server`, or lies below `/var/lib/espalier` where that user cannot
enter home. All of it can be derived again from Postgres.
"""

import json
import os
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import psutil

from orchestration.errors import EspalierError
from orchestration.servers.folders import OUTSIDE, make_folders, ours, outside, write_private, writing
from orchestration.servers.neo4j_settings import home_option
from orchestration.servers.neo4j_unavailable import Neo4jUnavailable
from orchestration.servers.os_user import OsUser
from orchestration.servers.process_records import lives

# "graph": its database of users is on its way. A Neo4j that is killed while it makes a database can never start again.
Made = Literal["nothing", "graph", "all"]
_FOLDERS = ("conf", "data", "import", "logs", "plugins", "run", "tmp")


@dataclass(frozen=True)
class Place:
    """Where one home's Neo4j lies, the port that it had last, its process at that time, and what it has completed."""

    home: Path
    server: Path
    port: int = 0
    pid: int = 0
    made: Made = "nothing"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.server / "logs" / "neo4j.log"

    @property
    def console(self) -> Path:
        """What the Java program printed: empty unless it could not start."""
        return ours(self.home, "neo4j") / "console.log"

    def process(self) -> psutil.Process | None:
        """Find the live server; a record of an ended one, or of one whose pid is another's by now, finds none."""
        process = _process(self.pid) if self.pid else None
        return process if process and _works_in(process, self.server) else None

    def strays(self) -> set[psutil.Process]:
        """Find servers of this folder whose record is lost."""
        return {process for process in psutil.process_iter() if _works_in(process, self.server)}


def recorded(home: Path) -> Place:
    """Read the record; without one tell where the server will lie if home allows. A home may have been moved."""
    inside = Place(home, ours(home, "neo4j") / "server")
    with writing(home), suppress(FileNotFoundError, ValueError, KeyError, TypeError):
        found = json.loads(_record_file(home).read_text())
        server = Path(found["server"])
        if found["home"] == str(home):
            return Place(home, server, int(found["port"]), int(found["pid"]), found["made"])
        if server.is_relative_to(found["home"]):
            return replace(inside, made=found["made"])
    return inside


def leftover(home: Path) -> Place | None:
    """Find what a home of this path left outside when it was deleted; none if home has a record of its own."""
    place = Place(home, _outside(home))
    return place if place.server.is_dir() and not _record_file(home).exists() else None


def record(place: Place) -> None:
    """Write the record."""
    with writing(place.home):
        write_private(_record_file(place.home), json.dumps(asdict(place), default=str, indent=2))


def settle(home: Path, user: OsUser) -> Place:
    """Decide where the server lies, or return to where it lay; make its folders."""
    place = recorded(home)
    if place.server.is_relative_to(home) and not user.may_enter(ours(home, "neo4j")):
        place = replace(place, server=_outside(home))
    with writing(place.server):
        _make_server_folder(place.server, user)
    return place


def program_store(home: Path) -> Path:
    """Name the folder for programs: of the machine for root, else of the caller, else of home."""
    machine = OUTSIDE if os.geteuid() == 0 else _cache_folder()
    for folder in (machine / "programs", ours(home, "neo4j") / "programs"):
        with suppress(OSError):
            make_folders(folder, mode=0o755)
            if os.access(folder, os.W_OK):
                return folder
    raise Neo4jUnavailable(
        f"no folder for Neo4j's programs can be written, neither {machine} nor {ours(home, 'neo4j')}"
    )


def remove(home: Path) -> None:
    """Remove all that the stopped server has, and what we keep about it."""
    with writing(home):
        for folder in (ours(home, "neo4j"), _outside(home)):
            if folder.is_dir():
                shutil.rmtree(folder)


def _record_file(home: Path) -> Path:
    return ours(home, "neo4j") / "server.json"


def _outside(home: Path) -> Path:
    return outside(home).with_suffix(".neo4j")


def _cache_folder() -> Path:
    configured = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(configured) if configured.startswith("/") else Path.home() / ".cache") / "espalier"


def _make_server_folder(folder: Path, user: OsUser) -> None:
    """Make the folder, and as its owner the ones in it: links that he could lay there are his own."""
    if not folder.is_dir():
        make_folders(folder.parent, mode=0o755)
        make_folders(folder, mode=0o700, owner=user)
    status = folder.lstat()
    if status.st_uid != user.uid:
        raise EspalierError(
            f"{folder} belongs to the user with id {status.st_uid}, not to {user.name}, who runs Neo4j; "
            "run the command as the user who made it, or set ESPALIER_HOME to a folder of your own"
        )
    code, printed = user.run(["/bin/mkdir", "-p", *_FOLDERS], cwd=folder)
    if code != 0:
        raise EspalierError(f"{folder} cannot be used by {user.name}, who runs Neo4j: {printed.strip()}")


def _process(pid: int) -> psutil.Process | None:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid)
    return None


def _works_in(process: psutil.Process, folder: Path) -> bool:
    """Tell whether a process is a live Java program that was given this folder, be the folder deleted by now."""
    with suppress(psutil.Error):
        return process.name() == "java" and home_option(folder) in process.cmdline() and lives(process)
    return False
