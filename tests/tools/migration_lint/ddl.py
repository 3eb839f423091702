"""What several rules ask of DDL: the commands of an ALTER TABLE, the constraints it brings, the tables it locks."""

from collections.abc import Iterator
from typing import Any

from pglast import ast

from tests.tools.migration_lint.reading import Script, Statement
from tests.tools.migration_lint.tree import options, table_name, words

# These lock out no reader and no writer.
_GENTLE = (
    "AT_ValidateConstraint",
    "AT_SetStatistics",
    "AT_SetOptions",
    "AT_ResetOptions",
    "AT_DetachPartitionFinalize",
)
_DROPS = ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE", "OBJECT_INDEX")
_PART_DROPS = ("OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE")


def kind_of(node: Any, attribute: str = "subtype") -> str:
    """Name an enum's value."""
    value = getattr(node, attribute)
    return value.name if value is not None else ""


def commands(script: Script, *kinds: str) -> Iterator[tuple[Statement, ast.AlterTableStmt, ast.AlterTableCmd]]:
    """Give the commands of a kind (every kind, if none is named) of every ALTER TABLE."""
    for statement, node in script.each(ast.AlterTableStmt):
        for command in node.cmds or ():
            if not kinds or kind_of(command) in kinds:
                yield statement, node, command


def old_commands(script: Script, *kinds: str) -> Iterator[tuple[Statement, ast.AlterTableStmt, ast.AlterTableCmd]]:
    """Give those on tables that were there before the transaction."""
    return (found for found in commands(script, *kinds) if found[0].is_old(found[1].relation))


def constraints_of(command: ast.AlterTableCmd) -> Iterator[ast.Constraint]:
    """Give the constraints that a command adds, those of a new column among them."""
    added = command.def_
    if isinstance(added, ast.Constraint):
        yield added
    elif isinstance(added, ast.ColumnDef):
        yield from added.constraints or ()


def added_constraints(script: Script, *kinds: str) -> Iterator[tuple[Statement, ast.AlterTableStmt, ast.Constraint]]:
    """Give the constraints of a kind that are added to tables that were there before the transaction."""
    for statement, node, command in old_commands(script, "AT_AddConstraint", "AT_AddColumn"):
        for constraint in constraints_of(command):
            if kind_of(constraint, "contype") in kinds:
                yield statement, node, constraint


def new_constraints(table: ast.CreateStmt) -> Iterator[ast.Constraint]:
    """Give the constraints of a new table, those of its columns among them."""
    for element in table.tableElts or ():
        if isinstance(element, ast.Constraint):
            yield element
        elif isinstance(element, ast.ColumnDef):
            yield from element.constraints or ()


def is_concurrent(node: ast.Node) -> bool:
    """Whether a statement is done CONCURRENTLY."""
    if isinstance(node, ast.IndexStmt | ast.DropStmt):
        return bool(node.concurrent)
    if isinstance(node, ast.ReindexStmt):
        return "concurrently" in options(node.params)
    return isinstance(node, ast.AlterTableStmt) and any(_detaches_concurrently(command) for command in node.cmds or ())


def _detaches_concurrently(command: ast.AlterTableCmd) -> bool:
    partition = command.def_
    return isinstance(partition, ast.PartitionCmd) and bool(partition.concurrent)


def takes_its_time(node: ast.Node) -> bool:
    """Whether a statement may take hours and locks out nobody meanwhile."""
    if isinstance(node, ast.AlterTableStmt) and [kind_of(c) for c in node.cmds or ()] == ["AT_ValidateConstraint"]:
        return True
    return is_concurrent(node)


def _is_gentle(node: ast.Node) -> bool:
    """Whether a statement locks out no reader and no writer."""
    if isinstance(node, ast.AlterTableStmt) and all(kind_of(command) in _GENTLE for command in node.cmds or ()):
        return True
    return is_concurrent(node)


def referenced(statement: ast.Node) -> set[str]:
    """Name the tables that new foreign keys refer to: each is locked against writes for a moment."""
    if isinstance(statement, ast.CreateStmt):
        constraints = list(new_constraints(statement))
    elif isinstance(statement, ast.AlterTableStmt):
        constraints = [c for command in statement.cmds or () for c in constraints_of(command)]
    else:
        constraints = []
    return {table_name(c.pktable) for c in constraints if c.pktable is not None}


def locked_tables(statement: Statement) -> set[str]:
    """Name the tables that a statement locks against writes, and that clients may be using; ours are not theirs."""
    names = _main_tables(statement.node) | referenced(statement.node)
    return {name for name in names if name and statement.is_old(name) and not name.startswith("espalier.")}


def _main_tables(node: ast.Node) -> set[str]:
    if _is_gentle(node):
        return set()
    if isinstance(node, ast.AlterTableStmt | ast.RenameStmt | ast.IndexStmt | ast.CreateTrigStmt | ast.RuleStmt):
        return {table_name(node.relation)}
    if isinstance(node, ast.ClusterStmt | ast.RefreshMatViewStmt | ast.ReindexStmt):
        return {table_name(node.relation)}
    if isinstance(node, ast.CreatePolicyStmt | ast.AlterPolicyStmt):
        return {table_name(node.table)}
    if isinstance(node, ast.TruncateStmt | ast.LockStmt):
        return {table_name(relation) for relation in node.relations or ()}
    if isinstance(node, ast.CreateStmt):
        return {table_name(parent) for parent in node.inhRelations or ()}
    return _dropped(node) if isinstance(node, ast.DropStmt) else set()


def _dropped(node: ast.DropStmt) -> set[str]:
    kind = kind_of(node, "removeType")
    names = [words(item) for item in node.objects or ()]
    if kind in _PART_DROPS:
        return {".".join(name[:-1]) for name in names}
    return {".".join(name) for name in names} if kind in _DROPS else set()
