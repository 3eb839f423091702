"""Named queries: one statement each, with a comment that says what and why, in `sql/<domain>/<subject>.sql`.

`load("community", "vote_graph")` gives a mapping from a query's name to the `Query`; Cypher stands beside it in
`sql/graph/<subject>.cypher`, for `load("graph", "drain", "cypher")`. Nothing else reads these files.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import LiteralString, cast

from psycopg.sql import SQL

FOLDER = Path(__file__).parent
_BLOCK = re.compile(
    r"^(?P<mark>--|//) name: (?P<name>\w+)\n(?P<description>(?:(?P=mark).*\n)+)(?P<text>(?:(?!(?P=mark) name:).*\n?)+)",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Query:
    """A statement of a file: its name, what it does and why, its text with `%(name)s` or, in Cypher, `$name`."""

    name: str
    description: str
    literal: LiteralString

    @property
    def text(self) -> SQL:
        """The statement as psycopg takes it."""
        return SQL(self.literal)


class Queries(dict[str, Query]):
    """The queries of one file by name, and the hash of the file (a change of it is a change of the asset)."""

    def __init__(self, queries: Iterable[Query], version: str) -> None:
        super().__init__({query.name: query for query in queries})
        self.version = version


@cache
def load(domain: str, subject: str, language: str = "sql") -> Queries:
    """Read `sql/<domain>/<subject>.<language>`; a missing file is a mistake in the code: FileNotFoundError."""
    content = (FOLDER / domain / f"{subject}.{language}").read_text()
    return Queries(map(_query, _BLOCK.finditer(content)), hashlib.sha256(content.encode()).hexdigest()[:16])


def _query(block: re.Match[str]) -> Query:
    description = " ".join(line.removeprefix(block["mark"]).strip() for line in block["description"].splitlines())
    # The only place where text of a file is trusted as a statement: these files are part of the program.
    return Query(block["name"], description, cast("LiteralString", block["text"].strip().rstrip(";")))
