"""Named queries: one statement each, with a comment that says what and why, in `sql/<domain>/<subject>.sql`.

`load("community", "vote_graph")` gives a mapping from a query's name to the `Query`. Nothing else reads these files.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import LiteralString, cast

from psycopg.sql import SQL

FOLDER = Path(__file__).parent
_BLOCK = re.compile(
    r"^-- name: (?P<name>\w+)\n(?P<description>(?:--.*\n)+)(?P<text>(?:(?!-- name:).*\n?)+)", re.MULTILINE
)


@dataclass(frozen=True)
class Query:
    """A statement of a file: its name, what it does and why, and the text with `%(name)s` placeholders."""

    name: str
    description: str
    text: SQL


@dataclass(frozen=True)
class Queries(Mapping[str, Query]):
    """The queries of one file by name, and the hash of the file (a change of it is a change of the asset)."""

    by_name: Mapping[str, Query]
    version: str

    def __getitem__(self, name: str) -> Query:
        return self.by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_name)

    def __len__(self) -> int:
        return len(self.by_name)


@cache
def load(domain: str, subject: str) -> Queries:
    """Read `sql/<domain>/<subject>.sql`; a missing file is a mistake in the code and raises FileNotFoundError."""
    content = (FOLDER / domain / f"{subject}.sql").read_text()
    queries = {m["name"]: _query(m) for m in _BLOCK.finditer(content)}
    return Queries(queries, hashlib.sha256(content.encode()).hexdigest()[:16])


def _query(block: re.Match[str]) -> Query:
    description = " ".join(line.removeprefix("--").strip() for line in block["description"].splitlines())
    # The only place where text of a file is trusted as SQL: these files are part of the program.
    return Query(block["name"], description, SQL(cast("LiteralString", block["text"].strip().rstrip(";"))))
