"""The command `migrate`: up, down, as a script; when it asks before rows are lost, and where it puts them."""

from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

from migrations import runner
from orchestration.settings import load_settings
from tests import factories
from tests.command_line import call, done, home_in, processes_of
from tests.factories import Connection

HEADS = {domain: runner.head(domain) for domain in load_settings().domains}


@pytest.fixture(scope="module")
def running(open_folder: Path) -> Generator[Path]:
    """A home whose server is kept running; nothing has been migrated in it before these tests."""
    with home_in(open_folder, "migrate") as home:
        done("url")
        yield home


@pytest.fixture
def home(running: Path) -> Path:
    """The home with both domains at their heads, and without a row."""
    done("migrate", "--domain", "rag", "--to", "base", "--yes-delete-data")
    done("migrate")
    return running


@pytest.fixture
def rag(home: Path) -> Generator[Connection]:
    """A connection that sees the domain rag of the home."""
    assert home.is_dir()
    with psycopg.connect(done("url").out.strip(), autocommit=True) as connection:
        connection.execute("SET search_path = rag, extensions")
        yield connection


def revisions() -> dict[str, str]:
    """Tell where each domain is, as `status` does."""
    return {row["domain"]: row["revision"] for row in done("status", "--json").json["domains"]}


def test_migrate_takes_every_domain_of_an_empty_site_to_its_head(open_folder: Path) -> None:
    with home_in(open_folder, "empty") as home:
        answer = done("migrate")
        assert all(f"{domain} in schema {domain}: base to {head}" in answer.out for domain, head in HEADS.items())
        assert "rag_0001 applied (" in answer.err
        assert processes_of(home) == set()


@pytest.mark.usefixtures("home")
def test_migrate_at_the_head_changes_nothing_and_reports_as_json() -> None:
    assert revisions() == HEADS
    reports = done("migrate", "--json").json
    assert [(report["domain"], report["steps"]) for report in reports] == [(domain, []) for domain in HEADS]
    assert all(report["to_revision"] == HEADS[report["domain"]] for report in reports)


@pytest.mark.usefixtures("home")
def test_one_domain_goes_down_and_up_without_being_asked_when_no_row_is_lost() -> None:
    answer = done("migrate", "--domain", "rag", "--to", "base")
    assert "rag in schema rag: rag_" in answer.out
    assert "rag_0000 taken back" in answer.err
    assert revisions() == {"community": HEADS["community"], "rag": "not set up"}
    assert done("migrate", "--domain", "rag", "--to", "0002", "--json").json[0]["to_revision"] == "rag_0002"
    done("migrate", "--domain", "rag")
    assert revisions() == HEADS


def test_going_down_over_rows_is_refused_with_their_number_and_nothing_is_changed(rag: Connection) -> None:
    factories.dialogue(rag, factories.learner(rag))
    line = call("migrate", "--domain", "rag", "--to", "base").refusal
    assert "would delete 2 rows that cannot be derived again (ai_dialogue_log 1, users 1)" in line
    assert "--yes-delete-data" in line
    assert revisions() == HEADS


def test_rows_are_dumped_to_the_path_that_is_printed_before_they_are_deleted(rag: Connection, home: Path) -> None:
    factories.dialogue(rag, factories.learner(rag), query="How do I hold\nthe bow?")
    answer = done("migrate", "--domain", "rag", "--to", "base", "--yes-delete-data")
    line = next(line for line in answer.out.splitlines() if "ai_dialogue_log" in line)
    path = Path(line.split(" were written to ")[1].split(" before ")[0])
    assert "1 rows were written to" in line
    assert path.is_relative_to(home / "dumps")
    assert "How do I hold\nthe bow?" in path.read_text()
    assert revisions()["rag"] == "not set up"


def test_sql_prints_what_would_be_run_and_starts_no_server(open_folder: Path) -> None:
    with home_in(open_folder, "script") as home:
        script = done("migrate", "--domain", "rag", "--sql").out
        down = done("migrate", "--domain", "rag", "--to", "base", "--sql").out
        assert (home.exists(), processes_of(home)) == (False, set())
    assert "CREATE TABLE ai_dialogue_log" in script
    assert "DROP TABLE ai_dialogue_log" in down


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--domain", "lms"], "--domain 'lms' is not enabled here; ESPALIER_DOMAINS has community, rag"),
        (["--to", "rag_0002"], "--to rag_0002 is a revision of one domain: add --domain, one of community, rag"),
        (["--domain", "rag", "--to", "rag_9999"], "rag: no revision 'rag_9999'; known are base, rag_0000, "),
        (["--domain", "rag", "--to", "-99"], "-99"),
    ],
)
@pytest.mark.usefixtures("home")
def test_an_unknown_domain_or_revision_is_named_with_those_that_exist(arguments: list[str], found: str) -> None:
    assert found in call("migrate", *arguments).refusal
