"""Drawn histories: whatever two applications and two drainers do in whatever order, the graph ends equal to Postgres.

Without the reconciliation. The last tests hold the suite itself to account: with the fence taken away, or with a
trigger that fires before its row is what it will be, a history that is written out here ends unequal.
"""

from collections import Counter
from collections.abc import Generator, Sequence

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg.sql import SQL, Identifier

from orchestration import graph
from sql import Query
from tests.conftest import Connection, Site
from tests.graph_by_hand import differences
from tests.graph_fixtures import Neo4jServer
from tests.graph_histories import STATEMENTS, Operation, World, open_world

HISTORIES, OPERATIONS, DRAWN_AT_LEAST, DONE_AT_LEAST = 205, 34, 50, 10

who = st.integers(0, 1)
users = st.sampled_from(["u0", "u1", "u2", "u3"])
concepts = st.sampled_from(["c0", "c1", "c2", "c3", "c4"])
new_users = st.sampled_from(["u0", "u4", "u5"])
new_concepts = st.sampled_from(["c0", "c5", "c6"])
domains = st.sampled_from([None, "", "algebra", "geometry"])
names = st.integers(0, 99).map("name {}".format)
addresses = st.integers(0, 10**9).map("{}@test.example".format)
scores = st.floats(0, 1)
times = st.integers(1, 8)
until = st.sampled_from([-1000, 20, 10**9])
# Marks of changes that were delivered long ago, or that never happened.
marks = st.one_of(
    st.tuples(st.just("concept"), concepts, st.just("")),
    st.tuples(st.just("prerequisite"), concepts, concepts),
    st.tuples(st.just("mastery"), users, concepts),
)

# How often an operation is drawn, and what its arguments are. The drainers' steps are as many as the writes.
DRAWN: dict[str, tuple[int, tuple[st.SearchStrategy[object], ...]]] = {
    "insert_concept": (7, (who, concepts, names, domains)),
    "rename_concept": (4, (who, names, concepts)),
    "move_concept": (3, (who, domains, concepts)),
    "change_concept_id": (4, (who, new_concepts, concepts)),
    "delete_concept": (3, (who, concepts)),
    "insert_prerequisite": (7, (who, concepts, concepts)),
    "move_prerequisite": (4, (who, concepts, concepts)),
    "delete_prerequisite": (5, (who, concepts)),
    "upsert_mastery": (7, (who, users, concepts, scores)),
    "touch_mastery": (3, (who, users)),
    "move_mastery": (5, (who, concepts, users)),
    "delete_mastery": (3, (who, users)),
    "insert_user": (6, (who, users, addresses)),
    "change_user_id": (4, (who, new_users, users)),
    "opt_out": (3, (who, users)),
    "suspend": (3, (who, until, users)),
    "delete_user": (3, (who, users)),
    "truncate_mastery": (3, (who,)),
    "truncate_prerequisites": (3, (who,)),
    "commit": (12, (who,)),
    "rollback": (3, (who,)),
    "drain": (5, (who,)),
    "step": (28, (who, times)),
    "overtake": (5, (who, times)),
    "crash": (4, (who,)),
    "crash_in_write": (5, (who,)),
    "lease_runs_out": (6, ()),
    "retries_are_due": (3, ()),
    "deliver_again": (6, (marks,)),
}
assert set(STATEMENTS) < set(DRAWN)
operations = st.sampled_from([name for name, (weight, _) in DRAWN.items() for _ in range(weight)]).flatmap(
    lambda name: st.tuples(st.just(name), *DRAWN[name][1])
)


@pytest.fixture
def world(graph_site: Site) -> Generator[World]:
    """Two applications and two drainers."""
    with open_world(graph_site) as world:
        yield world


def play(world: World, neo4j_server: Neo4jServer, history: Sequence[Operation]) -> list[str]:
    """Play a history from an empty graph to its end; give what differs then, and the marks that are left."""
    world.begin(neo4j_server.run)
    world.play(history)
    left = world.end()
    return [*differences(world.observer, neo4j_server.run), *map(str, left)]


def test_every_history_ends_with_the_graph_equal_to_postgres(world: World, neo4j_server: Neo4jServer):
    drawn: Counter[str] = Counter()
    played = 0

    @settings(
        max_examples=HISTORIES,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.lists(operations, min_size=OPERATIONS, max_size=OPERATIONS))
    def every_history(history: list[Operation]) -> None:
        nonlocal played
        played += 1
        drawn.update(operation[0] for operation in history)
        assert play(world, neo4j_server, history) == []

    every_history()
    print(f"{played} histories, drawn / done: {', '.join(f'{n} {c} / {world.done[n]}' for n, c in drawn.items())}")
    assert played >= 200
    assert min(drawn[name] for name in DRAWN) >= DRAWN_AT_LEAST, drawn
    assert min(world.done[name] for name in DRAWN) >= DONE_AT_LEAST, world.done


# A drainer has read a name and renewed its lease; it goes on when another has taken over and written the next name.
OVERTAKEN: list[Operation] = [
    ("drain", 0),
    ("rename_concept", 0, "stale", "c0"),
    ("commit", 0),
    ("step", 0, 3),
    ("rename_concept", 0, "fresh", "c0"),
    ("commit", 0),
    ("lease_runs_out",),
    ("step", 1, 6),
    ("step", 0, 2),
]
# An update that shows nothing by itself; then the application's own trigger changes the time, which the graph shows.
TOUCHED: list[Operation] = [("drain", 0), ("touch_mastery", 0, "u0"), ("commit", 0)]


def test_a_drainer_that_was_overtaken_writes_nothing_because_of_the_fence(
    world: World, neo4j_server: Neo4jServer, monkeypatch: pytest.MonkeyPatch
):
    assert play(world, neo4j_server, OVERTAKEN) == []
    unfenced = "MATCH (l:_Espalier {id: 'espalier'}) SET l.token = $token, l.version = $version RETURN l.token AS token"
    monkeypatch.setitem(graph.QUERIES, "fence", Query("fence", "", unfenced))
    assert [line.split()[0:2] for line in play(world, neo4j_server, OVERTAKEN)] == [["-", "concept"], ["+", "concept"]]


def test_a_change_by_the_applications_own_trigger_is_seen_because_ours_fires_after_the_row(
    world: World, neo4j_server: Neo4jServer
):
    assert play(world, neo4j_server, TOUCHED) == []
    fire_before_the_row(world.observer, "mastery_records")
    lines = play(world, neo4j_server, TOUCHED)
    assert [line.split()[0:2] for line in lines] == [["-", "mastered_by"], ["+", "mastered_by"]]


def fire_before_the_row(connection: Connection, table: str) -> None:
    """Make our triggers on a table fire before the row instead of after it."""
    triggers = connection.execute(
        "SELECT tgname AS name, pg_get_triggerdef(oid) AS definition, pg_get_functiondef(tgfoid) AS function"
        " FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname LIKE 'graph_outbox%%' AND tgtype & 1 = 1",
        [table],
    ).fetchall()
    assert len(triggers) == 2
    for trigger in triggers:
        connection.execute(trigger["function"].replace("RETURN NULL", "RETURN coalesce(NEW, OLD)").encode())
        connection.execute(SQL("DROP TRIGGER {} ON {}").format(Identifier(trigger["name"]), Identifier(table)))
        connection.execute(trigger["definition"].replace(" AFTER ", " BEFORE ").encode())
