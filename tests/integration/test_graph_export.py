"""The export: complete, private, verified, replaced within a day, kept for so many days; and what Dagster is told."""

import csv
import json
import stat
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterInstance
from psycopg.sql import SQL, Identifier

from assets.graph import elements
from assets.graph.export import COLUMNS, Export, export, verify
from orchestration.errors import EspalierError
from orchestration.graph import Graph
from tests import factories
from tests.conftest import Connection, Site
from tests.graph_by_hand import differences
from tests.graph_drainers import drained
from tests.graph_fixtures import Neo4jServer

DAY = datetime(2026, 3, 1, 3, tzinfo=UTC)
HARD_NAME = 'a "b",\n\\N\tç 東'


@pytest.fixture
def connection(graph_site: Site) -> Generator[Connection]:
    """The application's connection to a small curriculum that has been drained."""
    with graph_site.connect() as connection:
        factories.users(connection, "ann", "bob")
        factories.concept(connection, "c1", name=HARD_NAME, domain="algebra")
        factories.concept(connection, "c2", domain="")
        factories.concept(connection, "c3")
        factories.prerequisite(connection, "c2", "c1")
        for concept, score in (("c1", 0.1), ("c2", 1e-7), ("c3", 1.0)):
            factories.mastery(connection, "ann", concept, score)
        drained(graph_site)
        yield connection


def exported(site: Site, at: datetime = DAY) -> Export:
    """Export the graph of a site."""
    return export(site.postgres, Graph(site.settings), as_of=at)


def test_every_element_is_in_its_file_and_the_manifest_tells_how_many(graph_site: Site, connection: Connection):
    made = exported(graph_site)
    assert made.folder == graph_site.settings.home / "exports" / "graph" / "2026-03-01"
    manifest = json.loads((made.folder / "manifest.json").read_text())
    assert (manifest["as_of"], manifest["epoch"]) == ("2026-03-01T03:00:00+00:00", made.epoch)
    rows = {name: sheet["rows"] for name, sheet in manifest["files"].items()}
    assert rows == {"concepts": 3, "domains": 1, "users": 1, "part_of": 1, "prerequisite_of": 1, "mastered_by": 3}
    with (made.folder / "mastered_by.csv").open(newline="") as file:
        head, *read = csv.reader(file)
    assert head == ["user", "concept", "score", "updatedAt"]
    assert [(user, concept, float(score)) for user, concept, score, _ in read] == [
        ("ann", "c1", 0.1),
        ("ann", "c2", 1e-7),
        ("ann", "c3", 1.0),
    ]


def test_postgres_reads_the_files_back_as_they_were(graph_site: Site, connection: Connection):
    """NULL, an empty string and a name with every kind of sign are told apart."""
    made = exported(graph_site)
    for name, columns in COLUMNS.items():
        table = SQL("CREATE TEMP TABLE {} ({})").format(
            Identifier(name), SQL(", ").join(SQL("{} text").format(Identifier(column)) for column in columns)
        )
        connection.execute(table)
        statement = SQL("COPY pg_temp.{} FROM STDIN (FORMAT csv, HEADER match)").format(Identifier(name))
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write((made.folder / f"{name}.csv").read_bytes())
    read = connection.execute("SELECT id, name, domain FROM pg_temp.concepts ORDER BY id").fetchall()
    assert [tuple(row.values()) for row in read] == [
        ("c1", HARD_NAME, "algebra"),
        ("c2", "Concept c2", ""),
        ("c3", "Concept c3", None),
    ]


def test_only_the_owner_may_read_it_and_nothing_in_it_is_secret(graph_site: Site, connection: Connection):
    made = exported(graph_site)
    password = graph_site.settings.neo4j().password.get_secret_value()
    for folder in (made.folder, made.folder.parent, made.folder.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in made.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert password not in path.read_text()


def test_an_export_of_the_same_day_is_replaced_and_equal_graphs_give_equal_files(
    graph_site: Site, connection: Connection
):
    first, again = exported(graph_site), exported(graph_site)
    assert (first.folder, first.sheets) == (again.folder, again.sheets)
    connection.execute("UPDATE concepts SET name = 'Renamed' WHERE id = 'c1'")
    drained(graph_site)
    changed = exported(graph_site)
    assert {n for n, sheet in changed.sheets.items() if sheet != first.sheets[n]} == {"concepts"}
    assert [path.name for path in changed.folder.parent.iterdir()] == ["2026-03-01"]


def test_exports_are_kept_for_as_long_as_the_policy_says(graph_site: Site, connection: Connection):
    home = exported(graph_site, DAY - timedelta(days=31)).folder.parent
    exported(graph_site, DAY - timedelta(days=30))
    (home / ".2026-01-01").mkdir()
    (home / "kept by hand").mkdir()
    exported(graph_site)
    assert sorted(path.name for path in home.iterdir()) == ["2026-01-30", "2026-03-01", "kept by hand"]


@pytest.mark.parametrize("spoil", ["flip", "cut", "delete", "no manifest"])
def test_an_export_that_was_spoilt_is_noticed(tmp_path: Path, graph_site: Site, connection: Connection, spoil: str):
    folder = exported(graph_site).folder
    path = folder / ("manifest.json" if spoil == "no manifest" else "mastered_by.csv")
    content = path.read_bytes()
    path.write_bytes(content.replace(b"ann", b"anm", 1) if spoil == "flip" else content[:-5])
    if spoil in ("delete", "no manifest"):
        path.unlink()
    with pytest.raises(EspalierError, match=f"{path.name}: .*export again"):
        verify(folder)


def materialized(site: Site, instance: DagsterInstance, *names: str, **options: Any) -> dg.ExecuteInProcessResult:
    """Materialize assets of the graph as Dagster does."""
    resources = {
        "postgres": dg.ResourceDefinition.hardcoded_resource(site.postgres),
        "graph": dg.ResourceDefinition.hardcoded_resource(Graph(site.settings)),
    }
    return dg.materialize(
        [*elements.ASSETS],
        selection=[elements.key(name) for name in names] or None,
        resources=resources,
        instance=instance,
        **options,
    )


def verdicts(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    """Give which checks passed, by asset and name."""
    return {f"{e.asset_key.to_user_string()}:{e.check_name}": e.passed for e in result.get_asset_check_evaluations()}


def test_a_nightly_run_repairs_the_graph_evaluates_its_checks_and_exports_it(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer, instance: DagsterInstance
):
    connection.execute("UPDATE concepts SET domain = 'd'")
    factories.prerequisite(connection, "c1", "c2")
    drained(graph_site)
    neo4j_server.run("MATCH (u:User)-[m:MASTERED_BY]->(:Concept {id: 'c2'}) SET m.score = 0.5")
    result = materialized(graph_site, instance)
    assert differences(connection, neo4j_server.run) == []
    failed = {name for name, passed in verdicts(result).items() if not passed}
    assert failed == {"graph/mastered_by:drift_found", "graph/prerequisite_of:prerequisite_cycles"}
    assert len(verdicts(result)) == 13
    cycles = next(e for e in result.get_asset_check_evaluations() if e.check_name == "prerequisite_cycles")
    assert cycles.metadata["paths"].value == f"- {HARD_NAME} → Concept c2 → {HARD_NAME}"
    events = [e.materialization for e in result.get_asset_materialization_events() if e.is_step_event]
    assert {m.asset_key.to_user_string() for m in events} == {f"graph/{n}" for n in (*elements.KINDS, "export")}
    again = materialized(graph_site, instance)
    assert {name for name, passed in verdicts(again).items() if not passed} == failed - {
        "graph/mastered_by:drift_found"
    }


def test_one_kind_is_reconciled_alone(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer, instance: DagsterInstance
):
    neo4j_server.run("MATCH (c:Concept) SET c.difficulty = -1")
    result = materialized(graph_site, instance, "part_of")
    assert verdicts(result) == {
        "graph/part_of:concepts_without_domain": False,
        "graph/part_of:drift_found": True,
        "graph/part_of:drift_left": True,
    }
    assert differences(connection, neo4j_server.run) != []


def test_without_a_neo4j_the_run_fails_with_one_line_and_is_not_retried(
    graph_site: Site, connection: Connection, instance: DagsterInstance
):
    settings = graph_site.settings.model_copy(update={"neo4j_uri": "bolt://127.0.0.1:1"})
    site = Site(graph_site.server, graph_site.database, settings)
    result = materialized(site, instance, "concepts", "export", raise_on_error=False)
    (failure,) = [e for e in result.all_events if e.event_type_value == "STEP_FAILURE"]
    assert "cannot connect to Neo4j at bolt://127.0.0.1:1" in str(failure.event_specific_data)
    assert not [e for e in result.all_events if e.event_type_value == "STEP_UP_FOR_RETRY"]
