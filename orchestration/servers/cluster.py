"""The programs that make, start and stop a server: `initdb`, `pg_ctl`, and `postgres --single` for a lost password.

Each runs as the server's user. What a failing one printed becomes one line that names the log.
"""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from os import O_NOFOLLOW, O_RDONLY
from os import open as open_file
from pathlib import Path

from psycopg import sql
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from orchestration.errors import EspalierError
from orchestration.servers import postmaster
from orchestration.servers.folders import Location, ours, write_private, writing
from orchestration.servers.os_user import OsUser, last_line
from orchestration.servers.postgres_settings import write_settings

_PATIENCE_S = 300
_LINGERING_S = 60
_LOG_LIMIT = 10_000_000
_TAIL = 20_000
_UNFINISHED = "data.unfinished"
_INITDB = (
    f"--pgdata={_UNFINISHED}",
    "--username=postgres",
    "--auth=scram-sha-256",
    "--pwfile=password",
    "--encoding=UTF8",
    "--data-checksums",
    "--no-instructions",
)
_LOCALE = {
    16: ["--locale=C"],
    18: ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
}
_LINGERS = ("pre-existing shared memory block", "lock file", "already in use")


class _OldServerLingers(EspalierError):
    """Processes of a killed server still hold its memory or socket; they are about to end."""


@dataclass(frozen=True)
class Cluster:
    """One server's files, the user who runs it, and the folder of its programs."""

    location: Location
    user: OsUser
    programs: Path

    @property
    def exists(self) -> bool:
        """Whether the data folder is complete: it gets its name when initdb has finished."""
        return (self.location.data / "PG_VERSION").is_file()

    def create(self, password: str, *, sync: bool = True) -> None:
        """Make the data folder, aside, then move it to its place; without `sync` it may not survive the machine."""
        with writing(self.location.server):
            shutil.rmtree(self.location.server / _UNFINISHED, ignore_errors=True)
            self._initdb(password, *([] if sync else ["--no-sync"]))
            (self.location.server / _UNFINISHED).rename(self.location.data)

    def start(self, options: Mapping[str, str]) -> None:
        """Start the server; wait until it takes connections."""
        with writing(self.location.server):
            self._rotate_log()
            write_settings(self.location, options, self.user)
        lingering = retry_if_exception_type(_OldServerLingers)
        waiting = wait_random_exponential(multiplier=0.1, max=2)
        for attempt in Retrying(retry=lingering, wait=waiting, stop=stop_after_delay(_LINGERING_S), reraise=True):
            with attempt:
                self._try_to_start()

    def stop(self) -> None:
        """End sessions, write a checkpoint, stop; wait for it."""
        code, printed = self._pg_ctl("stop", "-m", "fast")
        if code != 0 and postmaster.alive(self.location.data):
            raise EspalierError(
                f"Postgres in {self.location.data} does not stop: {last_line(printed)}; log: {self.location.log}"
            )

    def reset_password(self, password: str) -> None:
        """Give the superuser a new password while the server is down."""
        statement = sql.SQL("ALTER ROLE postgres PASSWORD {}\n").format(password).as_string(None)
        code, _ = self._run("postgres", "--single", "-D", "data", "postgres", stdin=statement)
        if code != 0:
            raise EspalierError(
                f"the lost password of {self.location.data} could not be replaced; "
                f"restore {ours(self.location.home) / 'connections.json'}"
            )

    def _initdb(self, password: str, *options: str) -> None:
        password_file = self.location.server / "password"
        try:
            write_private(password_file, password + "\n", owner=self.user)
            code, printed = self._run("initdb", *_INITDB, *_LOCALE[self.location.major], *options)
        finally:
            password_file.unlink(missing_ok=True)
        if code != 0:
            log = ours(self.location.home) / "initdb.log"
            write_private(log, printed)
            raise EspalierError(f"initdb failed in {self.location.server}: {last_line(printed)}; log: {log}")

    def _try_to_start(self) -> None:
        postmaster.end_orphans(self.location.data)
        postmaster.clear_stale_files(self.location)
        before = self._log_size()
        code, printed = self._pg_ctl("start", "-l", str(self.location.log))
        if code == 0:
            return
        logged = self._logged_since(before)
        reason = _complaint(logged) or last_line(printed)
        lingers = any(sign in logged for sign in _LINGERS)
        failure = _OldServerLingers if lingers else EspalierError
        raise failure(f"Postgres does not start in {self.location.data}: {reason}; log: {self.location.log}")

    def _pg_ctl(self, verb: str, *options: str) -> tuple[int, str]:
        return self._run("pg_ctl", "-D", str(self.location.data), "-w", "-t", str(_PATIENCE_S), *options, verb)

    def _run(self, program: str, *options: str, stdin: str = "") -> tuple[int, str]:
        return self.user.run([self.programs / program, *options], cwd=self.location.server, stdin=stdin)

    def _rotate_log(self) -> None:
        if self._log_size() > _LOG_LIMIT:
            self.location.log.replace(self.location.log.with_suffix(".log.1"))

    def _log_size(self) -> int:
        with suppress(FileNotFoundError):
            return self.location.log.lstat().st_size
        return 0

    def _logged_since(self, position: int) -> str:
        """Read what the server wrote; no link is followed, as the folder is the server's and we may be root."""
        with suppress(OSError), open(open_file(self.location.log, O_RDONLY | O_NOFOLLOW), "rb") as log:
            log.seek(position)
            return log.read(_TAIL).decode(errors="replace")
        return ""


def _complaint(logged: str) -> str:
    """Find what the server itself gave as the reason."""
    lines = [line for line in logged.splitlines() if any(word in line for word in ("FATAL:", "PANIC:", "ERROR:"))]
    return lines[-1].strip() if lines else ""
