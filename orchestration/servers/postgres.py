"""The embedded Postgres: a real server in `ESPALIER_HOME`, started when it is needed, reached by its socket only.

`EmbeddedPostgres` starts and stops it; `embedded_postgres` is for those who use it for a while. Folders, programs,
roles and processes each have a module beside this one.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import psycopg

from orchestration.errors import EspalierError
from orchestration.servers import credentials, folders, postmaster, roles, usage
from orchestration.servers.binaries import TREES, Major, server_programs, wheel_programs, wheel_version
from orchestration.servers.cluster import Cluster
from orchestration.servers.credentials import Passwords
from orchestration.servers.folders import Location
from orchestration.servers.os_user import last_line, server_user
from orchestration.servers.usage import in_use, is_kept, mark_kept, unmark_kept

__all__ = ["EmbeddedPostgres", "embedded_postgres", "in_use", "is_kept", "make_home", "mark_kept", "unmark_kept"]

_NO_OPTIONS: Mapping[str, str] = MappingProxyType({})
_SET_UP = "2"


class EmbeddedPostgres:
    """The PostgreSQL of one `ESPALIER_HOME`.

    `options` are server settings that win over ours (tests give `fsync=off`); they count when this object starts
    the server, not when it finds it running.
    """

    def __init__(self, home: Path, *, major: Major = 18, options: Mapping[str, str] = _NO_OPTIONS) -> None:
        self.home = folders.checked_home(home)
        self.major: Major = folders.known_major(major)
        self.options = options

    @property
    def location(self) -> Location:
        """Where the server lies: as recorded, or, before the first start, where it will lie if home allows."""
        return folders.recorded(self.home) or folders.plan(self.home, self.major)

    @property
    def data_folder(self) -> Path:
        """The server's data folder."""
        return self.location.data

    @property
    def socket_folder(self) -> Path:
        """The folder of the server's socket."""
        return self.location.socket

    @property
    def log_file(self) -> Path:
        """The server's log."""
        return self.location.log

    @property
    def connections_file(self) -> Path:
        """The file of the roles' URLs, mode 0600."""
        return credentials.path_of(self.home)

    def bin(self, name: str) -> Path:
        """Give the path of one of PostgreSQL's programs, such as psql or pg_dump."""
        program = wheel_programs(self.location.major) / name
        if not program.is_file():
            raise EspalierError(f"PostgreSQL {self.location.major} brings no program {name} ({program})")
        return program

    def is_running(self) -> bool:
        """Tell whether the server takes connections."""
        with folders.writing(self.home):
            return postmaster.is_ready(self.location)

    def start(self) -> None:
        """Start the server if it does not run; the first time make its data folder, roles and databases.

        Raises:
            EspalierError: home cannot be used, holds another major version, or the server does not start.
        """
        make_home(self.home)
        with usage.changing(self.home):
            self._start()

    def stop(self) -> None:
        """Stop the server, whoever uses it, and wait until it has stopped."""
        if folders.recorded(self.home):
            with usage.changing(self.home):
                self._stop()

    def stop_if_unused(self) -> bool:
        """Stop the server unless somebody uses it or it is to be kept; tell whether it is stopped now."""
        with usage.changing(self.home):
            if in_use(self.home) or is_kept(self.home):
                return False
            self._stop()
            return True

    def remove(self) -> None:
        """Stop the server and delete all its data, also where they lie outside home."""
        self.stop()
        folders.remove(self.location)

    def _start(self) -> None:
        self._refuse_other_major()
        passwords = credentials.load(self.home)
        if not (passwords and self.is_running()):
            self._stop()  # it may be on its way up or down, or run with passwords that are lost
            passwords = self._launch(passwords)
        self._set_up(passwords)

    def _launch(self, known: Passwords | None) -> Passwords:
        if folders.recorded(self.home) is None:
            self._set_leftover_aside()
        cluster = self._cluster(folders.settle(self.home, self.major, server_user()))
        passwords = known or credentials.generate()
        self._make_or_mend(cluster, passwords, lost=known is None)
        with folders.writing(self.home):
            credentials.save(cluster.location, passwords)
        cluster.start(self.options)
        self._prove(passwords)
        return passwords

    def _set_leftover_aside(self) -> None:
        for major in TREES:
            postmaster.end(folders.outside(self.home) / str(major) / "data")
        folders.set_leftover_aside(self.home)

    def _cluster(self, location: Location) -> Cluster:
        user = server_user()
        folders.refuse_foreign(location, user)
        with folders.writing(self.home):
            programs = server_programs(location.major, user, folders.program_store(location))
        return Cluster(location, user, programs)

    def _refuse_other_major(self) -> None:
        location = self.location
        if location.major != self.major:
            raise EspalierError(
                f"{location.data} holds data of PostgreSQL {location.major}, asked was {self.major}; "
                f"use {location.major}, or set ESPALIER_HOME to another folder"
            )

    def _make_or_mend(self, cluster: Cluster, passwords: Passwords, *, lost: bool) -> None:
        """Make the data folder, or give existing data new passwords; a death in between has the next start do it."""
        if cluster.exists and not lost:
            return
        folders.record(replace(cluster.location, set_up=""))
        if cluster.exists:
            cluster.reset_password(passwords["bootstrap"])
        else:
            cluster.create(passwords["bootstrap"], sync=self.options.get("fsync") != "off")

    def _prove(self, passwords: Passwords) -> None:
        """Connect once: a server that came up and died, or one with other passwords, is found here."""
        with self._speaking():
            roles.connect(credentials.url_of("bootstrap", self.location, passwords), "postgres").close()

    def _set_up(self, passwords: Passwords) -> None:
        """Make roles and databases unless the record says that this version of the set-up is complete."""
        wanted = f"{_SET_UP}/{wheel_version()}"
        location = self.location
        if location.set_up != wanted:
            with folders.writing(self.home):
                credentials.save(location, passwords)  # with those of the roles that this version adds
            with self._speaking():
                roles.set_up(credentials.url_of("bootstrap", location, passwords), passwords)
            folders.record(replace(location, set_up=wanted))

    @contextmanager
    def _speaking(self) -> Generator[None]:
        """Turn what the server answers into one line."""
        try:
            yield
        except psycopg.Error as error:
            raise EspalierError(
                f"Postgres in {self.data_folder} runs but refuses its set-up: {last_line(str(error))}; "
                f"log: {self.log_file}; if a password is wrong, remove {self.connections_file}: "
                "the next start makes new ones"
            ) from error

    def _stop(self) -> None:
        location = self.location
        with folders.writing(location.server):
            if postmaster.alive(location.data):
                self._cluster(location).stop()
            folders.remove_short_socket(location)


def make_home(home: Path) -> None:
    """Make `ESPALIER_HOME` with the modes that the server needs; to be called before anything else writes there."""
    home = folders.checked_home(home)
    folders.prepare(home)
    with folders.writing(home):
        folders.make_folders(home / "dagster", mode=0o700)  # logs of runs; Dagster itself would leave it open to read


@contextmanager
def embedded_postgres(
    home: Path, *, keep: bool = False, major: Major = 18, options: Mapping[str, str] = _NO_OPTIONS
) -> Generator[EmbeddedPostgres]:
    """Have the server run for a while; the last user who leaves stops it, unless it is to be kept.

    With `keep` it is marked to be kept, as `mark_kept` does, and outlives this process.
    """
    server = EmbeddedPostgres(home, major=major, options=options)
    make_home(server.home)
    with usage.changing(server.home):
        place = usage.enter(server.home)
    try:
        server.start()
        if keep:
            mark_kept(server.home)
        yield server
    finally:
        usage.leave(place)
        server.stop_if_unused()
