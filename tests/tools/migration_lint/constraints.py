"""Rules about constraints and columns: what reads or rewrites a whole table while it is locked."""

from collections.abc import Iterator
from typing import Any

from pglast import ast

from tests.tools.migration_lint.ddl import (
    added_constraints,
    constraints_of,
    kind_of,
    locked_tables,
    new_constraints,
    old_commands,
)
from tests.tools.migration_lint.reading import Script, Statement
from tests.tools.migration_lint.registry import Found, rule
from tests.tools.migration_lint.tree import function_name, table_name, walk, words

_NAMED = ("CONSTR_PRIMARY", "CONSTR_UNIQUE", "CONSTR_FOREIGN", "CONSTR_CHECK", "CONSTR_EXCLUSION")
_SERIAL = ("serial", "bigserial", "smallserial", "serial4", "serial8", "serial2")
# Evaluated once for the statement, so that no row is written.
_STABLE = (
    "now",
    "transaction_timestamp",
    "statement_timestamp",
    "current_setting",
    "lower",
    "upper",
    "jsonb_build_object",
)
_REWRITES = ("AT_SetLogged", "AT_SetUnLogged", "AT_SetTableSpace", "AT_SetAccessMethod")


@rule
def foreign_key_scans(script: Script) -> Found:
    """A foreign key reads every row of the table while writers of both tables wait."""
    for statement, node, constraint in added_constraints(script, "CONSTR_FOREIGN"):
        if not constraint.skip_validation:
            yield statement, f"foreign key {constraint.conname or ''} on {table_name(node.relation)} without NOT VALID"


@rule
def check_scans(script: Script) -> Found:
    """A check constraint reads every row while nobody may use the table."""
    for statement, node, constraint in added_constraints(script, "CONSTR_CHECK"):
        if not constraint.skip_validation:
            yield statement, f"check {constraint.conname or ''} on {table_name(node.relation)} without NOT VALID"


@rule
def validated_under_lock(script: Script) -> Found:
    """Validated where something else locks, as in the transaction that added it, it reads every row under that lock."""
    for statement, _node, command in old_commands(script, "AT_ValidateConstraint"):
        locked = {name for other in script.together(statement) for name in locked_tables(other)}
        if locked:
            yield statement, f"{command.name} is validated while {', '.join(sorted(locked))} is locked"


@rule
def unique_builds_index(script: Script) -> Found:
    """A unique, primary key or exclusion constraint builds its index while nobody may use the table."""
    kinds = ("CONSTR_UNIQUE", "CONSTR_PRIMARY", "CONSTR_EXCLUSION")
    for statement, node, constraint in added_constraints(script, *kinds):
        if not constraint.indexname:
            yield statement, f"{constraint.conname or 'constraint'} on {table_name(node.relation)} without USING INDEX"


@rule
def not_null_scans(script: Script) -> Found:
    """SET NOT NULL reads every row while nobody may use the table, unless a validated check has proved it."""
    for statement, node, command in old_commands(script, "AT_SetNotNull"):
        if not _is_proved(script, statement, table_name(node.relation), str(command.name)):
            yield statement, f"SET NOT NULL on {table_name(node.relation)}.{command.name} without a validated check"
    for statement, node, constraint in added_constraints(script, "CONSTR_NOTNULL"):
        if constraint.keys and not constraint.skip_validation:
            yield statement, f"NOT NULL {constraint.conname or ''} on {table_name(node.relation)} without NOT VALID"


def _is_proved(script: Script, statement: Statement, table: str, column: str) -> bool:
    """Whether a check `column IS NOT NULL` was validated before, here or by an earlier revision."""
    proving: set[str] = set()
    for alter in script.before(statement, ast.AlterTableStmt):
        if table_name(alter.relation) == table:
            for command in alter.cmds or ():
                proving |= {str(c.conname) for c in constraints_of(command) if _says_not_null(c, column)}
                if kind_of(command) == "AT_ValidateConstraint" and command.name in proving:
                    return True
    return False


def _says_not_null(constraint: ast.Constraint, column: str) -> bool:
    test = constraint.raw_expr
    return (
        isinstance(test, ast.NullTest)
        and kind_of(test, "nulltesttype") == "IS_NOT_NULL"
        and isinstance(test.arg, ast.ColumnRef)
        and words(test.arg.fields) == (column,)
    )


@rule
def required_column(script: Script) -> Found:
    """A new column that must not be null and has no default fails on every table that has a row."""
    for statement, node, column in _new_columns(script):
        kinds = {kind_of(c, "contype") for c in column.constraints or ()}
        if "CONSTR_NOTNULL" in kinds and not kinds & {"CONSTR_DEFAULT", "CONSTR_IDENTITY", "CONSTR_GENERATED"}:
            yield statement, f"{table_name(node.relation)}.{column.colname} is NOT NULL without a default"


@rule
def volatile_default(script: Script) -> Found:
    """A default that differs from row to row rewrites the table while nobody may use it."""
    for statement, node, column in _new_columns(script):
        reason = _rewriting(column)
        if reason:
            yield statement, f"{table_name(node.relation)}.{column.colname} has {reason}"


def _new_columns(script: Script) -> Iterator[tuple[Statement, ast.AlterTableStmt, ast.ColumnDef]]:
    for statement, node, command in old_commands(script, "AT_AddColumn"):
        if isinstance(command.def_, ast.ColumnDef):
            yield statement, node, command.def_


def _rewriting(column: ast.ColumnDef) -> str | None:
    if words(column.typeName)[-1:] and words(column.typeName)[-1] in _SERIAL:
        return "a sequence"
    for constraint in column.constraints or ():
        kind = kind_of(constraint, "contype")
        if kind in ("CONSTR_IDENTITY", "CONSTR_GENERATED"):
            return "a value for each row"
        if kind == "CONSTR_DEFAULT" and (called := _unstable_calls(constraint.raw_expr)):
            return f"a default that calls {called[0]}"
    return None


def _unstable_calls(expression: Any) -> list[str]:
    calls = [function_name(call) for call in walk(expression) if isinstance(call, ast.FuncCall)]
    return [name for name in calls if name not in _STABLE]


@rule
def type_change_rewrites(script: Script) -> Found:
    """Another type rewrites the table and its indexes while nobody may use it."""
    for statement, node, command in old_commands(script, "AT_AlterColumnType"):
        yield statement, f"ALTER COLUMN {table_name(node.relation)}.{command.name} TYPE"


@rule
def table_rewrites(script: Script) -> Found:
    """Another way of storing a table writes all of it anew while nobody may use it."""
    for statement, node, _command in old_commands(script, *_REWRITES):
        yield statement, f"stores {table_name(node.relation)} in another way"


@rule
def attach_scans(script: Script) -> Found:
    """Attaching a partition reads all of it under lock, unless a validated check has proved where its rows belong."""
    for statement, _node, command in old_commands(script, "AT_AttachPartition"):
        table = table_name(command.def_.name) if isinstance(command.def_, ast.PartitionCmd) else ""
        if statement.is_old(table) and not _has_validated_check(script, statement, table):
            yield statement, f"ATTACH PARTITION {table} without a validated check"


def _has_validated_check(script: Script, statement: Statement, table: str) -> bool:
    alters = [alter for alter in script.before(statement, ast.AlterTableStmt) if table_name(alter.relation) == table]
    tables = [new for new in script.before(statement, ast.CreateStmt) if table_name(new.relation) == table]
    return any(kind_of(command) == "AT_ValidateConstraint" for alter in alters for command in alter.cmds or ()) or any(
        kind_of(constraint, "contype") == "CONSTR_CHECK" for new in tables for constraint in new_constraints(new)
    )


@rule
def unnamed_constraint(script: Script) -> Found:
    """A name that Postgres makes up differs between sites, and the way down does not know it."""
    for statement, node in script.each(ast.CreateStmt):
        yield from _unnamed(statement, table_name(node.relation), new_constraints(node))
    for statement, node in script.each(ast.AlterTableStmt):
        for command in node.cmds or ():
            yield from _unnamed(statement, table_name(node.relation), constraints_of(command))


def _unnamed(statement: Statement, table: str, constraints: Iterator[ast.Constraint]) -> Found:
    for constraint in constraints:
        kind = kind_of(constraint, "contype")
        if kind in _NAMED and not constraint.conname:
            yield statement, f"a {kind.removeprefix('CONSTR_').lower()} constraint of {table} has no name"


@rule
def unnamed_index(script: Script) -> Found:
    """A name that Postgres makes up differs between sites, and the way down does not know it."""
    for statement, node in script.each(ast.IndexStmt):
        if not node.idxname:
            yield statement, f"an index on {table_name(node.relation)} has no name"
