"""What the rules ask of a parsed statement: the nodes in it, the names it uses, the numbers and texts it sets."""

import re
from collections.abc import Iterator
from typing import Any

from pglast import ast

_MILLISECONDS = {"us": 0.001, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


def walk(node: object) -> Iterator[ast.Node]:
    """Give a node and every node below it, in the order of the text."""
    waiting = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, ast.Node):
            yield item
            waiting.extend(getattr(item, attribute) for attribute in reversed(_attributes(item)))
        elif isinstance(item, tuple):
            waiting.extend(reversed(item))


def _attributes(node: ast.Node) -> list[str]:
    return list(node)


def table_name(relation: ast.RangeVar | None) -> str:
    """Write a relation's name as the statement has it."""
    if relation is None:
        return ""
    return f"{relation.schemaname}.{relation.relname}" if relation.schemaname else str(relation.relname)


def words(names: Any) -> tuple[str, ...]:
    """Give the parts of a name that is a list of strings, or of one that stands inside an object's description."""
    if isinstance(names, ast.ObjectWithArgs):
        return words(names.objname)
    if isinstance(names, ast.TypeName):
        return words(names.names)
    if isinstance(names, ast.RangeVar):
        return tuple(part for part in (names.schemaname, names.relname) if part)
    if isinstance(names, ast.String):
        return (str(names.sval),)
    return tuple(str(part.sval) for part in names or () if isinstance(part, ast.String))


def function_name(call: ast.FuncCall) -> str:
    """Name the function that is called, without its schema."""
    return words(call.funcname)[-1]


def constant(node: object) -> str | None:
    """Give the text of a constant, also below a cast; None for what is computed."""
    if isinstance(node, ast.TypeCast):
        return constant(node.arg)
    if not isinstance(node, ast.A_Const) or node.isnull:
        return None
    value = node.val
    for attribute in ("sval", "ival", "boolval", "fval"):
        if hasattr(value, attribute):
            return str(getattr(value, attribute))
    return None


def ending(node: object) -> str | None:
    """Give a constant, or of `a || 'b'` the b, after three dots."""
    if isinstance(node, ast.A_Expr) and words(node.name) == ("||",):
        return f"…{constant(node.rexpr) or ''}"
    return constant(node)


def milliseconds(text: str | None) -> float | None:
    """Read a time-out as Postgres does: a number alone is milliseconds. None for what is no number."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d)?\s*", text or "")
    return float(found[1]) * _MILLISECONDS[found[2] or "ms"] if found else None


def options(node: Any) -> dict[str, Any]:
    """Give the options of a statement (`DefElem`s) by their names."""
    return {str(o.defname): o.arg for o in node or () if isinstance(o, ast.DefElem)}
