"""What a revision decides in Python: a guard there is not in the script that is reviewed, and does not run by hand."""

import ast
from collections.abc import Iterator

_DECIDES = (ast.If, ast.IfExp, ast.Raise, ast.Try, ast.Assert, ast.While, ast.Match)
_ASKS = ("get_bind", "get_context", "inspect", "scalar", "fetchone", "fetchall", "is_offline_mode", "as_sql")


def decisions(source: str) -> Iterator[str]:
    """Give what a revision's module decides or asks for itself, with the line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, _DECIDES):
            yield f"{node.lineno}: {type(node).__name__}"
        elif isinstance(node, ast.Attribute) and node.attr in _ASKS:
            yield f"{node.lineno}: {node.attr}"
        elif isinstance(node, ast.comprehension) and node.ifs:
            yield f"{node.ifs[0].lineno}: a filter"
