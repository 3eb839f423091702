"""A right as it is written down: who may do what to which object; and the statements that give and take it."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Literal, LiteralString, NamedTuple, cast

from psycopg.sql import SQL, Composable, Composed, Identifier

PUBLIC = "PUBLIC"
Kind = Literal["schema", "table", "sequence", "function", "database", "default"]
_KEYWORDS: dict[Kind, LiteralString] = {
    "schema": "SCHEMA",
    "table": "TABLE",
    "sequence": "SEQUENCE",
    "function": "FUNCTION",
    "database": "DATABASE",
}
# The letters of psql's \dp; those above the line are never given.
LETTERS: dict[str, LiteralString] = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE", "U": "USAGE"}
_RIGHTS: tuple[LiteralString, ...] = (
    *LETTERS.values(),
    *("TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN", "EXECUTE", "CREATE", "CONNECT", "TEMPORARY"),
)


class Grant(NamedTuple):
    """One right of one role: on a schema, on what is in it, or on a column of that; `grantable`: it may be passed on.

    A function's name has its arguments; a default right (ALTER DEFAULT PRIVILEGES) names whose objects of which kind.
    """

    role: str
    right: str
    kind: Kind
    schema: str
    name: str = ""
    column: str = ""
    grantable: bool = False

    def __str__(self) -> str:
        place = ".".join(part for part in (self.schema, self.name, self.column) if part)
        return f"{self.right} on {place}{' with grant option' if self.grantable else ''}"

    @property
    def words(self) -> str:
        """Say it with its role."""
        return f"{self.role}: {self}"


def given(grants: Iterable[Grant]) -> Iterator[Composed]:
    """Write the statements that give rights, one for each role and object."""
    yield from _statements("GRANT {} ON {} TO {}", grants)


def taken(grants: Iterable[Grant]) -> Iterator[Composed]:
    """Write the statements that take rights away; whoever had one from the role loses it, too."""
    yield from _statements("REVOKE {} ON {} FROM {} CASCADE", grants)


def _statements(template: LiteralString, grants: Iterable[Grant]) -> Iterator[Composed]:
    ordered = sorted(grants, key=_object)
    for _, same in groupby(ordered, key=_object):
        rights = list(same)
        first = rights[0]
        role = SQL(PUBLIC) if first.role == PUBLIC else Identifier(first.role)
        yield SQL(template).format(SQL(", ").join(_rights(rights)), _place(first), role)


def _object(grant: Grant) -> tuple[str, ...]:
    return grant.schema, grant.kind, grant.name, grant.role


def _rights(grants: list[Grant]) -> Iterator[Composable]:
    by_right = sorted(grants, key=lambda grant: (grant.right, grant.column))
    for right, same in groupby(by_right, key=lambda grant: grant.right):
        columns = [grant.column for grant in same]
        if columns[0] == "":
            yield _word(right)
        named = [Identifier(column) for column in columns if column]
        if named:
            yield SQL("{} ({})").format(_word(right), SQL(", ").join(named))


def _place(grant: Grant) -> Composed:
    keyword = SQL(_KEYWORDS[grant.kind])
    if grant.kind in ("schema", "database"):
        return SQL("{} {}").format(keyword, Identifier(grant.schema))
    name, bracket, arguments = grant.name.partition("(")
    # The arguments are as Postgres wrote them, from its own catalog.
    signature = SQL(cast("LiteralString", bracket + arguments))
    return SQL("{} {}{}").format(keyword, Identifier(grant.schema, name), signature)


def _word(right: str) -> SQL:
    return SQL(_RIGHTS[_RIGHTS.index(cast("LiteralString", right))])
