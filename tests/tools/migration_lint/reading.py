"""A revision's script as Postgres reads it: its statements, each with the settings and the transaction it runs in.

What stands in a DO block runs with the script and is read as if it stood there; what stands in a function's body runs
later, for whoever calls it. Which statements are unsafe is decided by the rules.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeVar

from pglast import ast, parse_sql
from pglast.parser import ParseError

from tests.tools.migration_lint.bodies import Part, parts_of
from tests.tools.migration_lint.settings_in_force import SettingsInForce
from tests.tools.migration_lint.tree import table_name, walk

Direction = Literal["up", "down"]
Place = Literal["script", "do", "function"]
N = TypeVar("N", bound=ast.Node)


@dataclass(frozen=True, eq=False)
class Statement:
    """One statement, with what holds when it runs."""

    node: ast.Node
    text: str
    line: int
    place: Place
    looped: bool
    transaction: int | None
    settings: Mapping[str, str]
    made_here: frozenset[str]

    @cached_property
    def nodes(self) -> tuple[ast.Node, ...]:
        """Every node of the statement."""
        return tuple(walk(self.node))

    @cached_property
    def _by_kind(self) -> Mapping[type[ast.Node], list[ast.Node]]:
        found: dict[type[ast.Node], list[ast.Node]] = {}
        for node in self.nodes:
            found.setdefault(type(node), []).append(node)
        return found

    def of(self, kind: type[N]) -> Iterator[N]:
        """Give its nodes of a kind."""
        return (node for node in self._by_kind.get(kind, ()) if isinstance(node, kind))

    def is_old(self, relation: ast.RangeVar | str | None) -> bool:
        """Whether a table was there before this transaction, so that clients may be using it."""
        name = relation if isinstance(relation, str) else table_name(relation)
        return name not in self.made_here


@dataclass(frozen=True, eq=False)
class Script:
    """The SQL of one revision in one direction, read after those that come before it."""

    name: str
    direction: Direction
    text: str
    statements: tuple[Statement, ...] = ()
    past: tuple[Statement, ...] = ()
    unreadable: tuple[tuple[int, str], ...] = ()

    def each(self, kind: type[N], *, in_functions: bool = False) -> Iterator[tuple[Statement, N]]:
        """Give every node of a kind with its statement; inside functions' bodies only when asked for."""
        for statement in self.statements:
            if in_functions or statement.place != "function":
                for node in statement.of(kind):
                    yield statement, node

    def before(self, statement: Statement, kind: type[N]) -> Iterator[N]:
        """Give every node of a kind that ran before a statement, in this script or in an earlier one."""
        for earlier in (*self.past, *self.statements):
            if earlier is statement:
                return
            yield from earlier.of(kind)

    def together(self, statement: Statement) -> Iterator[Statement]:
        """Give the statements that run in the same transaction."""
        for other in self.statements:
            if other is statement or (other.transaction is not None and other.transaction == statement.transaction):
                yield other


def read(name: str, direction: Direction, text: str, past: Iterable[Statement] = ()) -> Script:
    """Parse a script."""
    reader = _Reader(text)
    try:
        reader.take_all()
    except ParseError as error:
        said, place = (*error.args, 0)[:2]
        reader.unreadable.append((text.count("\n", 0, place or 0) + 1, str(said)))
    return Script(name, direction, text, tuple(reader.statements), tuple(past), tuple(reader.unreadable))


@dataclass
class _Reader:
    text: str
    statements: list[Statement] = field(default_factory=list[Statement])
    unreadable: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    settings: SettingsInForce = field(default_factory=SettingsInForce)
    transactions: int = 0
    is_open: bool = False
    made: set[str] = field(default_factory=set[str])

    def take_all(self) -> None:
        for raw in parse_sql(self.text):
            start = raw.stmt_location or 0
            text = self.text[start : start + raw.stmt_len] if raw.stmt_len else self.text[start:]
            own = _without_leading_comments(text)
            line = self.text.count("\n", 0, start + len(text) - len(own)) + 1
            if raw.stmt is not None:
                self._take(raw.stmt, own, line, "script", looped=False)

    def _take(self, node: ast.Node, text: str, line: int, place: Place, *, looped: bool) -> None:
        if isinstance(node, ast.DoStmt) and not self.is_open:
            self._begin()
            self._take(node, text, line, place, looped=looped)
            self._end()
            return
        self._begin_or_end(node)
        transaction = self.transactions if self.is_open else None
        settings, made = self.settings.now(), frozenset(self.made)
        self.statements.append(Statement(node, text, line, place, looped, transaction, settings, made))
        if place != "function":
            self.settings.apply(node, in_transaction=self.is_open)
            self._note_made(node)
        for part in parts_of(node, text):
            self._take_part(part, line)

    def _take_part(self, part: Part, line: int) -> None:
        if part.problem:
            self.unreadable.append((line + part.line - 1, part.problem))
        if part.node is not None:
            place: Place = "do" if part.runs_now else "function"
            self._take(part.node, part.text, line + part.line - 1, place, looped=part.looped)

    def _begin_or_end(self, node: ast.Node) -> None:
        kind = node.kind.name if isinstance(node, ast.TransactionStmt) and node.kind is not None else ""
        if kind in ("TRANS_STMT_BEGIN", "TRANS_STMT_START"):
            self._begin()
        elif kind in ("TRANS_STMT_COMMIT", "TRANS_STMT_ROLLBACK", "TRANS_STMT_PREPARE"):
            self._end()

    def _begin(self) -> None:
        self.is_open, self.transactions = True, self.transactions + 1

    def _end(self) -> None:
        self.is_open = False
        self.made.clear()
        self.settings.end_transaction()

    def _note_made(self, node: ast.Node) -> None:
        for inner in walk(node):
            if isinstance(inner, ast.CreateStmt):
                self.made.add(table_name(inner.relation))
            elif isinstance(inner, ast.CreateTableAsStmt) and inner.into is not None:
                self.made.add(table_name(inner.into.rel))
        if not self.is_open:
            self.made.clear()


def _without_leading_comments(text: str) -> str:
    """Drop blank lines and line comments before a statement, as the parser counts them to it."""
    lines = text.splitlines(keepends=True)
    while lines and (not lines[0].strip() or lines[0].lstrip().startswith("--")):
        lines.pop(0)
    return "".join(lines).lstrip()
