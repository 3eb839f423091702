"""The commands on the demo: what they print, what they start and stop, what they leave as runs."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import neo4j
import psycopg
import pytest
from neo4j.exceptions import DriverError, Neo4jError

from orchestration.cli.runs import dagster_instance
from orchestration.servers.neo4j import EmbeddedNeo4j
from orchestration.servers.postgres import EmbeddedPostgres
from orchestration.settings import PROJECT, load_settings
from tests.command_line import Answer, call, done, home_in, processes_of, run
from tests.embedded import eventually, postmaster_pid
from tests.ui import free_port

JOBS = ["nightly_community", "nightly_rag", "nightly_graph", "nightly_platform"]
INSTANCE = """
import dagster
with dagster.DagsterInstance.get() as instance:
    print(type(instance.run_storage).__name__, len(instance.get_runs()) >= 3)
"""


@pytest.fixture(scope="module")
def demo(open_folder: Path) -> Generator[tuple[Path, Answer]]:
    """A home in which the demo has run, although DATABASE_URL names something else; its server stopped."""
    with home_in(open_folder, "demo") as home, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", "mysql://nobody:geheim@nowhere/nothing")
        patch.setenv("NEO4J_URI", "bolt://nowhere")
        answer = call("demo")
        assert processes_of(home) == set()
        assert EmbeddedNeo4j(home).connection_file.exists()
        for name in ("DATABASE_URL", "NEO4J_URI"):
            patch.delenv(name, raising=False)
        yield home, answer


@pytest.fixture
def home(demo: tuple[Path, Answer]) -> Path:
    """The demo's home, with its server running as `espalier url` leaves it."""
    done("url")
    return demo[0]


@pytest.fixture
def fresh(open_folder: Path) -> Generator[Path]:
    """A home that does not exist yet."""
    with home_in(open_folder, "fresh") as home:
        yield home


def rows_written(report: dict[str, Any]) -> dict[str, int]:
    """Give the rows that each asset of a run wrote; the platform's write none."""
    return {key: figures["rows_written"] for key, figures in report["assets"].items() if "rows_written" in figures}


def test_without_a_command_it_shows_the_help() -> None:
    for answer in (done(), done("--help")):
        assert "Usage: espalier" in answer.out
        assert "materialize" in answer.out


def test_the_demo_runs_every_nightly_job_and_names_the_next_command(demo: tuple[Path, Answer]) -> None:
    answer = demo[1]
    assert (answer.code, "geheim" in answer.err) == (0, False)
    assert all(f"{job}: done in " in answer.out for job in JOBS)
    assert "rows of demo data" in answer.out
    assert "make up" in answer.out.splitlines()[-1]


def test_progress_is_lines_where_there_is_no_terminal(demo: tuple[Path, Answer]) -> None:
    lines = demo[1].err.splitlines()
    assert "Loading demo data ..." in lines[:2]  # what is fetched once for the machine is told before
    assert any(line.startswith("  community/vote_graph done (") for line in lines)
    assert "\x1b" not in demo[1].err + demo[1].out


@pytest.mark.usefixtures("home")
def test_the_demo_a_second_time_loads_and_writes_nothing() -> None:
    answer = done("demo", "--json").json
    assert answer["loaded"] == {}
    assert {report["job"]: report["succeeded"] for report in answer["runs"]} == dict.fromkeys(JOBS, True)
    written = {key: rows for report in answer["runs"] for key, rows in rows_written(report).items()}
    assert {written[key] for key in ("community/vote_graph", "community/xp_ledger", "rag/rag_metrics_history")} == {0}


def test_status_starts_nothing_and_makes_nothing(fresh: Path) -> None:
    servers = dict.fromkeys(("ui", "daemon", "postgres", "neo4j", "graph sync"), "stopped")
    assert done("status", "--json").json == {"site": {"home": str(fresh)} | servers, "domains": []}
    assert "stopped" in done("status").out
    assert (fresh.exists(), processes_of(fresh)) == (False, set())


def test_status_tells_the_revision_of_each_domain(home: Path) -> None:
    status = done("status", "--json").json
    assert (status["site"]["home"], status["site"]["postgres"]) == (str(home), "running")
    found = {row["domain"]: (row["schema"], row["revision"], row["pending"]) for row in status["domains"]}
    assert {name: row[2] for name, row in found.items()} == {"community": 0, "rag": 0}
    text = done("status").out
    assert all(row[1] in text for row in found.values())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ("espalier", "espalier_migrator")),
        (["postgres", "--role", "jobs"], ("espalier", "espalier_jobs")),
        (["dagster"], ("dagster", "espalier_dagster")),
    ],
)
@pytest.mark.usefixtures("home")
def test_url_prints_what_psycopg_takes(arguments: list[str], expected: tuple[str, str]) -> None:
    address = done("url", *arguments).out.strip()
    assert done("url", *arguments, "--json").json == {"url": address}
    with psycopg.connect(address) as connection:
        assert connection.execute("SELECT current_database()::text, current_user::text").fetchone() == expected


def test_url_starts_the_server_and_down_ends_all_that_runs(fresh: Path) -> None:
    done("url")
    assert EmbeddedPostgres(fresh).is_running()
    assert processes_of(fresh) != set()
    assert done("down").out == "Stopped postgres.\n"
    assert processes_of(fresh) == set()
    assert done("down").out == "Nothing was running.\n"


@pytest.mark.usefixtures("home")
def test_env_is_all_that_dagster_needs() -> None:
    script = 'eval "$1"; exec "$2" -c "$3"'
    command = ["bash", "-euc", script, "bash", done("env").out, sys.executable, INSTANCE]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PROJECT)
    assert ended.stdout == "PostgresRunStorage True\n"


@pytest.fixture
def psql(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Call psql; it would take the place of this process, so a child stands in for it."""

    def execve(program: Path, arguments: list[str], environment: dict[str, str]) -> None:
        assert home.is_dir()
        ended = subprocess.run([program, *arguments[1:]], env=environment, capture_output=True, text=True, check=False)
        print(ended.stdout, end="")
        print(ended.stderr, end="", file=sys.stderr)
        sys.exit(ended.returncode)

    monkeypatch.setattr(os, "execve", execve)
    return lambda *arguments: call("psql", *arguments)


def test_psql_is_handed_what_follows_and_sees_the_domains(psql: Callable[..., Answer]) -> None:
    answer = psql("--", "-Atc", "SELECT count(*) FROM vote_graph", "-c", "SELECT count(*) FROM ai_dialogue_log")
    assert (answer.code, answer.err) == (0, "")
    assert all(int(line) > 0 for line in answer.out.splitlines())
    assert psql("--", "-c", "SELECT nonsense").code == 1


@pytest.mark.parametrize(
    ("arguments", "who"),
    [
        ([], "espalier_migrator|espalier|UTC"),
        (["--role", "jobs"], "espalier_jobs|espalier|UTC"),
        (["--database", "dagster"], "espalier_dagster|dagster|UTC"),
    ],
)
def test_psql_connects_as_the_role_that_is_asked_for(
    psql: Callable[..., Answer], arguments: list[str], who: str
) -> None:
    question = "SELECT current_user, current_database(), current_setting('TimeZone')"
    assert psql(*arguments, "--", "-Atc", question).out == f"{who}\n"


@pytest.mark.usefixtures("home")
def test_psql_takes_the_place_of_the_command() -> None:
    answer = run("psql", "--", "-Atc", "TABLE espalier.domains")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines() == ["community|community|", "rag|rag|"]


@pytest.mark.usefixtures("home")
def test_materialize_runs_one_asset() -> None:
    answer = done("materialize", "community/vote_graph")
    assert "community/vote_graph: done in" in answer.out
    (report,) = done("materialize", "community/vote_graph", "--json").json
    assert list(report["assets"]) == ["community/vote_graph"]
    assert rows_written(report) == {"community/vote_graph": 0}


@pytest.mark.usefixtures("home")
def test_what_runs_is_a_run_that_the_ui_shows() -> None:
    (report,) = done("materialize", "rag/rag_metrics_history", "--partition", "2026-03-01", "--json").json
    with dagster_instance(load_settings()) as instance:
        run = instance.get_run_by_id(report["run_id"])
    assert run
    assert (run.is_success, run.tags["dagster/partition"]) == (True, "2026-03-01")
    assert run.remote_job_origin
    location = run.remote_job_origin.repository_origin.code_location_origin
    assert location.location_name == "orchestration.definitions"


@pytest.mark.usefixtures("home")
def test_backfill_is_a_single_run_over_its_days() -> None:
    asked = ("backfill", "rag/rag_metrics_history", "--from", "2025-05-01", "--to", "2025-05-05", "--json")
    (report,) = done(*asked).json
    assert report["assets"]["rag/rag_metrics_history"]["days"] == 5
    assert rows_written(report) == {"rag/rag_metrics_history": 5}
    assert rows_written(done(*asked).json[0]) == {"rag/rag_metrics_history": 0}


@pytest.mark.usefixtures("home")
def test_nightly_runs_one_job_or_all() -> None:
    (report,) = done("nightly", "nightly_rag", "--json").json
    days = load_settings().rag.late_days + 1
    assert (report["job"], report["assets"]["rag/rag_metrics_history"]["days"]) == ("nightly_rag", days)
    answer = done("nightly")
    assert all(f"{job}: done in" in answer.out for job in JOBS)


@pytest.mark.usefixtures("home")
def test_a_run_that_fails_is_told_in_a_line_and_ends_with_1() -> None:
    with psycopg.connect(done("url").out.strip()) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('community/vote_graph', 20260101))")
        answer = call("materialize", "community/vote_graph")
    assert answer.code == 1
    assert answer.out.startswith("community/vote_graph: FAILED in ")
    assert answer.err.startswith("espalier: community/vote_graph: community/vote_graph: another run is writing it")
    assert answer.err.count("\n") == 1


@pytest.mark.usefixtures("home")
def test_a_run_that_is_refused_ends_with_2_and_says_so_beside_the_json() -> None:
    with psycopg.connect(done("url").out.strip(), autocommit=True) as connection:
        connection.execute("ALTER TABLE community.answer_votes RENAME TO answer_votes_away")
        answer = call("materialize", "community/vote_graph", "--json")
        connection.execute("ALTER TABLE community.answer_votes_away RENAME TO answer_votes")
    (report,) = answer.json
    assert (answer.code, report["refused"]) == (2, True)
    assert "schema community: no table answer_votes" in answer.err
    assert answer.err.count("\n") == 1


def test_up_keeps_the_graph_equal_until_down_though_neo4j_is_killed(home: Path) -> None:
    assert run("up", "--port", str(free_port())).code == 0
    address, status = done("url", "neo4j", "--json").json, done("status", "--json").json["site"]
    assert (status["neo4j"], status["graph sync"]) == ("running", "running")
    with psycopg.connect(done("url").out.strip(), autocommit=True) as connection:
        add_concept(connection, "before")
        eventually(lambda: has_concept(address, "before"))
        killed = EmbeddedNeo4j(home).pid
        assert killed
        os.kill(killed, signal.SIGKILL)
        add_concept(connection, "after")
        eventually(lambda: has_concept(address, "after"), seconds=90)
    assert done("down").out == "Stopped daemon, graph-sync, webserver, neo4j, postgres.\n"
    assert processes_of(home) == set()


def add_concept(connection: psycopg.Connection[Any], name: str) -> None:
    connection.execute(
        'INSERT INTO community.concepts (id, name, "updatedAt") VALUES (%(name)s, %(name)s, now())', {"name": name}
    )


def has_concept(address: dict[str, str], name: str) -> bool:
    """Tell whether a concept is in the graph; a server on its way up has none."""
    auth = (address["user"], address["password"])
    open_driver: Callable[..., neo4j.Driver] = neo4j.GraphDatabase.driver
    try:
        with open_driver(address["uri"], auth=auth) as driver, driver.session() as session:
            return session.run("MATCH (c:Concept {id: $name}) RETURN c.id", name=name).single() is not None
    except (DriverError, Neo4jError):
        return False


def test_a_command_leaves_a_server_that_it_did_not_start(home: Path) -> None:
    before = postmaster_pid(EmbeddedPostgres(home))
    done("materialize", "community/vote_graph")
    assert postmaster_pid(EmbeddedPostgres(home)) == before
    assert EmbeddedPostgres(home).is_running()
