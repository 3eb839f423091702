"""Where the embedded server's files lie: modes, records, limits of a path. No server is started."""

import json
import os
import stat
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.errors import EspalierError
from orchestration.servers import folders
from orchestration.servers.os_user import OsUser


@pytest.fixture
def caller() -> OsUser:
    """The user who runs the tests, as the server's user: no folder changes hands."""
    return OsUser("caller", os.geteuid(), os.getegid())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return (tmp_path / "deep" / "home").resolve()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("uid", "expected"), [(1000, 0o700), (0, 0o711)], ids=["ordinary", "root"])
def test_new_folders_are_closed_except_that_root_lets_the_servers_user_pass(
    home: Path, monkeypatch: pytest.MonkeyPatch, uid: int, expected: int
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    folders.prepare(home)
    assert [mode(folder) for folder in (home.parent, home, home / "postgres")] == [expected] * 3


def test_the_umask_has_no_say(home: Path) -> None:
    before = os.umask(0o777)
    try:
        folders.prepare(home)
    finally:
        os.umask(before)
    assert mode(home) == (0o711 if os.geteuid() == 0 else 0o700)


def test_an_existing_folder_keeps_its_mode(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o755)
    folders.prepare(home)
    assert mode(home) == 0o755


def test_a_file_in_the_place_of_home_is_refused_in_one_line(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("")
    with pytest.raises(EspalierError, match=rf"^{home} cannot be used: .*set ESPALIER_HOME") as refusal:
        folders.prepare(home)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("character", ['"', "$", "`", "\\", "\n"])
def test_a_path_that_a_shell_would_expand_is_refused(character: str) -> None:
    with pytest.raises(EspalierError, match=r"which pg_ctl cannot take") as refusal:
        folders.checked_home(Path(f"/home/a{character}b"))
    assert "\n" not in str(refusal.value)


def test_a_record_is_read_back_equal(home: Path) -> None:
    folders.prepare(home)
    location = replace(folders.plan(home, 16), set_up="1")
    folders.record(location)
    assert folders.recorded(home) == location
    assert mode(home / "postgres" / "server.json") == 0o600


def test_a_home_moved_with_its_data_took_its_server_along(home: Path) -> None:
    folders.prepare(home)
    folders.record(replace(folders.plan(home, 16), set_up="1"))
    moved = home.rename(home.with_name("moved"))
    assert folders.recorded(moved) == replace(folders.plan(moved, 16), set_up="1")


def test_a_home_moved_away_from_its_data_is_refused(home: Path) -> None:
    folders.prepare(home)
    away = folders.outside(home) / "18"
    folders.record(replace(folders.plan(home, 18), server=away, socket=away / "socket"))
    moved = home.rename(home.with_name("moved"))
    with pytest.raises(EspalierError, match=f"was moved from {home}, and its data lie in {away}"):
        folders.recorded(moved)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"home": 1}'])
def test_a_damaged_record_is_named(home: Path, text: str) -> None:
    folders.prepare(home)
    (home / "postgres" / "server.json").write_text(text)
    with pytest.raises(EspalierError, match=r"server\.json is damaged"):
        folders.recorded(home)


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o644)
    folders.write_private(path, "new")
    assert (path.read_text(), mode(path), list(tmp_path.iterdir())) == ("new", 0o600, [path])


def test_a_socket_lies_in_the_servers_folder_where_its_path_fits(caller: OsUser) -> None:
    with tempfile.TemporaryDirectory() as short:  # pytest's own folders may be too long
        home = Path(short).resolve() / "home"
        folders.prepare(home)
        location = folders.settle(home, 18, caller)
        assert location.socket == home / "postgres" / "18" / "socket"
        assert mode(location.socket) == 0o700
        assert not location.has_short_socket


@pytest.mark.parametrize("name", ["x" * 90, "with,comma"])
def test_a_socket_whose_path_does_not_fit_goes_to_a_temporary_folder(tmp_path: Path, caller: OsUser, name: str) -> None:
    home = tmp_path.resolve() / name
    folders.prepare(home)
    location = folders.settle(home, 18, caller)
    try:
        assert location.has_short_socket
        assert mode(location.socket) == 0o700
        assert folders.settle(home, 18, caller).socket == location.socket
    finally:
        folders.remove_short_socket(location)
    assert not location.socket.exists()


def test_a_temporary_folder_that_others_may_enter_is_not_used_again(tmp_path: Path, caller: OsUser) -> None:
    home = tmp_path.resolve() / ("x" * 90)
    folders.prepare(home)
    first = folders.settle(home, 18, caller)
    first.socket.chmod(0o755)
    second = folders.settle(home, 18, caller)
    for location in (first, second):
        folders.remove_short_socket(location)
    assert first.socket != second.socket


def test_a_socket_url_survives_every_character(home: Path) -> None:
    location = replace(folders.plan(home, 18), socket=Path("/a b/%&?'é"))
    assert location.socket_url == "host=%2Fa%20b%2F%25%26%3F%27%C3%A9&port=5432"


def test_what_a_deleted_home_left_outside_is_set_aside_once(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "OUTSIDE", tmp_path / "outside")
    for number in ("1", "2"):
        leftover = folders.outside(home)
        leftover.mkdir(parents=True)
        (leftover / "data").write_text(number)
        folders.set_leftover_aside(home)
    assert not folders.outside(home).exists()
    assert (folders.outside(home).with_suffix(".previous") / "data").read_text() == "2"


def test_the_record_names_what_a_person_may_want_to_know(home: Path, caller: OsUser) -> None:
    folders.prepare(home)
    folders.settle(home, 18, caller)
    record = json.loads((home / "postgres" / "server.json").read_text())
    assert set(record) == {"home", "major", "server", "socket", "set_up"}
