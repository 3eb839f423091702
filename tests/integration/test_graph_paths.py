"""What people ask of the graph, on a real Neo4j, against networkx: hops, chains, learning paths, weakness, next."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, LiteralString

import neo4j
import networkx as nx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import sql
from assets.graph import paths
from orchestration.cli.graph_site import refusing
from orchestration.errors import EspalierError
from orchestration.graph import GraphSession, connect_graph
from orchestration.patience import Patience
from orchestration.settings import Settings
from tests.graph_fixtures import Neo4jServer

MASTERED, WEAK = 0.8, 0.4
NAMES = [f"c{n}" for n in range(14)]
USER = "u"


@dataclass
class Curriculum:
    """Concepts, edges from a prerequisite to what needs it, and one user's scores."""

    edges: set[tuple[str, str]]
    scores: Mapping[str, float] = field(default_factory=dict[str, float])
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    alone: tuple[str, ...] = ()

    @property
    def graph(self) -> "nx.DiGraph[str]":
        """The same for networkx."""
        graph: nx.DiGraph[str] = nx.DiGraph(self.edges)
        graph.add_nodes_from([*self.scores, *self.names, *self.alone])
        return graph

    def mastered(self) -> set[str]:
        """What the user has mastered."""
        return {concept for concept, score in self.scores.items() if score >= MASTERED}

    def plant(self, server: Neo4jServer) -> None:
        """Make the graph this one and nothing else."""
        server.run("MATCH (n) DETACH DELETE n")
        concepts = [[concept, self.names.get(concept, f"Concept {concept}")] for concept in self.graph]
        server.run("UNWIND $rows AS r CREATE (:Concept {id: r[0], name: r[1], difficulty: 1})", rows=concepts)
        server.run(_PLANT_EDGES, rows=sorted(self.edges))
        server.run("CREATE (:User {id: $user})", user=USER)
        server.run(_PLANT_SCORES, rows=list(self.scores.items()), user=USER)


_PLANT_EDGES: LiteralString = """
    UNWIND $rows AS r MATCH (p:Concept {id: r[0]}) MATCH (c:Concept {id: r[1]}) CREATE (p)-[:PREREQUISITE_OF]->(c)
"""
_PLANT_SCORES: LiteralString = """
    MATCH (u:User {id: $user}) UNWIND $rows AS r MATCH (c:Concept {id: r[0]})
    CREATE (u)-[:MASTERED_BY {score: r[1], updatedAt: 0}]->(c)
"""
CURRICULA = st.builds(
    Curriculum,
    st.sets(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=40),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from([0.0, 0.1, 0.39, 0.4, 0.79, 0.8, 1.0])),
    alone=st.just(tuple(NAMES[:2])),
)
HOPS = st.integers(1, 6)
many = hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def planted(neo4j_server: Neo4jServer) -> Generator[Neo4jServer]:
    """The server, with what the graph's own schema makes for concepts and users."""
    neo4j_server.empty()
    neo4j_server.run("CREATE CONSTRAINT FOR (c:Concept) REQUIRE c.id IS UNIQUE")
    neo4j_server.run("CREATE CONSTRAINT FOR (u:User) REQUIRE u.id IS UNIQUE")
    neo4j_server.run("CREATE INDEX FOR (c:Concept) ON (c.name)")
    neo4j_server.run("CALL db.awaitIndexes()")
    yield neo4j_server
    neo4j_server.empty()


def settings_of(server: Neo4jServer, home: Path) -> Settings:
    address = server.address
    return Settings(home=home, neo4j_uri=address.uri, neo4j_user=address.user, neo4j_password=address.password)


@pytest.fixture(scope="module")
def g(planted: Neo4jServer, tmp_path_factory: pytest.TempPathFactory) -> Generator[GraphSession]:
    """A session as the commands have it."""
    with connect_graph(settings_of(planted, tmp_path_factory.mktemp("paths"))) as session:
        yield session


def concept(g: GraphSession, id: str) -> paths.Concept:
    return paths.find_concept(g, id)


@many
@given(CURRICULA, st.sampled_from(NAMES[:2]), HOPS)
def test_prerequisites_are_those_within_so_many_hops_each_once(
    planted: Neo4jServer, g: GraphSession, curriculum: Curriculum, name: str, hops: int
):
    curriculum.plant(planted)
    reverse = curriculum.graph.reverse()
    expected = nx.single_source_shortest_path_length(reverse, name, cutoff=hops)
    found = paths.prerequisites(g, concept(g, name), hops)
    assert {name: 0} | {p.id: p.distance for p in found.prerequisites} == expected
    assert [p.distance for p in found.prerequisites] == sorted(p.distance for p in found.prerequisites)
    assert found.beyond_bound == (len(nx.descendants(reverse, name) | {name}) > len(expected))


@many
@given(CURRICULA, st.sampled_from(NAMES[:2]), st.sampled_from(NAMES[:2]), HOPS)
def test_a_chain_is_as_short_as_there_is_one_and_exists(
    planted: Neo4jServer, g: GraphSession, curriculum: Curriculum, start: str, end: str, hops: int
):
    curriculum.plant(planted)
    graph = curriculum.graph
    lengths = nx.single_source_shortest_path_length(graph, start, cutoff=hops)
    chain = paths.shortest_chain(g, start, end, hops)
    assert (len(chain) - 1 if chain else None) == lengths.get(end)
    assert chain is None or nx.is_path(graph, [c.id for c in chain])


@many
@given(CURRICULA, st.sampled_from(NAMES[:2]))
def test_a_learning_path_holds_all_that_is_not_mastered_in_an_order_that_can_be_learned(
    planted: Neo4jServer, g: GraphSession, curriculum: Curriculum, target: str
):
    curriculum.plant(planted)
    graph, mastered = curriculum.graph, curriculum.mastered()
    found = paths.learning_path(g, USER, concept(g, target), hops=50, mastered_from=MASTERED)
    steps = [step.id for step in found.steps]
    assert sorted(steps) == sorted((nx.ancestors(graph, target) | {target}) - mastered)
    assert found.mastered == (target in mastered)
    for n, step in enumerate(steps):
        later = set(steps[n + 1 :])
        assert {c for c in nx.ancestors(graph, step) & later if not nx.has_path(graph, step, c)} == set()
    in_cycle = {c for cycle in found.cycles for c in {x.id for x in cycle}}
    around = nx.ancestors(graph, target) | {target}
    assert in_cycle == {c for c in around if any(nx.has_path(graph, c, p) for p in graph.predecessors(c))}


@many
@given(CURRICULA, HOPS)
def test_what_is_weak_is_ranked_by_what_builds_on_it_and_is_not_mastered(
    planted: Neo4jServer, g: GraphSession, curriculum: Curriculum, hops: int
):
    curriculum.plant(planted)
    graph, mastered = curriculum.graph, curriculum.mastered()
    found = paths.weak_concepts(g, USER, hops=hops, weak_below=WEAK, mastered_from=MASTERED)
    assert {w.id: w.blocks for w in found} == {
        name: len(nx.single_source_shortest_path_length(graph, name, cutoff=hops).keys() - mastered - {name})
        for name, score in curriculum.scores.items()
        if score < WEAK
    }
    assert [w.blocks for w in found] == sorted((w.blocks for w in found), reverse=True)


@many
@given(CURRICULA)
def test_next_is_what_is_not_mastered_and_needs_only_what_is(
    planted: Neo4jServer, g: GraphSession, curriculum: Curriculum
):
    curriculum.plant(planted)
    graph, mastered = curriculum.graph, curriculum.mastered()
    needs = {name: set(graph.predecessors(name)) - {name} for name in graph}
    found = paths.next_concepts(g, USER, MASTERED)
    assert {c.id for c in found} == {n for n in graph if n not in mastered and needs[n] <= mastered}
    for candidate in found:
        assert candidate.score == curriculum.scores.get(candidate.id)
        assert candidate.prerequisites == len(needs[candidate.id])
        assert candidate.unlocks == len(set(graph.successors(candidate.id)) - {candidate.id})
    assert [c.prerequisites > 0 for c in found] == sorted((c.prerequisites > 0 for c in found), reverse=True)


def test_what_lies_behind_a_mastered_concept_is_still_to_be_learned(planted: Neo4jServer, g: GraphSession):
    Curriculum({("root", "middle"), ("middle", "end")}, {"middle": 0.9}).plant(planted)
    found = paths.learning_path(g, USER, concept(g, "end"), hops=10, mastered_from=MASTERED)
    assert [step.id for step in found.steps] == ["root", "end"]


def test_a_score_that_is_no_number_is_none(planted: Neo4jServer, g: GraphSession):
    Curriculum({("a", "b")}).plant(planted)
    planted.run("MATCH (u:User), (c:Concept {id: 'a'}) CREATE (u)-[:MASTERED_BY {score: 0.0 / 0.0}]->(c)")
    planted.run("MATCH (u:User), (c:Concept {id: 'b'}) CREATE (u)-[:MASTERED_BY {score: '0.9'}]->(c)")
    assert paths.mastery_of(g, USER) == {"b": 0.9}
    path = paths.learning_path(g, USER, concept(g, "b"), hops=5, mastered_from=MASTERED)
    assert [step.id for step in path.steps] == ["a"]


def test_a_bound_cuts_a_path_off_and_says_so(planted: Neo4jServer, g: GraphSession):
    Curriculum({("a", "b"), ("b", "c"), ("c", "d")}).plant(planted)
    found = paths.learning_path(g, USER, concept(g, "d"), hops=2, mastered_from=MASTERED)
    assert ([step.id for step in found.steps], found.beyond_bound) == (["b", "c", "d"], True)
    found = paths.learning_path(g, USER, concept(g, "d"), hops=3, mastered_from=MASTERED)
    assert (len(found.steps), found.beyond_bound) == (4, False)


def test_a_concept_is_found_by_id_before_name_and_a_name_of_two_is_refused(planted: Neo4jServer, g: GraphSession):
    Curriculum(set(), names={"a": "Angles", "b": "Angles", "c": "a"}).plant(planted)
    assert paths.find_concept(g, "a").name == "Angles"
    assert paths.find_concept(g, "c").id == "c"
    with pytest.raises(EspalierError, match=r"^2 concepts are named 'Angles'; give one of the ids a, b$"):
        paths.find_concept(g, "Angles")
    with pytest.raises(EspalierError, match=r"^no concept 'angles' in the graph; give an id or an exact name$"):
        paths.find_concept(g, "angles")


def test_a_user_who_has_mastered_nothing_begins_with_what_needs_nothing(planted: Neo4jServer, g: GraphSession):
    Curriculum({("a", "b")}).plant(planted)
    assert [c.id for c in paths.next_concepts(g, "nobody", MASTERED)] == ["a"]
    assert paths.weak_concepts(g, "nobody", hops=5, weak_below=WEAK, mastered_from=MASTERED) == []
    assert paths.is_learner(g, USER)
    assert not paths.is_learner(g, "nobody")


def test_a_question_that_takes_too_long_is_ended_by_the_server(planted: Neo4jServer, tmp_path: Path):
    slow = sql.Query("slow", "Counts for minutes.", "UNWIND range(1, 3000000000) AS n RETURN sum(n)")
    said = r"^Neo4j says .*; if that took too long, ask for fewer --hops$"
    with (
        connect_graph(settings_of(planted, tmp_path), Patience(transaction=0.5)) as impatient,
        pytest.raises(EspalierError, match=said),
        refusing(),
    ):
        impatient.read(slow)


LAYERS, WIDTH = 30, 25
EDGES = (LAYERS - 1) * WIDTH * WIDTH


@pytest.fixture
def dense(planted: Neo4jServer) -> Curriculum:
    """Thirty layers, each concept needing all 25 of the layer below: 25 to the 29th paths, and a few scores."""
    between = product(range(LAYERS - 1), range(WIDTH), range(WIDTH))
    edges = {(f"{layer}.{low}", f"{layer + 1}.{high}") for layer, low, high in between}
    curriculum = Curriculum(edges, {f"{n}.{m}": 0.9 if n < 3 else 0.2 for n, m in product(range(9), range(WIDTH))})
    curriculum.plant(planted)
    return curriculum


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("dense")
def test_a_dense_graph_is_answered_as_any_other(g: GraphSession):
    end = concept(g, f"{LAYERS - 1}.0")
    assert len(paths.prerequisites(g, end, 50).prerequisites) == (LAYERS - 1) * WIDTH
    assert len(paths.shortest_chain(g, "0.0", end.id, 50) or ()) == LAYERS
    path = paths.learning_path(g, USER, end, hops=50, mastered_from=MASTERED)
    assert len(path.steps) == (LAYERS - 4) * WIDTH + 1
    weak = paths.weak_concepts(g, USER, hops=50, weak_below=WEAK, mastered_from=MASTERED)
    assert [weak[0].blocks, weak[-1].blocks] == [(LAYERS - 4) * WIDTH, (LAYERS - 9) * WIDTH]
    assert {c.id for c in paths.next_concepts(g, USER, MASTERED)} == {f"3.{n}" for n in range(WIDTH)}


def database_hits(plan: dict[str, Any]) -> int:
    return plan.get("dbHits", 0) + sum(database_hits(child) for child in plan.get("children", ()))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("prerequisites_of", {"frontier": [f"{LAYERS - 1}.{n}" for n in range(WIDTH)]}),
        ("edges_into", {"ids": [f"{n}.{m}" for n, m in product(range(LAYERS), range(WIDTH))]}),
        ("edges_out_of", {"ids": [f"{n}.{m}" for n, m in product(range(LAYERS), range(WIDTH))]}),
        ("shortest_chain", {"from": "0.0", "to": f"{LAYERS - 1}.0"}),
        ("next_concepts", {"mastered": [f"{n}.{m}" for n, m in product(range(9), range(WIDTH))]}),
        ("mastery_of", {"user": USER}),
        ("find_concepts", {"given": "Concept 3.3"}),
    ],
)
@pytest.mark.usefixtures("dense")
def test_no_question_touches_an_edge_more_than_a_few_times(planted: Neo4jServer, name: str, parameters: dict[str, Any]):
    """Enumerating the paths of this graph would take longer than the universe is old."""
    question = "PROFILE " + paths.QUERIES[name].literal
    with planted.driver.session(default_access_mode=neo4j.READ_ACCESS) as session:
        plan = session.run(neo4j.Query(question, timeout=20), parameters).consume().profile
    assert plan
    assert database_hits(plan) < 6 * EDGES
