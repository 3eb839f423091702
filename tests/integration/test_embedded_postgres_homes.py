"""The embedded Postgres in homes of all kinds, and what it refuses, in one line."""

import os
import pwd
import shutil
import tempfile
from pathlib import Path

import psutil
import psycopg
import pytest

from orchestration.servers.os_user import OsUser
from orchestration.servers.postgres import (
    EmbeddedPostgres,
    make_home,
)
from tests.embedded import (
    CLOSED,
    IS_ROOT,
    NewServer,
    mode,
    modes_above,
    needs_root,
    postmaster_pid,
    refusal,
    rows,
    write_rows,
)


def test_a_home_that_its_user_cannot_enter_has_its_data_outside(new_server: NewServer, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    before = modes_above(tmp_path / "home")
    server = new_server(tmp_path / "home")
    server.start()
    write_rows(server)
    assert modes_above(tmp_path / "home") == before
    outside = IS_ROOT and server.data_folder.is_relative_to("/var/lib/espalier")
    assert outside or not IS_ROOT
    if outside:
        assert (mode(server.data_folder.parents[2]), server.data_folder.parents[2].stat().st_uid) == (0o755, 0)
        assert mode(server.data_folder.parents[1]) == CLOSED
        assert (server.data_folder.parents[1] / "home").read_text() == f"{server.home}\n"
    server.stop()
    server.start()
    assert rows(server) == 1000


@needs_root
def test_a_new_home_in_the_place_of_a_deleted_one_starts_empty(new_server: NewServer, tmp_path: Path) -> None:
    server = new_server(tmp_path / "home")
    server.start()
    write_rows(server)
    old = postmaster_pid(server)
    shutil.rmtree(server.home)
    server.start()
    assert not psutil.pid_exists(old) or psutil.Process(old).status() == psutil.STATUS_ZOMBIE
    with pytest.raises(psycopg.errors.UndefinedTable):
        rows(server)


@needs_root
def test_removing_it_leaves_nothing_outside_home(new_server: NewServer, tmp_path: Path) -> None:
    server = new_server(tmp_path / "home")
    server.start()
    data = server.data_folder
    server.remove()
    assert not data.parents[1].exists()
    assert [path.name for path in server.home.iterdir()] == ["dagster"]  # which is Dagster's


def test_no_mode_above_home_changes(new_server: NewServer, open_folder: Path) -> None:
    odd = open_folder / "odd"
    odd.mkdir(mode=0o751)
    odd.chmod(0o751)
    before = modes_above(odd / "home")
    server = new_server(odd / "home")
    server.start()
    server.stop()
    assert modes_above(odd / "home") == before


@pytest.mark.parametrize("name", ["it's 100% é 漢;&#", "a,b"])
def test_a_home_may_have_an_unusual_name(new_server: NewServer, open_folder: Path, name: str) -> None:
    server = new_server(open_folder / name)
    server.start()
    write_rows(server)
    assert rows(server) == 1000


def test_a_home_with_a_long_path_has_its_socket_in_a_short_one(new_server: NewServer, open_folder: Path) -> None:
    server = new_server(open_folder / ("long" * 20) / ("path" * 20))
    server.start()
    write_rows(server)
    first = server.socket_folder
    assert (first.parent, mode(first)) == (Path(tempfile.gettempdir()).resolve(), CLOSED)
    assert server.data_folder.is_relative_to(server.home)
    server.stop()
    assert not first.exists()
    server.start()
    assert rows(server) == 1000


def test_a_home_that_was_moved_keeps_its_rows(new_server: NewServer, open_folder: Path) -> None:
    server = new_server(open_folder / "before")
    server.start()
    write_rows(server)
    server.stop()
    moved = new_server(server.home.rename(open_folder / "after"))
    moved.start()
    assert rows(moved) == 1000


def test_a_home_reached_by_a_link_is_the_same_home(new_server: NewServer, open_folder: Path) -> None:
    server = new_server()
    server.start()
    link = open_folder / "link"
    link.symlink_to(server.home)
    linked = EmbeddedPostgres(link)
    assert linked.is_running()
    linked.start()
    assert linked.data_folder == server.data_folder


def test_another_major_version_is_refused(new_server: NewServer) -> None:
    server = new_server(major=16)
    server.start()
    other = EmbeddedPostgres(server.home, major=18)
    assert "holds data of PostgreSQL 16, asked was 18" in refusal(other)
    assert other.is_running()  # it is there, whoever asks
    other.stop()
    assert not server.is_running()


def test_a_setting_that_the_server_refuses_is_named_with_the_log(new_server: NewServer) -> None:
    server = new_server(options={"work_mem": "nonsense"})
    line = refusal(server)
    assert 'invalid value for parameter "work_mem"' in line or "contains errors" in line
    assert str(server.log_file) in line
    assert not server.is_running()


def test_damaged_data_are_named_with_the_log(new_server: NewServer) -> None:
    server = new_server()
    server.start()
    server.stop()
    (server.data_folder / "global" / "pg_control").write_bytes(b"")
    assert "pg_control" in refusal(server)


def test_a_data_folder_that_is_not_one_is_not_overwritten(new_server: NewServer) -> None:
    server = new_server()
    make_home(server.home)
    server.data_folder.mkdir(parents=True, mode=CLOSED)
    (server.data_folder / "mine").write_text("")
    if IS_ROOT:
        owner = pwd.getpwnam("espalier")
        os.chown(server.data_folder.parent, owner.pw_uid, owner.pw_gid)
        server.data_folder.parent.chmod(CLOSED)
    assert str(server.data_folder) in refusal(server)
    assert (server.data_folder / "mine").exists()


def test_passwords_of_another_server_are_refused(new_server: NewServer) -> None:
    server = new_server()
    server.start()
    server.stop()
    changed = server.connections_file.read_text().replace("postgres:", "postgres:x", 1)
    server.connections_file.write_text(changed)
    line = refusal(server)
    assert "password authentication failed" in line
    assert str(server.connections_file) in line


@needs_root
def test_a_server_that_another_os_user_made_is_left_alone(new_server: NewServer, stranger: OsUser) -> None:
    server = new_server()
    make_home(server.home)
    folder = server.data_folder.parent
    folder.mkdir(mode=CLOSED)
    os.chown(folder, stranger.uid, stranger.gid)
    assert f"belongs to the user with id {stranger.uid}, not to espalier" in refusal(server)


@needs_root
def test_parents_that_were_closed_later_are_named(new_server: NewServer, open_folder: Path) -> None:
    parent = open_folder / "closing"
    server = new_server(parent / "home")
    server.start()
    server.stop()
    parent.chmod(CLOSED)
    try:
        assert "the OS user espalier, who runs the server, can no longer enter" in refusal(server)
    finally:
        parent.chmod(0o755)
