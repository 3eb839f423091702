"""The drain: the graph follows every kind of change, in batches of any size, and one bad key stays one bad key."""

from collections.abc import Generator
from typing import LiteralString

import pytest
from psycopg.sql import SQL, Identifier

from assets.graph import expand
from assets.graph.outbox import mark_dirty
from tests import factories
from tests.conftest import Connection, Site
from tests.graph_by_hand import differences, found
from tests.graph_drainers import drain_a_batch, drained, drainer, in_batches_of, let_retries_be_due, marks
from tests.graph_fixtures import Neo4jServer


@pytest.fixture
def connection(graph_site: Site) -> Generator[Connection]:
    """The application's connection."""
    with graph_site.connect() as connection:
        yield connection


def small_world(connection: Connection) -> None:
    """Three concepts in two domains, two prerequisites, three learners of whom one has mastered nothing."""
    factories.users(connection, "ann", "bob", "cyd")
    for key, domain in (("c1", "algebra"), ("c2", "algebra"), ("c3", "geometry")):
        factories.concept(connection, key, domain=domain)
    factories.prerequisite(connection, "c2", "c1")
    factories.prerequisite(connection, "c3", "c2")
    for user, concept, score in (("ann", "c1", 0.9), ("ann", "c2", 0.4), ("bob", "c1", 0.7)):
        factories.mastery(connection, user, concept, score, id=f"{user}-{concept}")


def test_a_first_drain_fills_an_empty_graph_and_a_second_writes_nothing(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    small_world(connection)
    first, second = drained(graph_site), drained(graph_site)
    assert differences(connection, neo4j_server.run) == []
    assert (first.left, first.parked, first.lag_seconds) == (0, 0, 0)
    assert first.written == 3 + 2 + 3  # each key once, although its own mark and that of its kind were waiting
    assert (second.keys, second.batches, second.left) == (0, 0, 0)
    assert {name for (name, *_) in found(neo4j_server.run)["user"]} == {"ann", "bob"}


CHANGES: tuple[LiteralString, ...] = (
    "UPDATE concepts SET name = 'Renamed' WHERE id = 'c1'",
    "UPDATE concepts SET domain = 'geometry' WHERE id = 'c1'",
    "UPDATE concepts SET domain = NULL, difficulty = 5 WHERE id = 'c3'",
    "UPDATE concepts SET domain = '  ' WHERE id = 'c1'",
    "UPDATE concepts SET domain = 'geometry'",
    "UPDATE concepts SET \"createdAt\" = '1969-12-31 23:59:59.999' WHERE id = 'c2'",
    "UPDATE concepts SET name = name || ' ' || id",
    'UPDATE mastery_records SET "masteryScore" = 0.123456789012345, "updatedAt" = \'2026-02-28 23:59:59.999\'',
    "INSERT INTO mastery_records (id, \"userId\", \"conceptId\", \"updatedAt\") VALUES ('x', 'ann', 'c1', now())"
    ' ON CONFLICT ("userId", "conceptId") DO UPDATE SET "masteryScore" = 1, "updatedAt" = excluded."updatedAt"',
    "UPDATE mastery_records SET \"conceptId\" = 'c3' WHERE id = 'ann-c2'",
    "UPDATE mastery_records SET \"userId\" = 'cyd' WHERE id = 'bob-c1'",
    'UPDATE concept_prerequisites SET "conceptId" = "prerequisiteId", "prerequisiteId" = "conceptId"',
    'UPDATE concept_prerequisites SET "prerequisiteId" = "conceptId" WHERE "conceptId" = \'c1\'',
    "UPDATE concepts SET id = 'c1 renamed' WHERE id = 'c1'",
    "UPDATE users SET id = 'anna' WHERE id = 'ann'",
    "UPDATE users SET \"leaderboardOptOut\" = true WHERE id = 'anna'",
    "UPDATE users SET \"isShadowBanned\" = true WHERE id = 'cyd'",
    "UPDATE users SET \"isSuspended\" = true WHERE id = 'cyd'",
    "UPDATE users SET \"suspendedUntil\" = now() + interval '1 day' WHERE id = 'cyd'",
    "UPDATE users SET \"suspendedUntil\" = now() - interval '1 day' WHERE id = 'cyd'",
    "UPDATE users SET \"leaderboardOptOut\" = false WHERE id = 'anna'",
    "DELETE FROM mastery_records WHERE id = 'ann-c1'",
    "DELETE FROM concepts WHERE id = 'c2'",
    "DELETE FROM users WHERE id = 'cyd'",
    "DELETE FROM concept_prerequisites",
    "DELETE FROM mastery_records",
    "DELETE FROM concepts",
)


def test_every_kind_of_change_is_followed(graph_site: Site, connection: Connection, neo4j_server: Neo4jServer):
    small_world(connection)
    drained(graph_site)
    for change in CHANGES:
        assert connection.execute(change).rowcount > 0, change
        drained(graph_site)
        assert differences(connection, neo4j_server.run) == [], change
    assert found(neo4j_server.run)["domain"] == {}
    assert marks(connection) == []


def test_two_names_that_are_swapped_in_one_transaction_are_no_conflict(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    small_world(connection)
    drained(graph_site)
    with connection.transaction():
        for id, name in (("c1", "?"), ("c2", "Concept c1"), ("c1", "Concept c2")):
            connection.execute("UPDATE concepts SET name = %s WHERE id = %s", [name, id])
    with drainer(graph_site, policy=in_batches_of(graph_site, 1)) as steps:
        steps.run()
    assert differences(connection, neo4j_server.run) == []


def test_what_is_rolled_back_leaves_no_trace(graph_site: Site, connection: Connection, neo4j_server: Neo4jServer):
    small_world(connection)
    with connection.transaction(force_rollback=True):
        factories.concept(connection, "never", domain="nowhere")
        connection.execute("DELETE FROM mastery_records")
    drained(graph_site)
    assert differences(connection, neo4j_server.run) == []


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_batches_of_any_size_end_with_the_same_graph(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer, size: int
):
    small_world(connection)
    connection.execute("UPDATE concepts SET id = id || '!'")
    with drainer(graph_site, policy=in_batches_of(graph_site, size)) as steps:
        steps.run()
    assert differences(connection, neo4j_server.run) == []
    assert marks(connection) == []


@pytest.mark.parametrize("table", ["mastery_records", "concept_prerequisites", "concepts", "users"])
def test_a_truncated_table_is_followed_page_by_page(
    graph_site: Site,
    connection: Connection,
    neo4j_server: Neo4jServer,
    monkeypatch: pytest.MonkeyPatch,
    table: str,
):
    monkeypatch.setattr(expand, "_NODES_A_PAGE", 1)
    monkeypatch.setattr(expand, "_ROWS_A_PAGE", 1)
    small_world(connection)
    drained(graph_site)
    with connection.transaction():
        connection.execute(SQL("TRUNCATE {} CASCADE").format(Identifier(table)))
        factories.concept(connection, "new", domain="algebra")
        factories.mastery(connection, factories.user(connection), "new")
    drained(graph_site)
    assert differences(connection, neo4j_server.run) == []


def test_rows_that_were_there_before_the_triggers_come_with_the_mark_of_their_kind(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(expand, "_ROWS_A_PAGE", 2)
    small_world(connection)
    connection.execute("DELETE FROM espalier.graph_outbox WHERE kind <> 'kind'")
    assert len(marks(connection)) == 3
    drained(graph_site)
    assert differences(connection, neo4j_server.run) == []


def test_a_suspension_that_ends_by_the_clock_brings_the_person_back(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    """Three people's suspensions end: before the last sweep, after it, and in the future."""
    small_world(connection)
    factories.mastery(connection, "cyd", "c3")
    for user, until in (("ann", "2026-01-01"), ("bob", "2026-03-01"), ("cyd", "2999-01-01")):
        connection.execute('UPDATE users SET "isSuspended" = true, "suspendedUntil" = %s WHERE id = %s', [until, user])
    connection.execute("UPDATE espalier.graph_state SET swept_until = '2026-02-01 00:00Z'")
    with drainer(graph_site) as steps:
        while drain_a_batch(steps):
            pass
    assert marks(connection) == []
    assert set(found(neo4j_server.run)["user"]) == {("ann",)}
    drained(graph_site)
    assert set(found(neo4j_server.run)["user"]) == {("ann",), ("bob",)}
    assert differences(connection, neo4j_server.run) == []
    assert drained(graph_site).keys == 0


def test_who_is_left_out_is_what_the_policy_says(graph_site: Site, connection: Connection, neo4j_server: Neo4jServer):
    small_world(connection)
    connection.execute('UPDATE users SET "isShadowBanned" = true, "leaderboardOptOut" = true WHERE id = \'ann\'')
    for policy in (("shadow_banned",), (), ("opted_out", "shadow_banned", "suspended")):
        with connection.transaction():
            connection.execute("INSERT INTO espalier.graph_outbox (kind, key1) VALUES ('kind', 'mastery')")
        with drainer(graph_site, policy=graph_site.settings.graph.model_copy(update={"leave_out": policy})) as steps:
            steps.run()
        assert differences(connection, neo4j_server.run, policy) == []


LONG = "long " * 4000


def test_one_bad_key_is_set_aside_alone_and_comes_when_it_is_corrected(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    small_world(connection)
    factories.concept(connection, "bad", name=LONG, domain="algebra")
    factories.concept(connection, "worse", domain=LONG)
    factories.prerequisite(connection, "bad", "c1", id="c1-bad")
    factories.mastery(connection, "cyd", "bad")
    result = drained(graph_site)
    kept = {(row["kind"], row["key1"], row["key2"]): row["reason"] for row in marks(connection)}
    assert kept.keys() == {
        ("concept", "bad", ""), ("concept", "worse", ""), ("prerequisite", "c1", "bad"), ("mastery", "cyd", "bad"),
    }  # fmt: skip
    assert "too large to index" in kept["concept", "bad", ""]
    assert kept["mastery", "cyd", "bad"] == "an end of the edge is not in the graph"
    assert (result.left, drained(graph_site).keys) == (len(marks(connection)), 0)
    assert ("cyd",) in found(neo4j_server.run)["user"]
    missing = {line.split(" ")[1] for line in differences(connection, neo4j_server.run)}
    assert missing == {"concept", "domain", "part_of", "prerequisite_of", "mastered_by"}
    connection.execute("UPDATE concepts SET name = 'short', domain = 'short' WHERE id IN ('bad')")
    connection.execute("DELETE FROM concepts WHERE id = 'worse'")
    drained(graph_site)
    assert differences(connection, neo4j_server.run) == []


def test_what_is_set_aside_is_tried_again_ever_more_seldom(graph_site: Site, connection: Connection):
    factories.concept(connection, "bad", name=LONG)
    waits: list[int] = []
    for _ in range(12):
        drained(graph_site)
        row = connection.execute(
            "SELECT max(attempts) AS n, extract(epoch FROM max(retry_at) - clock_timestamp())::int AS wait"
            " FROM espalier.graph_outbox"
        ).fetchone()
        assert row
        waits.append(row["wait"])
        let_retries_be_due(connection)
    assert waits == [pytest.approx(min(10 * 2**n, 3600), abs=5) for n in range(12)]


def test_an_edge_whose_end_comes_later_waits_for_it_and_for_nothing_else(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    small_world(connection)
    drained(graph_site)
    neo4j_server.run("MATCH (c:Concept {id: 'c1'}) DETACH DELETE c")
    connection.execute('UPDATE mastery_records SET "masteryScore" = 0.1 WHERE "conceptId" = \'c1\'')
    assert (drained(graph_site).parked, drained(graph_site).keys) == (2, 0)
    connection.execute("UPDATE concepts SET difficulty = 3 WHERE id = 'c1'")
    assert drained(graph_site).keys == 3
    assert differences(connection, neo4j_server.run) == ["- prerequisite_of ('c1', 'c2')"]


def test_values_at_the_edge_of_their_types_are_written(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    small_world(connection)
    for score in ("-0.0", "1e308", "5e-324", "Infinity"):
        connection.execute("UPDATE mastery_records SET \"masteryScore\" = %s WHERE id = 'ann-c1'", [score])
        connection.execute("UPDATE concepts SET name = %s WHERE id = 'c1'", [f"\U0001f600 \x01 \u202e {score}"])
        drained(graph_site)
        assert differences(connection, neo4j_server.run) == [], score
    connection.execute("UPDATE mastery_records SET \"masteryScore\" = 'NaN', \"updatedAt\" = 'infinity'")
    connection.execute("UPDATE concepts SET \"createdAt\" = '-infinity'")
    assert (drained(graph_site).parked, marks(connection)) == (0, [])
    rows = neo4j_server.run("MATCH ()-[m:MASTERED_BY]->() RETURN m.score <> m.score AS nan, m.updatedAt AS at")
    assert rows == [{"nan": True, "at": None}] * 3


def test_a_mark_that_somebody_locks_is_left_for_the_next_drain(graph_site: Site, connection: Connection):
    small_world(connection)
    drained(graph_site)
    with graph_site.connect() as other, other.transaction():
        connection.execute("UPDATE concepts SET difficulty = 2 WHERE id IN ('c1', 'c2')")
        other.execute("SELECT FROM espalier.graph_outbox WHERE key1 = 'c1' FOR UPDATE")
        assert drained(graph_site).left == 1
    assert (drained(graph_site).keys, marks(connection)) == (1, [])


def test_a_change_after_a_batch_was_read_is_not_forgotten_with_it(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    small_world(connection)
    drained(graph_site)
    connection.execute("UPDATE concepts SET name = 'first' WHERE id = 'c1'")
    with drainer(graph_site) as steps:
        batch = steps.read()
        steps.renew(batch)
        connection.execute("UPDATE concepts SET name = 'second' WHERE id = 'c1'")
        steps.finish(batch, steps.write(batch))
        assert len(marks(connection)) == 1
        steps.run()
    assert differences(connection, neo4j_server.run) == []


def test_marks_of_our_own_repair_what_a_stranger_did(
    graph_site: Site, connection: Connection, neo4j_server: Neo4jServer
):
    small_world(connection)
    drained(graph_site)
    neo4j_server.run("MATCH (:User {id: 'ann'})-[m]->(c) SET m.score = 7, c.name = 'spoiled' REMOVE c.difficulty")
    neo4j_server.run("MATCH (c:Concept {id: 'c3'})-[p:PART_OF]->() DELETE p")
    with drainer(graph_site) as steps:
        with steps.session.transaction() as tx:
            mark_dirty(tx, [("mastery", "ann", "c1"), ("mastery", "ann", "c2")])
            mark_dirty(tx, [("concept", id, "") for id in ("c1", "c2", "c3")])
        steps.run()
    assert differences(connection, neo4j_server.run) == []
