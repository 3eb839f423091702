"""The reconciliation: every kind of drift is found by its name and repaired, and nothing else is touched.

Drift is planted by plain Cypher; what the graph must be is worked out in `tests/graph_by_hand.py`.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any, LiteralString

import pytest

from assets.graph import compare, verdict
from assets.graph.reconcile import BoundExceeded, Reconciliation, reconcile
from orchestration.graph import Graph
from tests import factories
from tests.conftest import Connection, Site
from tests.graph_by_hand import differences
from tests.graph_drainers import drained, marks
from tests.graph_fixtures import Neo4jServer

LEARNERS, CONCEPTS = 12, 8


@pytest.fixture
def connection(graph_site: Site) -> Generator[Connection]:
    """The application's connection to a small curriculum that has been drained."""
    with graph_site.connect() as connection:
        for n in range(CONCEPTS):
            factories.concept(connection, f"c{n}", domain="algebra" if n < 4 else "geometry", difficulty=n)
        for n in range(1, CONCEPTS):
            factories.prerequisite(connection, f"c{n}", f"c{n - 1}")
        for n in range(LEARNERS):
            factories.user(connection, f"u{n}")
            for m in range(4):
                factories.mastery(connection, f"u{n}", f"c{(n + m) % CONCEPTS}", score=(n + 1) / 16)
        drained(graph_site)
        yield connection


def reconciled(site: Site, **options: Any) -> Reconciliation:
    """Reconcile the graph of a site."""
    return reconcile(site.postgres, Graph(site.settings), **options)


def kinds_of(result: Reconciliation) -> dict[tuple[str, str, str], int]:
    """Count what was found by element, difference and detail."""
    return {(step.element, step.difference, step.detail): step.count for step in result.plan}


# Each drift, and the differences that it is.
DRIFTS: dict[str, tuple[LiteralString, dict[tuple[str, str, str], int]]] = {
    "a deleted edge": (
        "MATCH (:User {id: 'u1'})-[m:MASTERED_BY]->(:Concept {id: 'c2'}) DELETE m",
        {("mastered_by", "missing", ""): 1},
    ),
    "an added edge": (
        "MATCH (u:User {id: 'u1'}), (c:Concept {id: 'c7'}) CREATE (u)-[:MASTERED_BY {score: 0.5, updatedAt: 1}]->(c)",
        {("mastered_by", "extra", ""): 1},
    ),
    "a changed score": (
        "MATCH (:User {id: 'u1'})-[m:MASTERED_BY]->(:Concept {id: 'c2'}) SET m.score = m.score + 1e-12",
        {("mastered_by", "stale", ""): 1},
    ),
    "a score that is a string": (
        "MATCH (:User {id: 'u1'})-[m:MASTERED_BY]->(:Concept {id: 'c2'}) SET m.score = toString(m.score)",
        {("mastered_by", "stale", ""): 1},
    ),
    "a time that is a float": (
        "MATCH (:User {id: 'u1'})-[m:MASTERED_BY]->(:Concept {id: 'c2'}) SET m.updatedAt = toFloat(m.updatedAt)",
        {("mastered_by", "stale", ""): 1},
    ),
    "a score that is gone": (
        "MATCH (:User {id: 'u1'})-[m:MASTERED_BY]->(:Concept {id: 'c2'}) REMOVE m.score",
        {("mastered_by", "stale", ""): 1},
    ),
    "another type of edge": (
        "MATCH (u:User {id: 'u1'})-[m:MASTERED_BY]->(c:Concept {id: 'c2'}) "
        "CREATE (u)-[:HAS_MASTERED {score: m.score, updatedAt: m.updatedAt}]->(c) DELETE m",
        {("mastered_by", "missing", ""): 1, ("mastered_by", "extra", "wrong_type"): 1},
    ),
    "an edge that is doubled": (
        "MATCH (u:User {id: 'u1'})-[m:MASTERED_BY]->(c:Concept {id: 'c2'}) "
        "CREATE (u)-[:MASTERED_BY {score: m.score, updatedAt: m.updatedAt}]->(c)",
        {("mastered_by", "duplicate", ""): 1},
    ),
    "an edge that is tripled, the copies stale": (
        "MATCH (u:User {id: 'u1'})-[m:MASTERED_BY]->(c:Concept {id: 'c2'}) "
        "CREATE (u)-[:MASTERED_BY {score: 0.0}]->(c) CREATE (u)-[:MASTERED_BY]->(c)",
        {("mastered_by", "duplicate", ""): 2},
    ),
    "an edge from a concept to a user": (
        "MATCH (u:User {id: 'u1'})-[m:MASTERED_BY]->(c:Concept {id: 'c2'}) "
        "CREATE (c)-[:MASTERED_BY {score: m.score, updatedAt: m.updatedAt}]->(u) DELETE m",
        {("mastered_by", "missing", ""): 1, ("mastered_by", "extra", "wrong_direction"): 1},
    ),
    "a prerequisite that runs the other way": (
        "MATCH (a:Concept {id: 'c1'})-[p:PREREQUISITE_OF]->(b:Concept {id: 'c2'}) "
        "CREATE (b)-[:PREREQUISITE_OF]->(a) DELETE p",
        {("prerequisite_of", "missing", ""): 1, ("prerequisite_of", "extra", "wrong_direction"): 1},
    ),
    "a part that runs the other way": (
        "MATCH (c:Concept {id: 'c1'})-[p:PART_OF]->(d:Domain) CREATE (d)-[:PART_OF]->(c) DELETE p",
        {("part_of", "missing", ""): 1, ("part_of", "extra", "wrong_direction"): 1},
    ),
    "an edge to a node without a label": (
        "MATCH (u:User {id: 'u1'}) CREATE (u)-[:MASTERED_BY {score: 1.0, updatedAt: 1}]->({id: 'c7'})",
        {("mastered_by", "extra", "orphan"): 1, ("other", "extra", "wrong_label"): 1},
    ),
    "an edge to a concept without a key": (
        "MATCH (u:User {id: 'u1'}) CREATE (u)-[:MASTERED_BY {score: 1.0, updatedAt: 1}]->(:Concept {name: 'none'})",
        {("mastered_by", "extra", "orphan"): 1, ("concept", "extra", "no_key"): 1},
    ),
    "an edge to a concept whose key is a number": (
        "MATCH (u:User {id: 'u1'}) CREATE (u)-[:MASTERED_BY {score: 1.0, updatedAt: 1}]->(:Concept {id: 7})",
        {("mastered_by", "extra", "orphan"): 1, ("concept", "extra", "no_key"): 1},
    ),
    "a node of another label": (
        "MATCH (u:User {id: 'u1'}) REMOVE u:User SET u:Person",
        {
            ("user", "missing", ""): 1,
            ("other", "extra", "wrong_label"): 1,
            ("mastered_by", "missing", ""): 4,
            ("mastered_by", "extra", "orphan"): 4,
        },
    ),
    "a label too many": (
        "MATCH (c:Concept {id: 'c1'}) SET c:Topic",
        {("concept", "extra", "wrong_label"): 1},
    ),
    "a concept that is a user too": (
        "CREATE (:Concept:User {id: 'both'})",
        {
            ("other", "extra", "wrong_label"): 1,
            ("concept", "extra", ""): 1,
            ("user", "extra", ""): 1,
        },
    ),
    "a renamed concept": (
        "MATCH (c:Concept {id: 'c1'}) SET c.name = 'Another'",
        {("concept", "stale", ""): 1},
    ),
    "a deleted concept": (
        "MATCH (c:Concept {id: 'c7'}) DETACH DELETE c",
        {
            ("concept", "missing", ""): 1,
            ("part_of", "missing", ""): 1,
            ("prerequisite_of", "missing", ""): 1,
            ("mastered_by", "missing", ""): 4,
        },
    ),
    "an added concept": ("CREATE (:Concept {id: 'c99', name: 'Never'})", {("concept", "extra", ""): 1}),
    "an added user": ("CREATE (:User {id: 'nobody'})", {("user", "extra", ""): 1}),
    "an added domain": ("CREATE (:Domain {name: 'nowhere'})", {("domain", "extra", ""): 1}),
    "a part of another domain": (
        "MATCH (c:Concept {id: 'c1'})-[p:PART_OF]->(:Domain {name: 'algebra'}), (d:Domain {name: 'geometry'}) "
        "CREATE (c)-[:PART_OF]->(d) DELETE p",
        {("part_of", "missing", ""): 1, ("part_of", "extra", ""): 1},
    ),
    "a deleted domain": (
        "MATCH (d:Domain {name: 'geometry'}) DETACH DELETE d",
        {("domain", "missing", ""): 1, ("part_of", "missing", ""): 4},
    ),
    "a doubled user, where somebody dropped the constraint": (
        "CREATE (:User {id: 'u1'})",
        {("user", "duplicate", ""): 1},
    ),
    "a doubled user, the edges at the later one, where somebody dropped the constraint": (
        "MATCH (u:User {id: 'u1'})-[m:MASTERED_BY]->(c:Concept) WITH u, collect([c, properties(m)]) AS edges "
        "DETACH DELETE u CREATE (:User {id: 'u1'}) CREATE (late:User {id: 'u1'}) "
        "FOREACH (edge IN edges | FOREACH (c IN [edge[0]] | "
        "CREATE (late)-[m:MASTERED_BY]->(c) SET m = edge[1]))",
        {("user", "duplicate", ""): 1},
    ),
    "a stranger": (
        "CREATE (:Cat)-[:SEES]->(:Cat)",
        {("other", "extra", "wrong_label"): 2, ("other", "extra", "orphan"): 1},
    ),
}


@pytest.mark.parametrize("part", range(3))
def test_every_kind_of_drift_is_found_by_its_name_and_repaired(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer, part: int
):
    for name, (drift, expected) in list(DRIFTS.items())[part::3]:
        if "constraint" in name:
            neo4j_server.run("DROP CONSTRAINT espalier_user_id")
        neo4j_server.run(drift)
        planned = reconciled(graph_site, dry_run=True)
        assert kinds_of(planned) == expected, name
        repaired = reconciled(graph_site)
        assert differences(connection, neo4j_server.run) == [], name
        assert (repaired.found, repaired.repaired, repaired.left) == (planned.found, planned.found, 0), name
    again = reconciled(graph_site)
    assert (again.found, again.repaired, again.left, again.in_flight) == (0, 0, 0, 0)
    assert marks(connection) == []


def snapshot(server: Neo4jServer) -> list[dict[str, Any]]:
    """Read all that the graph holds, by element id."""
    nodes = server.run(
        "MATCH (n) WHERE NOT n:_Espalier RETURN elementId(n) AS id, labels(n) AS what, properties(n) AS is ORDER BY id"
    )
    edges = server.run("MATCH ()-[r]->() RETURN elementId(r) AS id, type(r) AS what, properties(r) AS is ORDER BY id")
    return nodes + edges


SEVERAL: LiteralString = """
    MATCH (u:User)-[m:MASTERED_BY]->(c:Concept) WHERE u.id IN ['u1', 'u2', 'u3'] AND c.id IN ['c2', 'c4']
    CREATE (c)-[:MASTERED_BY]->(u) CREATE (u)-[:MASTERED_BY {score: -1.0}]->(c) SET m.score = -1.0
"""


def test_a_dry_run_gives_the_plan_and_changes_nothing(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    neo4j_server.run(SEVERAL)
    factories.concept(connection, "new")
    before, waiting = snapshot(neo4j_server), marks(connection)
    planned = reconciled(graph_site, dry_run=True)
    assert planned.stale > 0
    assert planned.duplicate == planned.extra == planned.stale
    assert (planned.repaired, planned.left, planned.in_flight) == (0, planned.found, 1)
    assert {step.action for step in planned.plan} == {"mark the key dirty and drain", "remove it by its element id"}
    assert snapshot(neo4j_server) == before
    assert marks(connection) == waiting
    rows = connection.execute("SELECT * FROM espalier.graph_drift WHERE run_id = %s", [planned.run_id]).fetchall()
    assert len(rows) == planned.found + planned.in_flight
    stale = next(row for row in rows if row["difference"] == "stale")
    assert stale["found"]["score"] == -1
    assert stale["expected"]["score"] > 0


def test_above_the_bound_it_stops_says_how_to_go_on_and_has_changed_nothing(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    neo4j_server.run("MATCH (:User)-[m:MASTERED_BY]->() SET m.score = -1.0")
    before = snapshot(neo4j_server)
    with pytest.raises(BoundExceeded, match=r"^48 of the graph's \d+ elements differ, above the bound of 20; .*--yes"):
        reconciled(graph_site)
    assert snapshot(neo4j_server) == before
    assert marks(connection) == []
    repaired = reconciled(graph_site, bound=1.0)
    assert (repaired.stale, repaired.repaired, repaired.left) == (48, 48, 0)
    assert differences(connection, neo4j_server.run) == []


def test_a_bound_of_nothing_asks_for_every_drift(graph_site: Site, connection: Connection, neo4j_server: Neo4jServer):
    neo4j_server.run("MATCH (c:Concept {id: 'c1'}) SET c.name = 'Another'")
    with pytest.raises(BoundExceeded, match=r"^1 of .* above the bound of 0;"):
        reconciled(graph_site, bound=0.0)


def test_only_what_is_asked_for_is_compared_and_repaired(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    neo4j_server.run("MATCH (c:Concept) SET c.difficulty = -1")
    neo4j_server.run("MATCH (:User)-[m:MASTERED_BY]->(:Concept {id: 'c2'}) SET m.score = -1.0")
    neo4j_server.run("MATCH (u:User {id: 'u7'})-[m:MASTERED_BY]->() DELETE m")
    neo4j_server.run("MATCH (c:Concept {id: 'c2'})-[p:PREREQUISITE_OF]->() DELETE p")
    user = reconciled(graph_site, user="u7")
    assert kinds_of(user) == {("mastered_by", "missing", ""): 4}
    concept = reconciled(graph_site, concept="c2")
    assert kinds_of(concept) == {
        ("concept", "stale", ""): 1,
        ("prerequisite_of", "missing", ""): 1,
        ("mastered_by", "stale", ""): 6,
    }
    kind = reconciled(graph_site, kinds=["concepts"])
    assert kinds_of(kind) == {("concept", "stale", ""): CONCEPTS - 1}
    assert {r.left for r in (user, concept, kind)} == {0}
    assert differences(connection, neo4j_server.run) == []


def test_a_change_that_is_on_its_way_is_no_drift(graph_site: Site, connection: Connection, neo4j_server: Neo4jServer):
    factories.mastery(connection, "u1", "c7")
    connection.execute("UPDATE concepts SET name = 'Renamed' WHERE id = 'c1'")
    connection.execute("DELETE FROM users WHERE id = 'u2'")
    waiting = marks(connection)
    looked = reconciled(graph_site, dry_run=True)
    assert looked.found == 0
    assert looked.in_flight == 1 + 1 + 4 + 1
    assert marks(connection) == waiting
    assert reconciled(graph_site).found == 0
    assert differences(connection, neo4j_server.run) == []


def test_a_key_that_is_set_aside_is_in_flight_each_time_and_never_repaired(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    connection.execute(
        "INSERT INTO espalier.graph_outbox (kind, key1, key2, attempts, retry_at, reason)"
        " VALUES ('prerequisite', 'c1', 'c2', 3, now() + interval '1 hour', 'an end of the edge is not in the graph')"
    )
    neo4j_server.run("MATCH (:Concept {id: 'c1'})-[p:PREREQUISITE_OF]->(:Concept {id: 'c2'}) DELETE p")
    for _ in range(2):
        result = reconciled(graph_site)
        assert (result.found, result.in_flight) == (0, 1)
    assert len(marks(connection)) == 1


def test_people_who_are_left_out_are_extra_when_somebody_put_them_in(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    connection.execute("UPDATE users SET \"leaderboardOptOut\" = true WHERE id = 'u3'")
    drained(graph_site)
    neo4j_server.run("MATCH (c:Concept {id: 'c3'}) CREATE (:User {id: 'u3'})-[:MASTERED_BY {score: 0.25}]->(c)")
    result = reconciled(graph_site)
    assert kinds_of(result) == {("user", "extra", ""): 1, ("mastered_by", "extra", ""): 1}
    assert differences(connection, neo4j_server.run) == []


def test_values_that_are_hard_to_compare_are_equal_after_a_drain(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    """Times before 1970, scores that are no number, names with every kind of sign, a blank domain."""
    factories.concept(connection, "odd", name='a "b"\n\\N\tç 東', domain="  ", difficulty=-3)
    connection.execute("UPDATE concepts SET \"createdAt\" = '1969-12-31 23:59:59.999' WHERE id = 'odd'")
    for score, user in (("NaN", "u1"), ("Infinity", "u2"), ("-0", "u3"), ("1e-300", "u4")):
        factories.mastery(connection, user, "odd", score=float(score))
    connection.execute("UPDATE mastery_records SET \"updatedAt\" = 'infinity' WHERE \"userId\" = 'u5'")
    assert (reconciled(graph_site).found, marks(connection)) == (0, [])
    neo4j_server.run("MATCH (:User {id: 'u1'})-[m:MASTERED_BY]->(:Concept {id: 'odd'}) SET m.score = 0.5")
    assert kinds_of(reconciled(graph_site)) == {("mastered_by", "stale", ""): 1}
    assert reconciled(graph_site).found == 0


def test_what_was_found_long_ago_is_forgotten(graph_site: Site, connection: Connection, neo4j_server: Neo4jServer):
    neo4j_server.run("MATCH (c:Concept {id: 'c1'}) SET c.name = 'Another'")
    old = reconciled(graph_site, as_of=datetime.now(UTC) - timedelta(days=40))
    assert old.repaired == 1
    reconciled(graph_site)
    assert connection.execute("SELECT count(*) AS n FROM espalier.graph_drift").fetchall() == [{"n": 0}]


@pytest.mark.parametrize("place", ["graph_compare.read", "graph_compare.suspected", "graph_verdict.read"])
def test_what_is_written_at_any_moment_of_a_reconciliation_is_neither_drift_nor_lost(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer, monkeypatch: pytest.MonkeyPatch, place: str
):
    """A real drift is suspect too, so that every step is taken."""
    neo4j_server.run("MATCH (c:Concept {id: 'c5'}) SET c.name = 'Another'")

    def write(reached: str) -> None:
        if reached == place:
            monkeypatch.undo()
            factories.concept(connection, "new", domain="new")
            factories.mastery(connection, "u1", "new")
            connection.execute("DELETE FROM mastery_records WHERE \"userId\" = 'u2'")
            connection.execute('UPDATE mastery_records SET "masteryScore" = 0.125 WHERE "userId" = \'u3\'')
            connection.execute("UPDATE concepts SET name = 'Renamed' WHERE id = 'c5'")

    for module in (compare, verdict):
        monkeypatch.setattr(module, "failpoint", write)
    result = reconciled(graph_site)
    assert {step.element for step in result.plan if step.state != "in_flight"} <= {"concept"}
    assert result.found == result.repaired <= 1
    assert (result.left, reconciled(graph_site).found) == (0, 0)
    assert differences(connection, neo4j_server.run) == []


@contextmanager
def writing(site: Site) -> Generator[Callable[[], int]]:
    """Have an application write mastery as fast as it can; give how often it did."""
    stop, written = Event(), list[int]()

    def write() -> None:
        with site.connect() as connection:
            while not stop.is_set():
                user, concept = f"u{len(written) % LEARNERS}", f"c{len(written) * 7 % CONCEPTS}"
                connection.execute(
                    'DELETE FROM mastery_records WHERE "userId" = %s AND "conceptId" = %s', [user, concept]
                )
                factories.mastery(connection, user, concept, score=len(written) % 97 / 97)
                written.append(1)

    thread = Thread(target=write)
    thread.start()
    try:
        yield lambda: len(written)
    finally:
        stop.set()
        thread.join()


def test_an_application_that_writes_all_the_while_is_never_reported(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    with writing(graph_site) as count:
        results = [reconciled(graph_site) for _ in range(5)]
        assert count() > 50
    assert [(r.found, r.left) for r in results] == [(0, 0)] * 5
    assert reconciled(graph_site).in_flight == 0
    assert differences(connection, neo4j_server.run) == []
