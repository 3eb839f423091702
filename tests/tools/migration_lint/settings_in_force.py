"""Which settings hold at a point of a script: those of the session, and above them those of the transaction."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pglast import ast

from tests.tools.migration_lint.tree import constant, ending, function_name, walk


@dataclass
class SettingsInForce:
    """Settings by name, as far as the script has set them."""

    session: dict[str, str] = field(default_factory=dict[str, str])
    local: dict[str, str] = field(default_factory=dict[str, str])

    def now(self) -> Mapping[str, str]:
        """Give what holds now."""
        return {**self.session, **self.local}

    def end_transaction(self) -> None:
        """Forget what was set for the transaction."""
        self.local.clear()

    def apply(self, node: ast.Node, *, in_transaction: bool) -> None:
        """Take what a statement sets."""
        if isinstance(node, ast.DiscardStmt):
            self.session.clear()
        elif isinstance(node, ast.VariableSetStmt):
            self._set_or_reset(node, in_transaction)
        elif isinstance(node, ast.SelectStmt):
            for name, value, is_local in set_config_calls(node):
                self._put(name, value, is_local=is_local, in_transaction=in_transaction)

    def _set_or_reset(self, node: ast.VariableSetStmt, in_transaction: bool) -> None:
        kind = node.kind.name if node.kind is not None else ""
        if kind == "VAR_RESET_ALL":
            self.session.clear()
            self.local.clear()
        elif kind == "VAR_SET_VALUE":
            value = ", ".join(constant(argument) or "" for argument in node.args or ())
            self._put(str(node.name), value, is_local=bool(node.is_local), in_transaction=in_transaction)
        elif kind in ("VAR_SET_DEFAULT", "VAR_RESET"):
            self.session.pop(str(node.name), None)
            self.local.pop(str(node.name), None)

    def _put(self, name: str, value: str, *, is_local: bool, in_transaction: bool) -> None:
        if not is_local:
            self.session[name] = value
            self.local.pop(name, None)
        elif in_transaction:
            self.local[name] = value


def set_config_calls(node: ast.Node) -> Iterator[tuple[str, str, bool]]:
    """Give name, end of the value, and whether it is for the transaction only, of each call of set_config."""
    for call in walk(node):
        given = list(call.args or ()) if isinstance(call, ast.FuncCall) and function_name(call) == "set_config" else []
        if len(given) == 3:
            yield constant(given[0]) or "", ending(given[1]) or "", constant(given[2]) != "False"
