"""The OS user that runs the embedded server, and commands run as that user.

Postgres refuses to run as root, so root hands it to the unprivileged user `espalier`; everyone else runs it as
himself. What is run, and in which folders, is not decided here.
"""

import grp
import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO

from tenacity import RetryError, Retrying, retry_if_result, stop_after_attempt, wait_random

from orchestration.errors import EspalierError

SERVER_USER = "espalier"
_NAME_EXISTS = 9
_SYSTEM_FOLDERS = ("/usr/sbin", "/sbin", "/usr/bin", "/bin")


@dataclass(frozen=True)
class OsUser:
    """A user of the operating system, as whom commands can be run."""

    name: str
    uid: int
    gid: int

    @property
    def is_caller(self) -> bool:
        """Whether this is the user who runs us."""
        return self.uid == os.geteuid()

    def run(
        self,
        command: Sequence[str | Path],
        *,
        cwd: Path,
        stdin: str = "",
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[int, str]:
        """Run a command as this user in a small environment; return its exit code and all that it printed."""
        try:
            done = subprocess.run(  # noqa: S603 - a list, no shell; the words are paths of ours and options
                [str(word) for word in command],
                cwd=cwd,
                env={**_environment(), **environment},
                input=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                check=False,
                start_new_session=True,
                umask=0o077,
                user=None if self.is_caller else self.uid,
                group=None if self.is_caller else self.gid,
                extra_groups=None if self.is_caller else [],
            )
        except OSError as error:
            raise EspalierError(
                f"{command[0]} cannot be run as the user {self.name}: {error.strerror or error}"
            ) from error
        return done.returncode, done.stdout

    def start(
        self, command: Sequence[str | Path], *, cwd: Path, output: IO[bytes], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start a program as this user in a session of its own, to outlive us, in a small environment."""
        try:
            return subprocess.Popen(  # noqa: S603 - a list, no shell; the words are paths of ours and options
                [str(word) for word in command],
                cwd=cwd,
                env={**_environment(), **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o077,
                user=None if self.is_caller else self.uid,
                group=None if self.is_caller else self.gid,
                extra_groups=None if self.is_caller else [],
            )
        except OSError as error:
            raise EspalierError(
                f"{command[0]} cannot be run as the user {self.name}: {error.strerror or error}"
            ) from error

    def may_enter(self, folder: Path) -> bool:
        """Tell by trying whether this user can enter the folder, whatever modes and ACLs stand on its parents."""
        code, _ = self.run(["/bin/sh", "-c", 'cd -- "$0"', folder], cwd=Path("/"))
        return code == 0

    def take(self, path: Path) -> None:
        """Give this user a file or folder that we have just made."""
        if not self.is_caller:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def server_user() -> OsUser:
    """Give the user who runs the server: the caller, or as root `espalier`, made when it is missing."""
    if os.geteuid() != 0:
        return OsUser(_own_name(), os.geteuid(), os.getegid())
    user = _find(SERVER_USER) or _create(SERVER_USER)
    if user.uid == 0:
        raise EspalierError(f"the OS user {SERVER_USER} is root by another name; remove it, or run as yourself")
    return user


def _own_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _find(name: str) -> OsUser | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return OsUser(name, entry.pw_uid, entry.pw_gid)


def _create(name: str) -> OsUser:
    useradd = shutil.which("useradd", path=os.pathsep.join(_SYSTEM_FOLDERS))
    if useradd is None:
        raise EspalierError(
            f"a server cannot run as root, and useradd, which would make the OS user {name} for it, is missing; "
            "run as an ordinary user, or set DATABASE_URL"
        )
    message = _useradd([useradd, *_options(name), name])
    user = _find(name)
    if user is None:
        raise EspalierError(f"{useradd} did not make the OS user {name}: {message}; run as an ordinary user")
    return user


def _options(name: str) -> list[str]:
    nologin = shutil.which("nologin", path=os.pathsep.join(_SYSTEM_FOLDERS)) or "/bin/false"
    group = ["--gid", name] if _group_exists(name) else ["--user-group"]
    return ["--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", nologin, *group]


def _group_exists(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True


def _useradd(command: list[str]) -> str:
    """Run useradd, again while another one holds the password file."""
    root = OsUser("root", os.geteuid(), os.getegid())
    busy = retry_if_result(lambda result: result[0] not in {0, _NAME_EXISTS})
    retries = Retrying(retry=busy, stop=stop_after_attempt(5), wait=wait_random(0.1, 0.5))
    try:
        _, printed = retries(root.run, command, cwd=Path("/"))
    except RetryError as error:
        _, printed = error.last_attempt.result()
    return last_line(printed)


def last_line(text: str) -> str:
    """Give the last line of a text that holds anything."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it printed nothing"


def _environment() -> dict[str, str]:
    """Keep the caller's PG* variables and locale away from the server's programs."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {"PATH": os.defpath} | kept | {"LC_ALL": "C", "TZ": "UTC"}
