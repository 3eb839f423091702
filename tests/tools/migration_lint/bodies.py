"""What stands in a DO block or in the body of a function: its statements, and what PL/pgSQL does besides."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pglast import ast, parse_plpgsql, parse_sql
from pglast.error import Error

from tests.tools.migration_lint.tree import options, words

_LOOPS = (
    "PLpgSQL_stmt_loop",
    "PLpgSQL_stmt_while",
    "PLpgSQL_stmt_fori",
    "PLpgSQL_stmt_fors",
    "PLpgSQL_stmt_forc",
    "PLpgSQL_stmt_dynfors",
    "PLpgSQL_stmt_foreach_a",
)
_DYNAMIC = ("PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors")
_FULL_STATEMENT, _EXPRESSION = 0, 2


class DynamicSql(ast.Node):
    """Stands for an EXECUTE of PL/pgSQL: what it runs is known only when it runs."""

    __slots__ = ()

    def __init__(self) -> None:
        """Make the mark; it has nothing in it."""

    def __iter__(self) -> Iterator[str]:
        return iter(())


class SwallowedError(DynamicSql):
    """Stands for an exception handler that raises nothing."""

    __slots__ = ()


@dataclass(frozen=True)
class Part:
    """A statement or an expression inside a body; or what makes the body unreadable."""

    node: ast.Node | None
    text: str
    line: int
    runs_now: bool
    looped: bool = False
    problem: str = ""


def parts_of(node: ast.Node, text: str) -> Iterator[Part]:
    """Give what stands in the body of a DO block or a function; nothing for other statements."""
    if not isinstance(node, ast.DoStmt | ast.CreateFunctionStmt):
        return
    given = options(node.args if isinstance(node, ast.DoStmt) else node.options)
    runs_now = isinstance(node, ast.DoStmt)
    language = words(given.get("language"))[-1:] or ("plpgsql" if runs_now else "sql",)
    body = given.get("as")
    source = words(body)[0] if body else ""
    first = text.count("\n", 0, max(text.find(source), 0)) + 1
    try:
        if language == ("plpgsql",):
            yield from _Body(runs_now, first).parts(parse_plpgsql(text))
        elif language == ("sql",) and source:
            yield from (Part(raw.stmt, source, first, runs_now) for raw in parse_sql(source))
    except Error as error:
        yield Part(None, "", first, runs_now, problem=f"the body cannot be read: {error.args[0]}")


@dataclass(frozen=True)
class _Body:
    runs_now: bool
    first_line: int

    def parts(self, tree: Any, line: int = 1, *, looped: bool = False) -> Iterator[Part]:
        if isinstance(tree, list):
            for item in tree:
                yield from self.parts(item, line, looped=looped)
        elif isinstance(tree, dict):
            for kind, content in tree.items():
                yield from self._of(kind, content, line, looped=looped)

    def _of(self, kind: str, content: Any, line: int, *, looped: bool) -> Iterator[Part]:
        here = content.get("lineno", line) if isinstance(content, dict) else line
        at = self.first_line + here - 1
        if kind == "PLpgSQL_expr":
            yield from self._expression(content, at, looped=looped)
            return
        if kind in _DYNAMIC or (isinstance(content, dict) and "dynquery" in content):
            yield Part(DynamicSql(), "EXECUTE", at, self.runs_now)
        if kind == "PLpgSQL_exception" and not _raises(content.get("action")):
            yield Part(SwallowedError(), "EXCEPTION WHEN", at, self.runs_now)
        yield from self.parts(content, here, looped=looped or kind in _LOOPS)

    def _expression(self, content: Any, line: int, *, looped: bool) -> Iterator[Part]:
        query, mode = str(content["query"]), content.get("parseMode", _FULL_STATEMENT)
        if mode > _EXPRESSION:
            query = query.partition(":=" if ":=" in query else "=")[2]
        statement = query if mode == _FULL_STATEMENT else f"SELECT {query}"
        for raw in parse_sql(statement):
            yield Part(raw.stmt, query, line, self.runs_now, looped=looped)


def _raises(tree: Any) -> bool:
    """Whether a handler raises again, at once or below a condition."""
    if isinstance(tree, list):
        return any(_raises(item) for item in tree)
    if isinstance(tree, dict):
        return "PLpgSQL_stmt_raise" in tree or any(_raises(item) for item in tree.values())
    return False
