"""Every named query is understood by the server, against the migrated schema, on both versions."""

import re
from typing import LiteralString, cast

import pytest
from psycopg.sql import SQL, Identifier

import sql
from orchestration.settings import DOMAINS, Domain
from tests.conftest import Site

NEEDS_17 = re.compile(r"NOT MATCHED BY SOURCE|merge_action")
QUERIES = [
    pytest.param(path.parent.name, query, id=f"{path.parent.name}/{path.stem}:{query.name}")
    for path in sorted(sql.FOLDER.rglob("*.sql"))
    for query in sql.load(path.parent.name, path.stem).values()
]


def as_prepared(text: str) -> SQL:
    """Write psycopg's placeholders as the server's."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", text)))
    for n, name in enumerate(names, 1):
        text = text.replace(f"%({name})s", f"${n}")
    # The text is a file of the program with its placeholders renamed.
    return SQL(cast("LiteralString", f"PREPARE statement AS {text.replace('%%', '%')}"))


@pytest.mark.parametrize(("folder", "query"), QUERIES)
def test_the_server_understands_the_query(site: Site, folder: str, query: sql.Query):
    text = (
        query.text.format(column=Identifier("createdAt"), table=Identifier("users"))
        if "{" in str(query.text)
        else query.text
    )
    domain = cast("Domain", folder if folder in DOMAINS else "community")
    with site.connect(domain, role="jobs") as connection:
        statement = text.as_string(connection)
        if site.server.major < 17 and NEEDS_17.search(statement):
            pytest.skip("MERGE with NOT MATCHED BY SOURCE needs PostgreSQL 17; its alternative is tested here")
        connection.execute(as_prepared(statement))
