"""Tests of the embedded Neo4j: who is let in, what it may read, where it listens, and that it outlives accidents.

What only looks shares the session's server; what stops and kills has one of its own.
"""

import os
import pwd
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import neo4j
import psutil
import pytest
from neo4j.exceptions import AuthError, Neo4jError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from orchestration.servers import neo4j_place, neo4j_unavailable, usage
from orchestration.servers.folders import ours, prepare
from orchestration.servers.neo4j import EmbeddedNeo4j, Neo4jUnavailable, embedded_neo4j
from orchestration.servers.os_user import SERVER_USER, server_user
from orchestration.settings import Settings
from tests.conftest import Site
from tests.embedded import IS_ROOT, mode
from tests.graph_fixtures import Neo4jServer, start_or_skip

UNFINISHED = "mkdir -p data/databases/system && echo cut > data/databases/system/neostore"
open_driver: Callable[..., neo4j.Driver] = neo4j.GraphDatabase.driver


def ask(home: Path, query: str, auth: tuple[str, str] | None = None) -> list[dict[str, Any]]:
    """Ask the server of a home, with its own password unless another is given."""
    address = Settings(home=home).neo4j()
    known = (address.user, address.password.get_secret_value())
    with open_driver(address.uri, auth=auth or known) as driver, driver.session() as session:
        return session.run(neo4j.Query(query)).data()  # pyright: ignore[reportArgumentType]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Generator[EmbeddedNeo4j]:
    """A server for the tests that stop and kill it, with one node in it; the tests go on from each other's state.

    It begins over what is left of one that was killed while it made its databases.
    """
    server = EmbeddedNeo4j(tmp_path_factory.mktemp("own") / "home")
    prepare(server.home, "neo4j")
    left = neo4j_place.settle(server.home, server_user()).server
    server_user().run(["/bin/sh", "-c", UNFINISHED], cwd=left)
    start_or_skip(server)
    ask(server.home, "CREATE (:Kept {n: 1})")
    yield server
    server.remove()


def occupy(port: int) -> socket.socket:
    """Take a port as soon as it is free."""
    taken = Retrying(retry=retry_if_exception_type(OSError), stop=stop_after_delay(30), wait=wait_fixed(0.02))
    return taken(socket.create_server, ("127.0.0.1", port))


def kept(server: EmbeddedNeo4j) -> int:
    """Count the nodes that must outlive everything."""
    return ask(server.home, "MATCH (k:Kept) RETURN count(k) AS n")[0]["n"]


@pytest.mark.parametrize("auth", [None, ("neo4j", "neo4j"), ("neo4j", "wrong")], ids=["none", "default", "wrong"])
def test_no_default_and_wrong_password_are_refused(neo4j_server: Neo4jServer, auth: tuple[str, str] | None) -> None:
    with open_driver(neo4j_server.address.uri, auth=auth) as driver, pytest.raises((AuthError, Neo4jError)) as refused:
        driver.verify_connectivity()
    assert refused.value.code == "Neo.ClientError.Security.Unauthorized"
    assert neo4j_server.run("RETURN 1 AS one") == [{"one": 1}]  # three wrong ones in a row would lock us out, too


@pytest.mark.parametrize("place", ["/etc/passwd", "/../../../../../../../../../etc/passwd", "/import/rows.csv"])
def test_load_csv_reads_no_file(neo4j_server: Neo4jServer, place: str) -> None:
    with pytest.raises(Neo4jError, match=r"configuration property .*allow_csv_import_from_file_urls.* is false"):
        neo4j_server.run("LOAD CSV FROM $url AS row RETURN row", url=f"file://{place}")


def test_it_listens_on_one_port_of_this_machine_only(neo4j_server: Neo4jServer) -> None:
    process = psutil.Process(neo4j_server.pid)
    listening = [c.laddr for c in process.net_connections("all") if c.status == psutil.CONN_LISTEN]
    assert [str(address.ip).removeprefix("::ffff:") for address in listening] == ["127.0.0.1"]
    assert neo4j_server.address.uri == f"bolt://127.0.0.1:{listening[0].port}"


def test_its_files_are_closed_and_the_password_stands_in_one_of_them(neo4j_server: Neo4jServer) -> None:
    server, password = neo4j_server.embedded, neo4j_server.address.password.get_secret_value().encode()
    files = [path for path in (*ours(server.home, "neo4j").iterdir(), *server.place.server.rglob("*"))]
    assert {mode(path) & 0o077 for path in files} == {0}
    assert [path for path in files if path.is_file() and password in path.read_bytes()] == [server.connection_file]
    assert not [word for word in psutil.Process(server.pid).cmdline() if password.decode() in word]


@pytest.mark.skipif(not IS_ROOT, reason="only root hands the server to another user")
def test_root_runs_it_as_an_unprivileged_user(neo4j_server: Neo4jServer) -> None:
    ids = psutil.Process(neo4j_server.pid).uids()
    assert {ids.real, ids.effective, ids.saved} == {pwd.getpwnam(SERVER_USER).pw_uid}
    assert neo4j_server.embedded.data_folder.stat().st_uid == ids.real


def test_a_second_start_finds_it_running(neo4j_server: Neo4jServer) -> None:
    before = neo4j_server.pid
    neo4j_server.embedded.start()
    assert neo4j_server.pid == before is not None
    assert EmbeddedNeo4j(neo4j_server.embedded.home).is_running()


def test_a_graph_site_begins_with_an_empty_graph(graph_site: Site, neo4j_server: Neo4jServer) -> None:
    neo4j_server.run("CREATE CONSTRAINT one FOR (n:Concept) REQUIRE n.id IS UNIQUE")
    neo4j_server.run("CREATE INDEX two FOR (n:Concept) ON (n.name)")
    neo4j_server.run("CREATE (:Concept {id: '1'})-[:PART_OF]->(:Domain {name: 'a'})")
    neo4j_server.empty()
    assert neo4j_server.run("MATCH (n) RETURN count(n) AS n") == [{"n": 0}]
    assert neo4j_server.run("SHOW CONSTRAINTS YIELD name RETURN name") == []
    assert graph_site.settings.neo4j() == neo4j_server.address


def test_a_killed_server_starts_again_over_its_data_and_leaves_a_taken_port(own: EmbeddedNeo4j) -> None:
    before = own.place
    os.kill(before.pid, signal.SIGKILL)
    with closing(occupy(before.port)):
        assert not own.is_running()
        neo4j_unavailable.remember(own.home, Neo4jUnavailable("no Java then"))
        own.start()
    assert own.place.port != before.port
    assert kept(own) == 1
    assert neo4j_unavailable.reason(own.home) is None


def test_a_stop_leaves_no_process_and_a_stale_record_is_harmless(own: EmbeddedNeo4j) -> None:
    server = psutil.Process(own.pid)
    own.stop()
    assert not server.is_running()
    neo4j_place.record(replace(own.place, pid=os.getpid()))
    assert (own.pid, own.is_running()) == (None, False)
    own.stop()


def test_a_lost_password_is_replaced_and_the_last_user_stops_the_server(own: EmbeddedNeo4j) -> None:
    own.connection_file.unlink()
    with embedded_neo4j(own.home) as server:
        assert kept(server) == 1
        with embedded_neo4j(own.home):
            pass
        assert server.is_running()
        usage.mark_kept(own.home, "neo4j")
        assert not server.stop_if_unused()
        usage.unmark_kept(own.home, "neo4j")
    assert not own.place.strays()
