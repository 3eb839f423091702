"""The loader of named queries, and rules that every query of the project keeps."""

import re
from pathlib import Path

import pytest

import sql

FILES = sorted(sql.FOLDER.rglob("*.sql"))
QUERIES = [
    pytest.param(path, query, id=f"{path.parent.name}/{path.stem}:{query.name}")
    for path in FILES
    for query in sql.load(path.parent.name, path.stem).values()
]
PYTHON = "\n".join(
    path.read_text()
    for folder in ("orchestration", "assets", "migrations")
    for path in (sql.FOLDER.parent / folder).rglob("*.py")
)


def is_used(name: str) -> bool:
    """Look for a name in the code; one may be put together: `f"find_{element}"`, `"schema_"` for all that begin so."""
    parts = name.split("_")
    beginnings = ("_".join(parts[:n]) for n in range(1, len(parts)))
    forms = (rf"""["']{name}["']""", *(rf"""["']{beginning}_["'{{]""" for beginning in beginnings))
    return any(re.search(form, PYTHON) for form in forms)


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_a_file_is_nothing_but_named_queries(path: Path):
    text = path.read_text()
    assert text.startswith("-- name: ")
    assert len(sql.load(path.parent.name, path.stem)) == text.count("-- name: ")


@pytest.mark.parametrize(("path", "query"), QUERIES)
def test_a_query_says_what_it_does_and_is_used_somewhere(path: Path, query: sql.Query):
    assert len(query.description) > 20
    assert is_used(query.name), f"{query.name} is used nowhere"


def test_the_version_changes_with_the_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sql, "FOLDER", tmp_path)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "one.sql").write_text("-- name: q\n-- Says one, to see.\nSELECT 1;\n")
    (tmp_path / "d" / "two.sql").write_text("-- name: q\n-- Says one, to see.\nSELECT 2;\n")
    one, two = sql.load("d", "one"), sql.load("d", "two")
    assert one.version != two.version
    assert one["q"].text.as_string(None) == "SELECT 1"
