"""Where the embedded server's files lie, with which modes, and the record that says so.

`<home>/postgres/` is ours: locks, `connections.json`, `server.json` (the record). The server's own folder, mode
0700 and owned by the user who runs it, is `<home>/postgres/<major>`, or lies below `/var/lib/espalier` where that
user cannot enter a parent of home. No mode of a folder that existed before is ever changed.
"""

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from orchestration.errors import EspalierError
from orchestration.servers.binaries import TREES, Major
from orchestration.servers.os_user import OsUser

OUTSIDE = Path("/var/lib/espalier")
ServerName = Literal["postgres", "neo4j"]
SOCKET_LIMIT = 107 if sys.platform == "linux" else 103
_SOCKET_NAME = "/.s.PGSQL.5432"
_UNUSABLE = re.compile(r'["$`\\\x00-\x1f\x7f]')


@dataclass(frozen=True)
class Location:
    """Where one home's server lies; `set_up` names the set-up of roles and databases that it has completed."""

    home: Path
    major: Major
    server: Path
    socket: Path
    set_up: str = ""

    @property
    def data(self) -> Path:
        """The data folder (PGDATA)."""
        return self.server / "data"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.server / "server.log"

    @property
    def has_short_socket(self) -> bool:
        """Whether the socket lies in the system's temporary folder, as home's path is too long for it."""
        return not self.socket.is_relative_to(self.server)

    @property
    def socket_url(self) -> str:
        """The part of a libpq URL that names the socket; the port is there so that PGPORT has no say."""
        return f"host={quote(str(self.socket), safe='')}&port=5432"


def ours(home: Path, server: ServerName = "postgres") -> Path:
    """Give the folder of an embedded server inside home."""
    return home / server


def checked_home(home: Path) -> Path:
    """Resolve home; refuse a path that Postgres' own programs would hand to a shell unescaped."""
    resolved = Path(home).expanduser().resolve()
    found = _UNUSABLE.search(str(resolved))
    if found:
        raise EspalierError(
            f"ESPALIER_HOME {str(resolved)!r} holds the character {found[0]!r}, which pg_ctl cannot take; "
            "set it to a path without it"
        )
    return resolved


def plan(home: Path, major: Major) -> Location:
    """Give the location inside home, as it is unless a record says otherwise."""
    server = ours(home) / str(major)
    return Location(home, major, server, server / "socket")


def recorded(home: Path) -> Location | None:
    """Read the record, if there is one; a home that was moved with its data took its server along."""
    location = _read_record(ours(home) / "server.json")
    if location is None or location.home == home:
        return location
    if location.server.is_relative_to(location.home):
        return replace(plan(home, location.major), set_up=location.set_up)
    raise EspalierError(
        f"{home} was moved from {location.home}, and its data lie in {location.server}; "
        f"move it back, or remove {ours(home)} and start anew"
    )


def record(location: Location) -> None:
    """Write the record."""
    write_private(ours(location.home) / "server.json", json.dumps(asdict(location), default=str, indent=2))


def prepare(home: Path, server: ServerName = "postgres") -> None:
    """Make home and a server's folder in it: closed to all others, except that root lets the server's user pass."""
    with writing(home):
        make_folders(ours(home, server), mode=0o711 if os.geteuid() == 0 else 0o700)
        with tempfile.TemporaryFile(dir=ours(home, server)):
            pass  # an existing folder may refuse us, too


def settle(home: Path, major: Major, user: OsUser) -> Location:
    """Decide where the server lies, or return to where it lay; make its folders."""
    location = recorded(home) or _decide(home, major, user)
    with writing(location.server):
        _make_server_folder(location, user)
        location = _with_socket(location, user)
    record(location)
    return location


def program_store(location: Location) -> Path:
    """Name the folder for the copy of the programs: beside the server's own, which its user must not write."""
    inside = location.server.is_relative_to(location.home)
    return (ours(location.home) if inside else OUTSIDE) / "programs"


def outside(home: Path) -> Path:
    """Name the folder for a server whose user cannot enter home."""
    mark = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return OUTSIDE / mark


def set_leftover_aside(home: Path) -> None:
    """Move what a home that was deleted left outside, so that a new home of the same path starts empty.

    One such folder is kept, as `<hash>.previous`: the home may be on a disk that is only not mounted now.
    """
    leftover = outside(home)
    if leftover.is_dir():
        previous = leftover.with_suffix(".previous")
        with writing(previous):
            shutil.rmtree(previous, ignore_errors=True)
            leftover.rename(previous)


def remove(location: Location) -> None:
    """Remove all that the stopped server has, and what we keep about it."""
    with writing(location.home):
        remove_short_socket(location)
        for folder in (ours(location.home), outside(location.home), outside(location.home).with_suffix(".previous")):
            if folder.is_dir():
                shutil.rmtree(folder)


def remove_short_socket(location: Location) -> None:
    """Remove the socket's folder from the system's temporary folder."""
    if location.has_short_socket:
        shutil.rmtree(location.socket, ignore_errors=True)


def make_folders(folder: Path, *, mode: int, owner: OsUser | None = None) -> None:
    """Make a folder and its missing parents with exactly this mode; leave what exists as it is."""
    if folder.is_dir():
        return
    make_folders(folder.parent, mode=mode)
    try:
        folder.mkdir(mode=mode)
    except FileExistsError:
        if not folder.is_dir():
            raise
        return  # another process made it
    folder.chmod(mode)
    if owner:
        owner.take(folder)


def write_private(path: Path, text: str, owner: OsUser | None = None) -> None:
    """Replace a file whole by one of mode 0600."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if owner:
            owner.take(Path(name))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def writing(folder: Path) -> Generator[None]:
    """Turn a refusal of the file system into one line that names the folder."""
    try:
        yield
    except OSError as error:
        raise unusable(folder, error) from error


def unusable(folder: Path, error: OSError) -> EspalierError:
    """Say that we cannot work in a folder."""
    where = error.filename if isinstance(error.filename, str) else folder
    return EspalierError(
        f"{folder} cannot be used: {where}: {error.strerror or error}; "
        "set ESPALIER_HOME to a folder that you can write to"
    )


def _read_record(path: Path) -> Location | None:
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unusable(path.parent, error) from error
    try:
        record = json.loads(text)
        home, server, socket = (Path(record[name]) for name in ("home", "server", "socket"))
        return Location(home, known_major(record["major"]), server, socket, str(record["set_up"]))
    except (ValueError, KeyError, TypeError) as error:
        raise EspalierError(f"{path} is damaged ({error}); remove {path.parent} and start anew") from error


def _decide(home: Path, major: Major, user: OsUser) -> Location:
    inside = plan(home, major)
    if user.may_enter(ours(home)):
        return inside
    server = outside(home) / str(major)
    return replace(inside, server=server, socket=server / "socket")


def _make_server_folder(location: Location, user: OsUser) -> None:
    parent = location.server.parent
    refuse_foreign(location, user)
    if not location.server.is_relative_to(location.home):
        make_folders(OUTSIDE, mode=0o755)
        make_folders(parent, mode=0o700, owner=user)
        write_private(parent / "home", f"{location.home}\n", owner=user)  # for whoever wonders whose data this is
    make_folders(location.server, mode=0o700, owner=user)
    if not user.may_enter(location.server):
        raise EspalierError(
            f"the OS user {user.name}, who runs the server, can no longer enter {location.server}; "
            "give the folders above it back their modes"
        )


def refuse_foreign(location: Location, user: OsUser) -> None:
    """Refuse a server that another OS user has made here."""
    try:
        status = location.server.lstat()
    except FileNotFoundError:
        return
    if status.st_uid != user.uid:
        raise EspalierError(
            f"{location.server} belongs to the user with id {status.st_uid}, not to {user.name}, who runs the server; "
            "run the command as the user who made it, or set ESPALIER_HOME to a folder of your own"
        )


def _with_socket(location: Location, user: OsUser) -> Location:
    """Give the socket its folder: in the server's own, or, where that path is too long, in a temporary one."""
    if not location.has_short_socket and _fits(location.socket):
        make_folders(location.socket, mode=0o700, owner=user)
        return location
    if location.has_short_socket and _is_private(location.socket, user):
        return location
    return replace(location, socket=_short_folder(user))


def _fits(folder: Path) -> bool:
    """Tell whether a socket's address holds the path; a comma would make libpq read two hosts."""
    return len(os.fsencode(str(folder) + _SOCKET_NAME)) <= SOCKET_LIMIT and "," not in str(folder)


def _is_private(folder: Path, user: OsUser) -> bool:
    try:
        status = folder.lstat()
    except FileNotFoundError:
        return False
    return folder.is_dir() and not folder.is_symlink() and (status.st_uid, status.st_mode & 0o777) == (user.uid, 0o700)


def _short_folder(user: OsUser) -> Path:
    for parent in dict.fromkeys((Path(tempfile.gettempdir()).resolve(), Path("/tmp"))):  # noqa: S108 - made by mkdtemp
        if _fits(parent / "espalier-xxxxxxxx") and user.may_enter(parent):
            folder = Path(tempfile.mkdtemp(dir=parent, prefix="espalier-"))
            user.take(folder)
            return folder
    raise EspalierError(
        f"home's path is too long for a socket, and so is the temporary folder {tempfile.gettempdir()}; "
        "set ESPALIER_HOME or TMPDIR to a shorter path"
    )


def known_major(number: int) -> Major:
    """Narrow a number to a major version that the wheel brings."""
    for major in TREES:
        if major == number:
            return major
    raise EspalierError(f"PostgreSQL {number} is not embedded; the wheel brings {' and '.join(map(str, TREES))}")
