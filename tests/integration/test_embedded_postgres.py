"""The embedded Postgres as it stands, for real: version, locale, privileges, modes, what others cannot do."""

import pwd
import subprocess
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy import create_engine, text

from orchestration.errors import EspalierError
from orchestration.servers.os_user import OsUser
from orchestration.servers.postgres import (
    EmbeddedPostgres,
)
from orchestration.settings import ROLES
from tests.embedded import CLOSED, IS_ROOT, connect, mode, needs_root, postmaster_pid, urls, value


def test_it_is_the_asked_version_with_checksums_utc_and_no_network(running: EmbeddedPostgres) -> None:
    assert int(str(value(running, "SHOW server_version_num"))) // 10_000 == running.major
    settings = {name: value(running, f"SHOW {name}") for name in ("data_checksums", "TimeZone", "listen_addresses")}
    assert settings == {"data_checksums": "on", "TimeZone": "UTC", "listen_addresses": ""}
    assert psutil.Process(postmaster_pid(running)).net_connections("inet") == []


def test_its_locale_does_not_depend_on_the_machine(running: EmbeddedPostgres) -> None:
    provider = value(running, "SELECT datlocprovider::text FROM pg_database WHERE datname = 'espalier'")
    assert provider == ("b" if running.major == 18 else "c")
    with connect(running, "jobs") as conn:
        sorted_words = conn.execute("SELECT array_agg(w ORDER BY w) FROM unnest('{b,a,B,é}'::text[]) w").fetchall()
    assert sorted_words == [(["B", "a", "b", "é"],)]


def test_it_knows_the_worlds_zones(running: EmbeddedPostgres) -> None:
    assert value(running, "SELECT '2026-01-01 00:00+00' AT TIME ZONE 'Asia/Tokyo' = '2026-01-01 09:00'") is True


def test_options_win_over_our_settings(running: EmbeddedPostgres) -> None:
    assert [value(running, "SHOW fsync"), value(running, "SHOW shared_buffers")] == ["off", "16MB"]
    assert value(running, "SHOW max_wal_size") == "4GB"


def test_no_role_of_ours_is_more_than_a_login_and_the_owner_not_even_that(running: EmbeddedPostgres) -> None:
    with connect(running, "bootstrap") as conn:
        roles = conn.execute(
            "SELECT substr(rolname, 10), rolcanlogin, rolbypassrls,"
            " rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication, rolconnlimit > 0"
            " FROM pg_roles WHERE rolname LIKE 'espalier%' ORDER BY 1"
        ).fetchall()
    assert roles == [
        ("analytics", True, False, False, True),
        ("app", True, False, False, True),
        ("backup", True, True, False, True),
        ("dagster", True, False, False, True),
        ("jobs", True, False, False, True),
        ("migrator", True, False, False, True),
        ("owner", False, False, False, False),
    ]


def test_nobody_becomes_another_role_but_the_migrator_the_owner_of_the_views(running: EmbeddedPostgres) -> None:
    with connect(running, "bootstrap") as conn:
        members = conn.execute(
            "SELECT member::regrole::text, roleid::regrole::text, admin_option FROM pg_auth_members"
            " WHERE member::regrole::text LIKE 'espalier%' ORDER BY 1"
        ).fetchall()
    assert members == [
        ("espalier_backup", "pg_read_all_data", False),
        ("espalier_migrator", "espalier_owner", False),
    ]


@pytest.mark.parametrize(
    ("role", "setting", "wanted"),
    [
        ("app", "statement_timeout", "30s"),
        ("app", "lock_timeout", "5s"),
        ("analytics", "statement_timeout", "15min"),
        ("analytics", "default_transaction_read_only", "on"),
        ("backup", "default_transaction_read_only", "on"),
    ],
)
def test_a_role_brings_its_settings(running: EmbeddedPostgres, role: str, setting: str, wanted: str) -> None:
    assert value(running, f"SHOW {setting}", role) == wanted


def test_every_password_is_stored_as_a_scram_verifier(running: EmbeddedPostgres) -> None:
    assert value(running, "SELECT bool_and(rolpassword LIKE 'SCRAM-SHA-256$%') FROM pg_authid WHERE rolcanlogin")


@pytest.mark.parametrize("role", ROLES)
def test_a_wrong_password_is_refused(running: EmbeddedPostgres, role: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(urls(running)[role], password="guessed")  # noqa: S106 - it is wrong


@pytest.mark.parametrize(
    ("role", "database"),
    [
        ("jobs", "dagster"),
        ("jobs", "postgres"),
        ("jobs", "template1"),
        ("migrator", "dagster"),
        ("migrator", "postgres"),
        ("dagster", "espalier"),
        ("dagster", "postgres"),
        *[(role, database) for role in ("app", "analytics", "backup") for database in ("dagster", "postgres")],
    ],
)
def test_a_role_cannot_enter_a_database_that_is_not_its_own(
    running: EmbeddedPostgres, role: str, database: str
) -> None:
    with pytest.raises(psycopg.OperationalError, match=f'permission denied for database "{database}"'):
        connect(running, role, database)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE public.t ()",
        "CREATE TABLE extensions.t ()",
        "CREATE SCHEMA s2",
        "CREATE ROLE r",
        "CREATE DATABASE d",
        "COPY (SELECT 1) TO PROGRAM 'id'",
        "SELECT pg_read_file('PG_VERSION')",
        "ALTER ROLE espalier_jobs BYPASSRLS",
        "SET ROLE espalier_migrator",
    ],
)
def test_jobs_may_do_nothing_but_what_the_migrations_grant(running: EmbeddedPostgres, statement: str) -> None:
    with connect(running, "jobs") as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(statement.encode())


def test_public_has_no_privilege_on_a_database_or_a_schema_public(running: EmbeddedPostgres) -> None:
    for database in ("espalier", "dagster", "postgres", "template1"):
        with connect(running, "bootstrap", database) as conn:
            granted = conn.execute(
                "SELECT datname FROM pg_database, aclexplode(datacl) g WHERE g.grantee = 0 AND datallowconn"
                " UNION ALL SELECT nspname FROM pg_namespace, aclexplode(nspacl) g"
                " WHERE g.grantee = 0 AND nspname !~ '^pg_|information_schema'"
            ).fetchall()
        assert granted == []


def test_the_migrator_builds_schemas_and_lets_jobs_in(running: EmbeddedPostgres) -> None:
    with connect(running, "migrator") as migrator, connect(running, "jobs") as jobs:
        for schema in (b"app", b"public"):
            migrator.execute(b"CREATE SCHEMA IF NOT EXISTS " + schema)
            migrator.execute(b"CREATE TABLE " + schema + b".v (e extensions.vector(2))")
            migrator.execute(b"INSERT INTO " + schema + b".v VALUES ('[3,4]')")
            migrator.execute(b"GRANT USAGE ON SCHEMA " + schema + b", extensions TO espalier_jobs")
            migrator.execute(b"GRANT SELECT ON " + schema + b".v TO espalier_jobs")
            length = jobs.execute(b"SELECT e OPERATOR(extensions.<->) '[0,0]' FROM " + schema + b".v").fetchall()
            assert length == [(5.0,)]


def test_jobs_have_temporary_tables(running: EmbeddedPostgres) -> None:
    with connect(running, "jobs") as conn:
        conn.execute("CREATE TEMPORARY TABLE t (e extensions.vector(2))")


def test_a_session_that_sleeps_in_a_transaction_is_ended_some_day(running: EmbeddedPostgres) -> None:
    sleep = "SELECT current_setting('idle_in_transaction_session_timeout')"
    assert [value(running, sleep, role) for role in ("migrator", "jobs", "dagster")] == ["15min", "15min", "5min"]
    assert [value(running, sleep, role) for role in ("app", "analytics", "backup")] == ["1min", "5min", "15min"]


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_its_urls_suit_sqlalchemy_whatever_the_shell_says(
    running: EmbeddedPostgres, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, wrong in {"PGPORT": "1", "PGHOST": "example.org", "PGUSER": "me", "PGDATABASE": "mine"}.items():
        monkeypatch.setenv(name, wrong)
    engine = create_engine(urls(running)["dagster"].replace("postgresql:", f"postgresql+{driver}:"))
    with engine.begin() as conn:
        conn.execute(text("CREATE TABLE IF NOT EXISTS public.runs (id int)"))
        assert conn.execute(text("SELECT current_database()")).scalar_one() == "dagster"
    engine.dispose()


def test_it_brings_its_own_programs(running: EmbeddedPostgres) -> None:
    version = subprocess.run([running.bin("pg_dump"), "--version"], capture_output=True, text=True, check=True)
    assert f" {running.major}." in version.stdout
    with pytest.raises(EspalierError, match="brings no program nonsense"):
        running.bin("nonsense")


def test_all_that_it_has_is_closed_to_others(running: EmbeddedPostgres) -> None:
    passable = 0o711 if IS_ROOT else CLOSED
    assert [mode(running.home), mode(running.home / "postgres")] == [passable] * 2
    assert [mode(f) for f in (running.data_folder.parent, running.data_folder, running.socket_folder)] == [CLOSED] * 3
    assert mode(running.home / "dagster") == CLOSED
    files = [running.connections_file, running.log_file, *(running.home / "postgres").glob("*.[jl]*")]
    assert {mode(file) for file in files} == {0o600}
    assert mode(running.socket_folder / ".s.PGSQL.5432") == CLOSED


@needs_root
def test_root_does_not_run_it_as_root(running: EmbeddedPostgres) -> None:
    process = psutil.Process(postmaster_pid(running))
    assert (process.username(), process.gids().real) == ("espalier", pwd.getpwnam("espalier").pw_gid)
    assert running.data_folder.stat().st_uid == process.uids().real
    assert running.connections_file.stat().st_uid == 0


@needs_root
def test_a_second_os_user_can_neither_connect_nor_list(running: EmbeddedPostgres, stranger: OsUser) -> None:
    psql = next((running.home / "postgres" / "programs").glob("*/*/*/bin/psql"))
    query = [psql, urls(running)["jobs"], "-Atc", "SELECT 'in'"]
    owner = pwd.getpwnam("espalier")
    assert OsUser("espalier", owner.pw_uid, owner.pw_gid).run(query, cwd=Path("/"))[1] == "in\n"
    code, printed = stranger.run(query, cwd=Path("/"))
    assert (code, "Permission denied" in printed) == (2, True)
    for folder in (running.home, running.home / "postgres", running.data_folder.parent, running.socket_folder):
        assert stranger.run(["/bin/ls", folder], cwd=Path("/"))[0] != 0
    for file in (running.connections_file, running.log_file, running.data_folder / "PG_VERSION"):
        assert stranger.run(["/bin/cat", file], cwd=Path("/"))[0] != 0
