"""The list of `migrations/grants.toml`, read and refused where it contradicts itself. Nothing here connects."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from migrations.grants.grant import LETTERS, Grant
from orchestration.database_roles import document
from orchestration.errors import EspalierError

Columns = Mapping[str, Collection[str]]
NO_VIEW = ("secret", "state", "record", "key")


@dataclass(frozen=True)
class Matrix:
    """What stands in the list for one domain, or for our own schema."""

    classes: Mapping[str, Mapping[str, str]]
    tables: Mapping[str, str]
    columns: Mapping[str, Mapping[str, Mapping[str, list[str]]]]
    sequences: Mapping[str, Mapping[str, str]]
    functions: Mapping[str, list[str]]

    def class_of(self, table: str) -> str | None:
        """Name the class of a table; None for one that is not listed."""
        exact = self.tables.get(table)
        return exact or next((kind for name, kind in self.tables.items() if fnmatchcase(table, name)), None)

    def on_tables(self, roles: Mapping[str, str], schema: str, present: Columns) -> Iterator[Grant]:
        """List the rights on the tables and columns that are present, for roles by their short names."""
        for table, there in present.items():
            rights = self.classes.get(self.class_of(table) or "", {})
            for role, letters in rights.items():
                if role in roles:
                    yield from (Grant(roles[role], LETTERS[letter], "table", schema, table) for letter in letters)
            yield from self._on_columns(roles, schema, table, there)

    def _on_columns(self, roles: Mapping[str, str], schema: str, table: str, there: Collection[str]) -> Iterator[Grant]:
        for role in self.columns.keys() & roles.keys():
            for letter, names in self.columns[role].get(table, {}).items():
                for name in names:
                    if name in there:
                        yield Grant(roles[role], LETTERS[letter], "table", schema, table, name)

    def on_sequences(self, roles: Mapping[str, str], schema: str) -> Iterator[Grant]:
        """List the rights on sequences."""
        for name, rights in self.sequences.items():
            for role in rights.keys() & roles.keys():
                yield from (Grant(roles[role], LETTERS[x], "sequence", schema, name) for x in rights[role])

    def on_functions(self, roles: Mapping[str, str], schema: str, present: Collection[str]) -> Iterator[Grant]:
        """List the rights on the functions that are present."""
        for name in self.functions.keys() & set(present):
            for role in self.functions[name]:
                if role == "PUBLIC" or role in roles:
                    yield Grant(roles.get(role, role), "EXECUTE", "function", schema, name)


@cache
def matrix(domain: str) -> Matrix:
    """Read the list of a domain, or of `espalier`.

    Raises:
        EspalierError: it names a class, a role or a letter that there is not, or a table twice.
    """
    file = document()
    part: Mapping[str, Any] = file.get(domain, {})
    found = Matrix(
        classes=file["classes"],
        tables=dict(_tables(domain, file["classes"], part.get("tables", {}))),
        columns=part.get("columns", {}),
        sequences=part.get("sequences", {}),
        functions=part.get("functions", {}),
    )
    _refuse_unknown(domain, found, file["roles"])
    return found


def who(section: str, name: str) -> list[str]:
    """Name the roles that a line of `[schemas]` or `[database]` is for."""
    return list(document()[section].get(name, []))


def _tables(domain: str, classes: Mapping[str, Any], listed: Mapping[str, list[str]]) -> Iterator[tuple[str, str]]:
    seen = set[str]()
    for kind, names in listed.items():
        if kind not in classes:
            raise EspalierError(f"grants.toml: {domain}: no class {kind}; allowed are {', '.join(classes)}")
        for name in names:
            if name in seen:
                raise EspalierError(f"grants.toml: {domain}: table {name} stands in two classes; leave one")
            seen.add(name)
            yield name, kind


def _refuse_unknown(domain: str, found: Matrix, roles: Collection[str]) -> None:
    rights = [*found.classes.values(), *found.sequences.values()]
    letters = {letter for right in rights for word in right.values() for letter in word}
    letters |= {letter for tables in found.columns.values() for columns in tables.values() for letter in columns}
    named = {role for right in rights for role in right} | set(found.columns)
    named |= {role for who in found.functions.values() for role in who if role != "PUBLIC"}
    for what, unknown in (("letter", letters - LETTERS.keys()), ("role", named - set(roles))):
        if unknown:
            raise EspalierError(f"grants.toml: {domain}: no {what} {', '.join(sorted(unknown))}")


def classes() -> list[dict[str, str]]:
    """Give the classes as rows, for people: what each means to each role, and how many tables it has."""
    file = document()
    parts = [part["tables"] for part in file.values() if "tables" in part]
    return [
        {
            "class": name,
            "app": rights.get("app", "-"),
            "jobs": rights.get("jobs", "-"),
            "analytics": "-" if name in NO_VIEW else "masked view",
            "tables": str(sum(len(part.get(name, ())) for part in parts)),
        }
        for name, rights in file["classes"].items()
    ]
