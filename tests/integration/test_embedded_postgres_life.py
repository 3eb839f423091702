"""The embedded Postgres starts, stops, is killed, is used for a while, and comes back."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg
import pytest

from orchestration.errors import EspalierError
from orchestration.servers import folders, usage
from orchestration.servers.binaries import Major
from orchestration.servers.os_user import OsUser
from orchestration.servers.postgres import (
    embedded_postgres,
    is_kept,
    mark_kept,
    unmark_kept,
)
from orchestration.settings import ROLES
from tests.embedded import (
    FAST,
    NewServer,
    connect,
    eventually,
    kill,
    mode,
    postmaster_pid,
    processes_in,
    rows,
    urls,
    value,
    write_rows,
)


@pytest.mark.parametrize("major", [18, 16])
def test_it_starts_in_seconds_and_stops_leaving_nothing_running(new_server: NewServer, major: Major) -> None:
    server = new_server(major=major, options={})
    began = time.monotonic()
    server.start()
    assert time.monotonic() - began < 30
    assert server.is_running()
    server.stop()
    assert not server.is_running()
    assert processes_in(server.home) == []


def test_starting_and_stopping_twice_changes_nothing(new_server: NewServer) -> None:
    server = new_server()
    server.stop()
    server.start()
    before, passwords = postmaster_pid(server), server.connections_file.read_text()
    new_server(server.home).start()
    assert (postmaster_pid(server), server.connections_file.read_text()) == (before, passwords)
    server.stop()
    server.stop()


@pytest.mark.parametrize("major", [18, 16])
def test_rows_and_passwords_survive_a_restart(new_server: NewServer, major: Major) -> None:
    server = new_server(major=major)
    server.start()
    write_rows(server)
    passwords = urls(server)
    server.stop()
    server.start()
    assert (rows(server), urls(server)) == (1000, passwords)


@pytest.mark.parametrize("major", [18, 16])
def test_rows_survive_the_death_of_the_postmaster(new_server: NewServer, major: Major) -> None:
    server = new_server(major=major, options={})
    server.start()
    write_rows(server)
    kill(server)
    assert not server.is_running()
    server.start()
    assert rows(server) == 1000


def test_a_child_that_outlives_the_postmaster_does_not_block_the_start(new_server: NewServer) -> None:
    server = new_server()
    server.start()
    write_rows(server)
    with connect(server, "jobs") as conn:
        child = psutil.Process(conn.info.backend_pid)
        child.suspend()
        kill(server)
        assert child.status() == psutil.STATUS_STOPPED
        server.start()
        assert child.pid not in {process.pid for process in processes_in(server.data_folder)}
    assert rows(server) == 1000


def test_a_server_that_is_shutting_down_is_awaited_and_started_again(new_server: NewServer) -> None:
    server = new_server()
    server.start()
    before = postmaster_pid(server)
    with connect(server, "jobs"):
        os.kill(before, signal.SIGTERM)  # a smart shutdown, which waits for our session
        eventually(lambda: not server.is_running())
        server.start()
    assert postmaster_pid(server) != before


def test_a_reused_pid_in_the_lock_files_does_not_block_the_start(new_server: NewServer) -> None:
    server = new_server()
    server.start()
    lock_files = server.data_folder / "postmaster.pid", server.socket_folder / ".s.PGSQL.5432.lock"
    contents = [file.read_text() for file in lock_files]
    pid = postmaster_pid(server)
    server.stop()
    for file, content in zip(lock_files, contents, strict=True):
        file.write_text(content.replace(str(pid), str(os.getpid()), 1))
    server.start()
    assert server.is_running()


def test_two_processes_that_start_at_once_get_one_server(new_server: NewServer) -> None:
    server = new_server()
    code = (
        "import sys; from pathlib import Path; from orchestration.servers.postgres import EmbeddedPostgres as E;"
        "s = E(Path(sys.argv[1]), options={'fsync': 'off'}); s.start(); print(s.is_running())"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code, server.home], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    assert [process.communicate()[0] for process in both] == ["True\n", "True\n"]
    servers = {process.pid for process in processes_in(server.home)}
    assert {pid for pid in servers if psutil.Process(pid).ppid() not in servers} == {postmaster_pid(server)}
    write_rows(server)


KILLED_AFTER = """
import os, signal, sys
from pathlib import Path
from orchestration.servers import cluster, credentials, roles
from orchestration.servers.postgres import EmbeddedPostgres

owner, name = {owner}, {name!r}
real = getattr(owner, name)

def last_act(*arguments, **options):
    real(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, name, last_act)
EmbeddedPostgres(Path(sys.argv[1]), options={{"fsync": "off"}}).start()
"""


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("cluster.Cluster", "_initdb"),
        ("cluster.Cluster", "create"),
        ("credentials", "save"),
        ("cluster.Cluster", "_try_to_start"),
        ("roles", "_make_role"),
        ("roles", "_make_database"),
        ("roles", "_close_to_public"),
        ("roles", "set_up"),
    ],
)
def test_a_first_start_killed_half_way_is_completed_by_the_next(new_server: NewServer, owner: str, name: str) -> None:
    server = new_server()
    code = KILLED_AFTER.format(owner=owner, name=name)
    killed = subprocess.run([sys.executable, "-c", code, server.home], check=False)
    assert killed.returncode == -signal.SIGKILL
    server.start()
    write_rows(server)
    for role in ROLES:
        connect(server, role).close()


def test_lost_passwords_are_made_anew_and_the_rows_stay(new_server: NewServer) -> None:
    server = new_server()
    server.start()
    write_rows(server)
    old = urls(server)
    server.connections_file.unlink()
    server.start()
    assert rows(server) == 1000
    assert set(urls(server).values()).isdisjoint(old.values())
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(old["jobs"])


def test_no_password_is_in_a_command_or_a_file_but_the_one(
    new_server: NewServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[str] = []
    real = OsUser.run

    def spy(user: OsUser, command: list[str | Path], *, cwd: Path, stdin: str = "") -> tuple[int, str]:
        commands.extend(map(str, command))
        return real(user, command, cwd=cwd, stdin=stdin)

    monkeypatch.setattr(OsUser, "run", spy)
    server = new_server()
    server.start()
    server.connections_file.unlink()
    server.start()
    server.stop()
    passwords = [url.split(":")[2].split("@")[0] for url in urls(server).values()]
    assert not [word for word in commands for password in passwords if password in word]
    files = [path for path in server.home.rglob("*") if path.is_file() and path != server.connections_file]
    assert any(file.name == "server.log" for file in files)
    assert not [file for file in files for password in passwords if password.encode() in file.read_bytes()]


def test_what_a_person_sets_stays(new_server: NewServer) -> None:
    server = new_server()
    server.start()
    with connect(server, "bootstrap") as conn:
        conn.execute("ALTER SYSTEM SET max_connections = 42")
    server.stop()
    server.start()
    assert value(server, "SHOW max_connections") == "42"


def test_a_start_from_a_record_of_an_older_set_up_repeats_it(new_server: NewServer) -> None:
    server = new_server()
    server.start()
    with connect(server, "bootstrap") as conn:
        conn.execute("GRANT CONNECT ON DATABASE dagster TO PUBLIC")
    folders.record(replace(server.location, set_up="0/older"))
    server.start()
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        connect(server, "jobs", "dagster")


def test_a_server_of_before_gets_the_roles_that_came_later_and_keeps_its_passwords(new_server: NewServer) -> None:
    server = new_server()
    server.start()
    known = urls(server)
    first = {role: known[role] for role in ("bootstrap", "migrator", "jobs", "dagster")}
    server.connections_file.write_text(json.dumps(first))
    with connect(server, "bootstrap") as conn:
        conn.execute("DROP OWNED BY espalier_app; DROP ROLE espalier_app")
    folders.record(replace(server.location, set_up="1/older"))
    server.start()
    assert {role: urls(server)[role] for role in first} == first
    assert mode(server.connections_file) == 0o600
    for role in ROLES:
        connect(server, role).close()


def test_the_last_user_who_leaves_stops_it(new_server: NewServer) -> None:
    home = new_server().home
    with embedded_postgres(home, options=FAST) as outer:
        with embedded_postgres(home, options=FAST) as inner:
            assert postmaster_pid(inner) == postmaster_pid(outer)
        assert outer.is_running()
    assert not outer.is_running()


def test_a_user_who_was_killed_does_not_keep_it_running(new_server: NewServer) -> None:
    home = new_server().home
    code = (
        "import os, signal, sys; from pathlib import Path;"
        "from orchestration.servers.postgres import embedded_postgres;"
        "embedded_postgres(Path(sys.argv[1]), options={'fsync': 'off'}).__enter__();"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, home], check=False)
    with embedded_postgres(home, options=FAST) as server:
        assert server.is_running()
    assert not server.is_running()


def test_the_server_holds_no_file_of_the_one_who_started_it(new_server: NewServer) -> None:
    home = new_server().home
    with embedded_postgres(home, options=FAST) as server:
        process = psutil.Process(postmaster_pid(server))
        opened = [file.path for one in (process, *process.children()) for file in one.open_files()]
        assert opened
        assert not [path for path in opened if path.endswith(".lock") and "socket" not in path]


def test_a_kept_server_outlives_its_users_until_it_is_not_kept(new_server: NewServer) -> None:
    home = new_server().home
    with embedded_postgres(home, keep=True, options=FAST) as server:
        pass
    assert server.is_running()
    with embedded_postgres(home, options=FAST):
        pass
    assert server.is_running()
    unmark_kept(home)
    with embedded_postgres(home, options=FAST):
        assert not is_kept(home)
    assert not server.is_running()


def test_a_user_who_fails_leaves_no_server_behind(new_server: NewServer) -> None:
    server = new_server()
    with pytest.raises(ZeroDivisionError), embedded_postgres(server.home, options=FAST):
        _ = 1 / 0
    assert not server.is_running()


def test_a_start_that_fails_does_not_count_as_use(new_server: NewServer) -> None:
    server = new_server()
    with pytest.raises(EspalierError), embedded_postgres(server.home, options={"work_mem": "nonsense"}):
        pytest.fail("it started")
    assert not usage.in_use(server.home)


def test_a_mark_to_keep_set_before_the_first_start_does_not_close_home(new_server: NewServer) -> None:
    server = new_server()
    mark_kept(server.home)
    server.start()
    assert server.data_folder.is_relative_to(server.home)
