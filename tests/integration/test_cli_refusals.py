"""What a wrong input or configuration gets: one line with what was found and what to do, exit code 2, no password."""

import json
import re
import shutil
import socket
import subprocess
import sys
import uuid
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from orchestration.servers.os_user import OsUser
from orchestration.servers.postgres import EmbeddedPostgres
from orchestration.settings import PROJECT
from tests.command_line import Answer, call, done, home_in, processes_of
from tests.embedded import IS_ROOT, urls
from tests.old_server import claiming

METRICS = "rag/rag_metrics_history"


@pytest.fixture(scope="module")
def server(open_folder: Path) -> Generator[EmbeddedPostgres]:
    """The server of a home, kept running; nothing is migrated."""
    with home_in(open_folder, "refusals") as home:
        done("url")
        yield EmbeddedPostgres(home)


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """A home in which nothing may be started: what is refused here is refused beforehand."""
    home = tmp_path / "nowhere"
    monkeypatch.setenv("ESPALIER_HOME", str(home))
    yield home
    assert (home.exists(), processes_of(home)) == (False, set())


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return listener.getsockname()[1]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["frobnicate"], "No such command 'frobnicate'; see `espalier --help`"),
        (["--frobnicate"], "No such option: --frobnicate; see `espalier --help`"),
        (["status", "--jsn"], "No such option: --jsn (Possible options: --json); see `espalier status --help`"),
        (["status", "now"], "Got unexpected extra argument(s) (now); see `espalier status --help`"),
        (["materialize"], "Missing argument 'asset'; see `espalier materialize --help`"),
        (["backfill", METRICS, "--from", "2026-01-01"], "Missing option '--to'; see `espalier backfill --help`"),
        (
            ["demo", "--scale", "huge"],
            "Invalid value for '--scale': 'huge' is not one of 'small', 'medium', 'large'; see `espalier demo --help`",
        ),
        (["url", "mysql"], "Invalid value for 'database': 'mysql' is not one of 'postgres', 'dagster', 'neo4j'; see "),
        (["up", "--port", "99999"], "less than or equal to 65535, found 99999; see `espalier up --help`"),
        (["up", "--port", "http"], "found http; see `espalier up --help`"),
    ],
)
@pytest.mark.usefixtures("nowhere")
def test_a_wrong_argument_is_named_with_where_the_right_ones_are_listed(arguments: list[str], line: str) -> None:
    assert line in call(*arguments).refusal


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["materialize", "community/votegraph"],
            r"no asset 'community/votegraph'; did you mean community/vote_graph\?",
        ),
        (["materialize", "x"], r"no asset 'x'; there are community/leaderboard_entries, .*rag/rag_metrics_history"),
        (["materialize", "community/users"], r"community/users is written by the application: choose one of "),
        (["materialize", METRICS], r"has a partition a day: give one, such as --partition \d{4}-\d\d-\d\d"),
        (["materialize", METRICS, "--partition", "2026-13-01"], r"--partition: '2026-13-01' is no date; give one such"),
        (
            ["materialize", METRICS, "--partition", "1999-12-31"],
            r"--partition: rag/rag_metrics_history has no partition 1999-12-31; it has 2025-01-01 to \d{4}-\d\d-\d\d",
        ),
        (["materialize", "community/vote_graph", "--partition", "2026-01-01"], r"no partitions: leave --partition out"),
        (["backfill", METRICS, "--from", "2026-01-02", "--to", "2026-01-01"], r"--from 2026-01-02 is after --to 2026-"),
        (["backfill", METRICS, "--from", "yesterday", "--to", "2026-01-01"], r"--from: 'yesterday' is no date"),
        (["backfill", METRICS, "--from", "2026-01-01", "--to", "2999-01-01"], r"--to: .* has no partition 2999-01-01"),
        (
            ["backfill", "community/vote_graph", "--from", "2026-01-01", "--to", "2026-01-02"],
            r"community/vote_graph has no partitions to backfill; run `espalier materialize community/vote_graph`",
        ),
        (["nightly", "nightly_lms"], r"no nightly job 'nightly_lms'; this site has nightly_community, nightly_rag"),
        (["migrate", "--domain", "lms"], r"--domain 'lms' is not enabled here; ESPALIER_DOMAINS has community, rag"),
    ],
)
@pytest.mark.usefixtures("nowhere")
def test_an_unknown_asset_domain_or_day_is_refused_before_anything_starts(arguments: list[str], line: str) -> None:
    assert re.search(line, call(*arguments).refusal)


@pytest.mark.usefixtures("nowhere")
def test_an_asset_of_a_domain_that_is_not_enabled_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESPALIER_DOMAINS", "rag")
    refusal = call("materialize", "community/vote_graph").refusal
    assert (
        refusal
        == "no asset 'community/vote_graph'; there are platform/grants, platform/rag_schema, rag/rag_metrics_history"
    )


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        ("ESPALIER_CONFIG", "/no/such.toml", r"ESPALIER_CONFIG: no file /no/such.toml; unset it or name an existing"),
        ("ESPALIER_DOMAINS", "community,sales", r"ESPALIER_DOMAINS: .*'sales'"),
        ("ESPALIER_RAG__ZONE", "Europe/Atlantis", r"'Europe/Atlantis' is no time zone of the IANA database"),
        ("ESPALIER_RAG__LATE_DAYZ", "3", r"ESPALIER_RAG__LATE_DAYZ.*late_dayz: no such key; did you mean late_days\?"),
        ("ESPALIER_UI_PROT", "3000", r"ESPALIER_UI_PROT: no such setting; did you mean ESPALIER_UI_PORT\?"),
        ("DATABASE_URL", "mysql://u:geheim@h/d", r"DATABASE_URL: found scheme 'mysql'; give postgresql://"),
        ("DATABASE_URL", "postgresql://u:geheim@h:99999/d", r"DATABASE_URL: not an address \(Port out of range"),
        ("DATABASE_URL", "postgresql://u:geheim@h/d?nope=1", r"invalid URI query parameter: \"nope\"; correct it"),
        ("DATABASE_URL", "postgresql://u:geheim@no-host.invalid/d", r"DATABASE_URL: .*no-host.invalid.*; correct it"),
    ],
)
@pytest.mark.usefixtures("nowhere")
def test_a_wrong_setting_is_named_with_what_was_found(
    variable: str, value: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    refusal = call("migrate").refusal
    assert re.search(line, refusal)
    assert "geheim" not in refusal


@pytest.mark.parametrize(
    ("policy", "line"),
    [
        ("[rag]\nlate_dayz = 3", r"rag.late_dayz: no such key; did you mean late_days\?"),
        ("[rag.slo]\ncitation_rate_min = 700", r"rag.slo.citation_rate_min: .* 100, found 700; correct it"),
        ("[rag]\nstart_date = 2026-02-30", r"policy.toml: .*; correct the file"),
    ],
)
@pytest.mark.usefixtures("nowhere")
def test_a_wrong_policy_is_named_with_its_file(
    policy: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(policy)
    monkeypatch.setenv("ESPALIER_CONFIG", str(file))
    refusal = call("nightly").refusal
    assert re.search(line, refusal)
    assert str(file) in refusal


@pytest.mark.parametrize("variable", ["DATABASE_URL", "DIRECT_DATABASE_URL", "DAGSTER_DATABASE_URL"])
@pytest.mark.usefixtures("nowhere")
def test_a_server_that_does_not_answer_is_named_with_its_port(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv(variable, f"postgresql://u:geheim@127.0.0.1:{port}/d")
    for command in (["migrate"], ["materialize", "community/vote_graph"], ["up", "--port", str(free_port())]):
        refusal = call(*command).refusal
        assert refusal.startswith(f'{variable}: connection to server at "127.0.0.1", port {port} failed: Connection ')
        assert "geheim" not in refusal


def test_a_wrong_password_is_refused_and_not_shown(server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", re.sub(r":[^:@]+@", ":geheim@", urls(server)["jobs"]))
    refusal = call("nightly").refusal
    assert 'password authentication failed for user "espalier_jobs"' in refusal
    assert "geheim" not in refusal


def test_status_tells_of_a_server_that_does_not_answer(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:geheim@127.0.0.1:{port}/d")
    answer = done("status", "--json")
    assert answer.json["site"]["home"] == str(nowhere)
    assert f"port {port} failed: Connection refused" in answer.json["domains"][0]["problem"]
    assert "geheim" not in answer.out


@pytest.mark.usefixtures("nowhere")
def test_an_occupied_port_is_named_with_its_holder_and_the_next_one() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        refusal = call("up", "--port", str(port)).refusal
    assert refusal.startswith(f"port {port} on 127.0.0.1 is occupied")
    assert f"`espalier up --port {port + 1}`" in refusal


def test_a_server_that_is_too_old_is_refused_with_its_version(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = conninfo_to_dict(urls(server)["migrator"])
    with claiming("15.8", server.socket_folder / ".s.PGSQL.5432") as port:
        address = f"postgresql://{parts['user']}:{parts['password']}@127.0.0.1:{port}/espalier"
        monkeypatch.setenv("DATABASE_URL", address)
        refusal = call("migrate").refusal
    assert re.search(rf"espalier on 127.0.0.1:{port}: .*PostgreSQL 15.8, needed is 16 or later; upgrade", refusal)
    assert str(parts["password"]) not in refusal


def test_a_server_without_pgvector_is_refused_with_what_a_superuser_must_do(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(urls(server)["bootstrap"], autocommit=True, dbname="postgres") as admin:
        admin.execute("CREATE DATABASE bare TEMPLATE template0 OWNER espalier_migrator")
    monkeypatch.setenv("DATABASE_URL", urls(server)["migrator"].replace("/espalier?", "/bare?"))
    refusal = call("migrate").refusal
    assert "is on the server, not in this database, and role espalier_migrator may not create it" in refusal
    assert refusal.endswith("CREATE EXTENSION vector SCHEMA extensions")


@pytest.fixture
def ordinary(request: pytest.FixtureRequest) -> str:
    """The name of an ordinary OS user: a second one where root runs the tests, else the one who runs them."""
    user: OsUser | None = request.getfixturevalue("stranger") if IS_ROOT else None
    return user.name if user else "-"


@pytest.fixture
def closed_homes(open_folder: Path, ordinary: str) -> dict[str, Path]:
    """Homes that the ordinary user may not write: below a folder, as a folder, instead of a folder."""
    closed, file = open_folder / f"closed-{uuid.uuid4().hex[:8]}", open_folder / f"file-{uuid.uuid4().hex[:8]}"
    closed.mkdir(mode=0o555)
    file.write_text("")
    if IS_ROOT:
        shutil.chown(closed, ordinary, ordinary)
        shutil.chown(file, ordinary, ordinary)
    return {"below": closed / "home", "itself": closed, "file": file}


def test_an_unwritable_home_is_refused_by_every_command_that_writes(
    closed_homes: dict[str, Path], ordinary: str
) -> None:
    homes = ":".join(str(home) for home in closed_homes.values())
    commands = ["migrate", "demo", "url", "env", "nightly", f"up --port {free_port()}"]
    program = [sys.executable, "-m", "tests.integration.cli_as_ordinary_user", ordinary, homes, *commands]
    ended = subprocess.run(program, cwd=PROJECT, capture_output=True, text=True, check=True)
    answers = {(home, n): Answer(**a) for home, found in json.loads(ended.stdout).items() for n, a in enumerate(found)}
    assert len(answers) == len(closed_homes) * len(commands)
    for (home, _), answer in answers.items():
        assert re.search(rf"{home}\b.*ESPALIER_HOME", answer.refusal)
