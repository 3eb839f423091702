"""Every named query is understood by the server, against the migrated schema, on both versions."""

import re
from typing import LiteralString, cast

import psycopg
import pytest
from psycopg.sql import SQL, Composed, Identifier

import sql
from orchestration.settings import DOMAINS
from tests.conftest import Server

NAMED = [
    (path, query)
    for path in sorted(sql.FOLDER.rglob("*.sql"))
    for query in sql.load(path.parent.name, path.stem).values()
]
QUERIES = [pytest.param(path.parent.name, q, id=f"{path.parent.name}/{path.stem}:{q.name}") for path, q in NAMED]
# Temporary tables that other statements name; a statement of another kind than these cannot be prepared.
TEMPORARY = [query for _, query in NAMED if query.literal.startswith("CREATE TEMP")]
NOT_PREPARED = ("CREATE TEMP", "COPY", "ANALYZE", "LISTEN")


def as_prepared(text: str) -> SQL:
    """Write psycopg's placeholders as the server's."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", text)))
    for n, name in enumerate(names, 1):
        text = text.replace(f"%({name})s", f"${n}")
    # The text is a file of the program with its placeholders renamed.
    return SQL(cast("LiteralString", f"PREPARE statement AS {text.replace('%%', '%')}"))


def with_identifiers(text: SQL) -> SQL | Composed:
    """Fill the names that some queries leave open."""
    names = {"column": Identifier("createdAt"), "table": Identifier("users"), "users": Identifier("users")}
    return text.format(**names) if re.search(r"\{\w+\}", text.as_string(None)) else text


@pytest.mark.parametrize(("folder", "query"), QUERIES)
def test_the_server_understands_the_query(server: Server, template: str, folder: str, query: sql.Query):
    """Preparing changes nothing, so the template itself is asked; nobody may stay connected to it."""
    statement = with_identifiers(query.text).as_string(None)
    with psycopg.connect(server.url("jobs", template)) as connection:
        schema = folder if folder in DOMAINS else "community"
        connection.execute("SELECT set_config('search_path', %s, true)", [f"{schema}, extensions"])
        for table in TEMPORARY:
            connection.execute(table.text)
        if not statement.startswith(NOT_PREPARED):
            connection.execute(as_prepared(statement))
