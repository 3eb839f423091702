"""The trial on a curriculum's file: what it says of a dirty one, and that it notices a graph that is wrong."""

from pathlib import Path

import pytest

from benchmarks import real_concepts
from benchmarks.concept_file import read_concepts
from orchestration.errors import EspalierError

FILE = """\
name,prerequisites,creation_date,seconds_per_fast_problem,pretty_display_name,area
counting,,2012-10-11 17:55:24 UTC,3,Counting,arithmetic
adding,counting,2012-10-11 17:55:24 UTC,7,Adding,arithmetic
halving,"adding,adding,nowhere",2012-10-11 17:55:24 UTC,50,?半,N/A
loop-a,loop-b,2012-10-11 17:55:24 UTC,,A,algebra
loop-b,"loop-a,halving",2012-10-11 17:55:24 UTC,,B,algebra
self,self,yesterday,,S,algebra
adding,self,2012-10-11 17:55:24 UTC,,Again,arithmetic
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A small file with every kind of dirt."""
    path = tmp_path / "concepts.csv"
    path.write_text("\ufeff" + FILE, encoding="utf-8")
    return path


@pytest.mark.timeout(300)
def test_a_dirty_file_is_loaded_compared_and_told_of(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(real_concepts, "QUESTIONS", 20)
    monkeypatch.setenv("NEO4J_URI", "bolt://nowhere.invalid:1")
    monkeypatch.delenv("ESPALIER_HOME", raising=False)
    assert real_concepts.main([str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "quarantined: concepts, line 4: title '?半' is mis-encoded; loaded without it" in lines
    assert "quarantined: concept_prerequisites, line 4: prerequisite adding is listed a second time" in lines
    assert "quarantined: concept_prerequisites, line 4: prerequisite nowhere is no concept of the file" in lines
    assert "quarantined: concepts, line 7: creation_date 'yesterday' is no time; loaded without it" in lines
    assert "quarantined: concepts, line 8: name adding occurs a second time; line 3 is kept" in lines
    assert "6 concepts, 6 prerequisites, 5 in quarantine" in lines
    assert [line for line in lines if line.startswith("cycle: ")] == [
        "cycle: loop-a → loop-b → loop-a",
        "cycle: self → self",
    ]
    assert lines[-1].startswith("Neo4j, Postgres and the file: equal; 20 questions of hops and 20 of shortest paths")


def test_a_cycle_that_is_missed_or_none_is_wrong(file: Path):
    plain = real_concepts.plain_graph(file)
    assert sorted(plain.edges) == sorted((other, name) for name, other in read_concepts(file).edges)
    assert list(real_concepts.wrong_cycles(plain, [["loop-a", "loop-b"], ["self"]])) == []
    assert list(real_concepts.wrong_cycles(plain, [["self"]])) == [
        "in a cycle, and in none that was reported: loop-a, loop-b"
    ]
    assert "no cycle: counting → adding" in list(real_concepts.wrong_cycles(plain, [["counting", "adding"]]))


def test_elements_that_differ_or_are_doubled_are_counted():
    one = real_concepts.Elements({("a",)}, {("a", "b")}, set())
    assert one.differences(one) == 0
    assert one.differences(real_concepts.Elements({("a", 2)}, {("a", "b")}, {("a", "d")})) == 3


def test_no_file_is_refused():
    with pytest.raises(EspalierError, match="name one existing file, found nothing"):
        real_concepts.main([])
