"""Rules that every named query of the graph keeps: it says what it does, and somebody asks it."""

import re
from pathlib import Path

import pytest

import sql
from tests.unit.test_sql_loader import is_used

FILES = sorted(sql.FOLDER.rglob("*.cypher"))
QUERIES = [
    pytest.param(query, id=f"{path.parent.name}/{path.stem}:{query.name}")
    for path in FILES
    for query in sql.load(path.parent.name, path.stem, "cypher").values()
]


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_a_file_is_nothing_but_named_queries(path: Path):
    text = path.read_text()
    assert text.startswith("// name: ")
    assert len(sql.load(path.parent.name, path.stem, "cypher")) == text.count("// name: ")


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_says_what_it_does_and_is_used_somewhere(query: sql.Query):
    assert len(query.description) > 20 or query.name.startswith("schema_")
    assert is_used(query.name), f"{query.name} is used nowhere"


@pytest.mark.parametrize("query", QUERIES)
def test_values_are_parameters_and_no_walk_is_without_a_bound(query: sql.Query):
    """A pattern such as `*1..` or `*` walks as far as the graph goes."""
    assert "%s" not in query.literal
    assert not re.search(r"\[[^\]]*\*(?!\d+\.\.\d|\.\.\d)[^\]]*\]", query.literal), "name the largest number of hops"
