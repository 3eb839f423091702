"""What each revision leaves behind on an empty site, object by object, as Postgres itself writes it.

An existing database is compared with this, without building anything there. The files are made from real runs of the
revisions by `python -m tests.tools.reference`, and a test holds them against the revisions.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from psycopg.sql import Identifier, quote

from migrations.catalog import Snapshot, Thing
from migrations.connection import Target
from orchestration.errors import EspalierError

SCHEMA, EXTENSIONS = "schema_of_the_domain", "schema_of_extensions"


@dataclass(frozen=True)
class Reference:
    """A domain's objects by revision, the application's columns that revisions and jobs touch, first rows by table."""

    revisions: dict[str, Snapshot]
    needed: frozenset[str]
    rows: dict[str, list[str]]

    @property
    def needed_tables(self) -> set[str]:
        """The application's tables that revisions and jobs touch."""
        return {name.split(".")[0] for name in self.needed}

    def made_by(self, revision: str) -> Snapshot:
        """Tell what a revision makes or changes.

        Raises:
            EspalierError: the reference is older than the revision.
        """
        if revision not in self.revisions:
            raise EspalierError(f"{revision}: is not in the reference; run `python -m tests.tools.reference`")
        return self.revisions[revision]

    def expected(self, revisions: list[str]) -> Snapshot:
        """Tell what stands there when the given revisions are applied; the newest definition counts."""
        return {thing: text for name in revisions for thing, text in self.revisions.get(name, {}).items()}


def reference(target: Target) -> Reference:
    """Read a domain's reference, as it would be written in the schemas of a site.

    Raises:
        EspalierError: there is none.
    """
    content = _read(target.domain)
    revisions = {
        revision: {thing_of(name): _placed(text, target) for name, text in things.items()}
        for revision, things in content["revisions"].items()
    }
    return Reference(revisions, frozenset(content["needed"]), content["rows"])


def thing_of(written: str) -> Thing:
    """Read `kind name`."""
    kind, name = written.split(" ", 1)
    return Thing(kind, name)


def path_of(domain: str) -> Path:
    """Name the file of a domain."""
    return Path(__file__).parent / f"{domain}.json"


@cache
def _read(domain: str) -> dict[str, Any]:
    try:
        return json.loads(path_of(domain).read_text())
    except FileNotFoundError:
        raise EspalierError(f"{domain}: no reference {path_of(domain)}; use a complete checkout") from None


def _placed(text: str, target: Target) -> str:
    for token, schema in ((SCHEMA, target.schema), (EXTENSIONS, target.extensions)):
        text = text.replace(f"'{token}'", quote(schema)).replace(f"{token}.", f"{_identifier(schema)}.")
    return text


def _identifier(name: str) -> str:
    """Quote a name as Postgres does when it writes a definition: only where it must."""
    plain = name.isascii() and name.replace("_", "a").isalnum() and name == name.lower() and not name[0].isdigit()
    return name if plain else Identifier(name).as_string()
