"""The embedded Neo4j: a real server in `ESPALIER_HOME`, started when it is needed, on a port of 127.0.0.1.

`EmbeddedNeo4j` starts and stops it; `embedded_neo4j` is for those who use it for a while. Java, jars, folders,
password and configuration each have a module beside this one.
"""

import shutil
import socket
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from os import O_NOFOLLOW, O_RDONLY
from os import open as open_file
from pathlib import Path
from types import MappingProxyType

from orchestration.servers import folders, neo4j_access, neo4j_jars, neo4j_place, neo4j_unavailable, usage
from orchestration.servers import process_records as processes
from orchestration.servers.folders import write_private, writing
from orchestration.servers.neo4j_java import find_java
from orchestration.servers.neo4j_place import Place
from orchestration.servers.neo4j_settings import ENVIRONMENT, server_command, settings_text
from orchestration.servers.neo4j_unavailable import Neo4jUnavailable
from orchestration.servers.os_user import OsUser, last_line, server_user

__all__ = ["EmbeddedNeo4j", "Neo4jUnavailable", "embedded_neo4j"]

_NAME = "neo4j"
_NO_OPTIONS: Mapping[str, str] = MappingProxyType({})
_LAUNCHES = 3
_START_S = 180.0
_STOP_S = 60.0
_POLL_S = 0.1
_TAIL = 20_000
_PORT_TAKEN = "Address already in use"


class EmbeddedNeo4j:
    """The Neo4j of one `ESPALIER_HOME`.

    `heap_mb` is what Java may use beside 128 MB of page cache; `options` are server settings that win over ours.
    Both count when this object starts the server, not when it finds it running.
    """

    def __init__(self, home: Path, *, heap_mb: int = 512, options: Mapping[str, str] = _NO_OPTIONS) -> None:
        self.home = folders.checked_home(home)
        self.heap_mb = heap_mb
        self.options = options

    @property
    def place(self) -> Place:
        """Where the server lies, with its port and process, as recorded."""
        return neo4j_place.recorded(self.home)

    @property
    def data_folder(self) -> Path:
        """The folder of the server's data."""
        return self.place.server / "data"

    @property
    def log_file(self) -> Path:
        """The server's log."""
        return self.place.log

    @property
    def connection_file(self) -> Path:
        """The file of the address and password, mode 0600."""
        return neo4j_access.path_of(self.home)

    @property
    def pid(self) -> int | None:
        """The server's process; none when it is down."""
        process = self.place.process()
        return process.pid if process else None

    @property
    def is_fetched(self) -> bool:
        """Whether its programs are on this machine, so that a start needs no network."""
        return neo4j_jars.is_fetched(neo4j_place.program_store(self.home))

    def is_running(self) -> bool:
        """Tell whether the server takes connections."""
        address = neo4j_access.load(self.home)
        return address is not None and self.pid is not None and neo4j_access.answers(address)

    def start(self) -> None:
        """Start the server if it does not run, and wait until it answers; the first time fetch it.

        Raises:
            Neo4jUnavailable: there is no Java, no network to fetch it, or it does not start.
            EspalierError: home cannot be used.
        """
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Have the server on its way up, so that something else can be done meanwhile; `wait` then waits for it."""
        folders.prepare(self.home, _NAME)
        with usage.changing(self.home, _NAME), self._taking_note():
            if self.pid is None or neo4j_access.load(self.home) is None:
                self._launch()

    def wait(self) -> None:
        """Wait until the server answers; one that ended meanwhile is started again, on another port if it lost its own.

        Raises:
            Neo4jUnavailable: it does not start.
        """
        with self._taking_note():
            for launches in range(_LAUNCHES):
                if self._came_up():
                    self._complete()
                    return
                if launches and not self._lost_its_port():
                    break
                self.launch()
            raise Neo4jUnavailable(f"Neo4j in {self.place.server} does not start: {self._complaint()}")

    def stop(self) -> None:
        """Stop the server, whoever uses it, and wait until it has stopped."""
        if folders.ours(self.home, _NAME).is_dir():
            with usage.changing(self.home, _NAME):
                self._stop()

    def stop_if_unused(self) -> bool:
        """Stop the server unless somebody uses it or it is to be kept; tell whether it is stopped now."""
        with usage.changing(self.home, _NAME):
            if usage.in_use(self.home, _NAME) or usage.is_kept(self.home, _NAME):
                return False
            self._stop()
            return True

    def remove(self) -> None:
        """Stop the server and delete all its data, also where they lie outside home."""
        self.stop()
        neo4j_place.remove(self.home)

    def _launch(self) -> None:
        self._stop()
        self._remove_leftover()
        user, store = server_user(), neo4j_place.program_store(self.home)
        java, jars = find_java(user, store), neo4j_jars.jars(store)
        place = neo4j_place.settle(self.home, user)
        place = replace(place, port=_free_port(place.port))
        with writing(place.server):
            conf = settings_text(place.port, self.heap_mb, self.options)
            write_private(place.server / "conf" / "neo4j.conf", conf, owner=user)
        self._run(self._with_password(place, user, java, jars), user, java, jars)

    def _with_password(self, place: Place, user: OsUser, java: Path, jars: Path) -> Place:
        """Keep the password that is set; make one where there is none, where it was lost or not completed."""
        known = neo4j_access.load(self.home) if place.made == "all" else None
        password = known.password.get_secret_value() if known else neo4j_access.new_password()
        if known is None:
            place = replace(place, made="nothing" if place.made == "nothing" else "graph")
            neo4j_place.record(place)
            neo4j_access.set_password(place, user, java, jars, password)
        neo4j_access.save(self.home, place.port, password)
        return place

    def _run(self, place: Place, user: OsUser, java: Path, jars: Path) -> None:
        command = server_command(java, jars, place.server, self.heap_mb)
        with writing(self.home), open(place.console, "wb", opener=_private) as output:
            child = user.start(command, cwd=place.server, output=output, environment=ENVIRONMENT)
        neo4j_place.record(replace(place, pid=processes.keep(child).pid))

    def _came_up(self) -> bool:
        """Wait until the server answers, True, or has ended, False."""
        deadline = time.monotonic() + _START_S
        while (process := self.place.process()) and (address := neo4j_access.load(self.home)):
            if neo4j_access.is_ready(address):
                return True
            if time.monotonic() > deadline:
                raise Neo4jUnavailable(f"Neo4j (pid {process.pid}) does not answer after {_START_S:.0f} s")
            time.sleep(_POLL_S)
        return False

    def _complete(self) -> None:
        """Take note that all databases are made, and that there is a server."""
        neo4j_unavailable.forget(self.home)
        if self.place.made != "all":
            with usage.changing(self.home, _NAME):
                neo4j_place.record(replace(self.place, made="all"))

    def _lost_its_port(self) -> bool:
        return _PORT_TAKEN in _tail(self.log_file) + _tail(self.place.console)

    def _complaint(self) -> str:
        """Find what the server itself gave as the reason."""
        errors = [line for line in _tail(self.log_file).splitlines() if " ERROR " in line]
        reason = _tail(self.place.console) or "\n".join(errors)
        return f"{last_line(reason)}; log: {self.log_file}"

    def _stop(self) -> None:
        place = self.place
        _end(place)
        if place.pid:
            neo4j_place.record(replace(place, pid=0))

    def _remove_leftover(self) -> None:
        """Begin a home anew with an empty graph, though one of the same path was deleted and left data outside."""
        if left := neo4j_place.leftover(self.home):
            _end(left)
            with writing(left.server):
                shutil.rmtree(left.server)

    @contextmanager
    def _taking_note(self) -> Generator[None]:
        """Keep the reason why there is no server for those who would need one later."""
        try:
            yield
        except Neo4jUnavailable as error:
            neo4j_unavailable.remember(self.home, error)
            raise


@contextmanager
def embedded_neo4j(
    home: Path,
    *,
    keep: bool = False,
    wait: bool = True,
    heap_mb: int = 512,
    options: Mapping[str, str] = _NO_OPTIONS,
) -> Generator[EmbeddedNeo4j]:
    """Have the server run for a while; the last user who leaves stops it, unless it is to be kept.

    With `keep` it is marked to be kept and outlives this process; without `wait` the caller must call the server's
    own `wait` before he uses it.
    """
    server = EmbeddedNeo4j(home, heap_mb=heap_mb, options=options)
    folders.prepare(server.home, _NAME)
    with usage.changing(server.home, _NAME):
        user = usage.enter(server.home, _NAME)
    try:
        server.launch()
        if wait:
            server.wait()
        if keep:
            usage.mark_kept(server.home, _NAME)
        yield server
    finally:
        usage.leave(user)
        server.stop_if_unused()


def _end(place: Place) -> None:
    living = {process} if (process := place.process()) else place.strays()
    processes.end(processes.end(living, "terminate", _STOP_S), "kill", _STOP_S)


def _free_port(wanted: int) -> int:
    """Give the port that the server had before, or a free one where that is taken."""
    for port in (wanted, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return probe.getsockname()[1]
    raise Neo4jUnavailable("no port of 127.0.0.1 is free for Neo4j")


def _private(path: str, flags: int) -> int:
    return open_file(path, flags, mode=0o600)


def _tail(log: Path) -> str:
    """Read the end of a log; no link is followed, as the folder is the server's and we may be root."""
    with suppress(OSError), open(open_file(log, O_RDONLY | O_NOFOLLOW), "rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL))
        return file.read().decode(errors="replace")
    return ""
