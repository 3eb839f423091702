"""What is read from a file of exercises, and what is left out of it for which reason."""

from datetime import datetime
from pathlib import Path

import pytest

from benchmarks.concept_file import ConceptFile, difficulty, parse_time, read_concepts
from orchestration.errors import EspalierError

HEADER = "name,live,prerequisites,creation_date,seconds_per_fast_problem,pretty_display_name,area"


def read(folder: Path, *rows: str, header: str = HEADER, start: str = "\ufeff") -> ConceptFile:
    file = folder / "concepts.csv"
    file.write_text(start + "\n".join([header, *rows]) + "\n", encoding="utf-8")
    return read_concepts(file)


def reasons(file: ConceptFile) -> list[str]:
    return [f"{row.table} {row.key}: {row.reason}" for row in file.left_out]


def row(name: str, prerequisites: str = "", *, at: str = "2012-10-11 17:55:24.8056 UTC", title: str = "分數") -> str:
    return f'{name},TRUE,"{prerequisites}",{at},13,{title},algebra'


def test_a_clean_file_is_read_whole_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    for start in ("\ufeff", ""):
        file = read(tmp_path, row("b", "a"), row("a"), start=start)
        assert file.left_out == []
        assert file.edges == {("b", "a")}
        a = file.concepts["a"]
        assert (a.title, a.domain, a.difficulty) == ("分數", "algebra", 3)
        assert a.created_at == datetime(2012, 10, 11, 17, 55, 24, 805000)


def test_several_prerequisites_stand_in_one_field(tmp_path: Path) -> None:
    file = read(tmp_path, row("a"), row("b"), row("c", " a, b,,"))
    assert file.edges == {("c", "a"), ("c", "b")}
    assert file.left_out == []


def test_a_name_that_comes_again_is_left_out_with_what_it_says(tmp_path: Path) -> None:
    file = read(tmp_path, row("a"), row("b"), row("a", "b"), row("A"))
    assert set(file.concepts) == {"a", "b", "A"}
    assert file.edges == set()
    assert reasons(file) == ["concepts line 4: name a occurs a second time; line 2 is kept"]
    assert file.left_out[0].payload["prerequisites"] == "b"


def test_a_prerequisite_that_is_unknown_or_comes_again_is_left_out(tmp_path: Path) -> None:
    file = read(tmp_path, row("a"), row("b", "a,a,nowhere"))
    assert file.edges == {("b", "a")}
    assert reasons(file) == [
        "concept_prerequisites line 3: prerequisite a is listed a second time",
        "concept_prerequisites line 3: prerequisite nowhere is no concept of the file",
    ]


def test_a_concept_that_is_its_own_prerequisite_is_loaded_as_the_cycle_that_it_is(tmp_path: Path) -> None:
    assert read(tmp_path, row("a", "a")).edges == {("a", "a")}


@pytest.mark.parametrize("title", ["?物線直覺 1", "拋\ufffd線", "#NAME?"])
def test_a_title_that_is_mis_encoded_is_left_out_of_its_concept(tmp_path: Path, title: str) -> None:
    file = read(tmp_path, row("a", title=title))
    assert file.concepts["a"].title is None
    assert reasons(file) == [f"concepts line 2: title {title!r} is mis-encoded; loaded without it"]


@pytest.mark.parametrize("title", ["What is an angle?", "角的種類?", "什麼? 角", "", "½ ÷ ¼"])
def test_a_title_with_a_question_in_it_is_none_of_these(tmp_path: Path, title: str) -> None:
    assert read(tmp_path, row("a", title=title)).left_out == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (row(""), "it has no name"),
        (row("N/A"), "it has no name"),
        (row("a\x00b"), r"name 'a\x00b' is mis-encoded"),
        (row("a\ufffdb"), "name 'a\ufffdb' is mis-encoded"),
        (row("a") + ",more", "it has more fields than the header"),
    ],
)
def test_a_row_that_is_no_concept_is_left_out_with_its_reason(tmp_path: Path, line: str, reason: str) -> None:
    file = read(tmp_path, line, row("b"))
    assert set(file.concepts) == {"b"}
    assert reasons(file) == [f"concepts line 2: {reason}"]


def test_bytes_that_are_no_utf_8_cost_their_row_only(tmp_path: Path) -> None:
    file = tmp_path / "concepts.csv"
    file.write_bytes("\n".join([HEADER, row("a"), ""]).encode() + row("b").encode().replace(b"b,", b"b\xff,", 1))
    assert set(read_concepts(file).concepts) == {"a"}


def test_a_row_that_ends_early_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    file = read(tmp_path, "a,TRUE")
    assert file.concepts["a"].domain is None
    assert reasons(file) == ["concepts line 2: creation_date '' is no time; loaded without it"]


def test_another_file_is_refused_with_the_columns_that_were_found(tmp_path: Path) -> None:
    with pytest.raises(EspalierError, match="columns name, prerequisites are needed, found source, target"):
        read(tmp_path, "1,2", header="source,target")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2014-06-20 03:42:01.7206 UTC", datetime(2014, 6, 20, 3, 42, 1, 720000)),
        ("2014-06-20T03:42:01Z", datetime(2014, 6, 20, 3, 42, 1)),
        ("2014-06-31 03:42:01 UTC", None),
        ("yesterday", None),
    ],
)
def test_a_time_is_read_to_the_millisecond(text: str, expected: datetime | None) -> None:
    assert parse_time(text) == expected


@pytest.mark.parametrize(("seconds", "band"), [("5", 1), ("5.5", 2), ("40", 4), ("41", 5), ("", 1), ("fast", 1)])
def test_the_seconds_of_a_fast_solver_give_the_difficulty(seconds: str, band: int) -> None:
    assert difficulty(seconds) == band
