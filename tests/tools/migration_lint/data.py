"""Rules about rows: a revision moves none; assets do, in batches that can be stopped and taken up again."""

import re
from typing import Any

from pglast import ast

from tests.tools.migration_lint.ddl import kind_of, old_commands
from tests.tools.migration_lint.reading import Script, Statement
from tests.tools.migration_lint.registry import Found, rule
from tests.tools.migration_lint.settings_in_force import set_config_calls
from tests.tools.migration_lint.tree import constant, function_name, table_name, walk, words

_KEY = re.compile(r"(^id|_id|Id|[kK]ey|^job|^version_num)$")
_FILES = ("lo_import", "lo_export", "pg_read_", "pg_ls_", "pg_file_")
_OFF = ("AT_DisableTrig", "AT_DisableTrigAll", "AT_DisableTrigUser", "AT_DisableRule")


@rule
def full_table_update(script: Script) -> Found:
    """An UPDATE of every row locks them all until the end, and leaves a dead row for each."""
    for statement, node in script.each(ast.UpdateStmt, in_functions=True):
        if _is_every_row(node.whereClause) and _is_clients(statement, node.relation):
            yield statement, f"updates {table_name(node.relation)} without WHERE"


@rule
def full_table_delete(script: Script) -> Found:
    """A DELETE of every row locks them all, and what it deletes is gone."""
    for statement, node in script.each(ast.DeleteStmt, in_functions=True):
        if _is_every_row(node.whereClause) and _is_clients(statement, node.relation):
            yield statement, f"deletes from {table_name(node.relation)} without WHERE"


def _is_clients(statement: Statement, relation: ast.RangeVar | None) -> bool:
    """Whether clients may be using the table; inside a function it is there before, whoever made it."""
    return statement.place == "function" or statement.is_old(relation)


def _is_every_row(where: Any) -> bool:
    """Whether a condition holds for every row: there is none, or it compares constants."""
    return where is None or not any(isinstance(node, ast.ColumnRef | ast.SubLink) for node in walk(where))


@rule
def backfill_in_migration(script: Script) -> Found:
    """Rows moved in one transaction are locked until its end, and all of it is lost when it is interrupted."""
    for kind in (ast.UpdateStmt, ast.DeleteStmt):
        for statement, node in script.each(kind):
            where = node.whereClause
            if statement.is_old(node.relation) and not _is_every_row(where) and not _is_bounded(statement, where):
                yield statement, f"changes any number of rows of {table_name(node.relation)}"
    for statement, node in script.each(ast.InsertStmt):
        if isinstance(node.selectStmt, ast.SelectStmt) and _copies(statement, node.selectStmt):
            yield statement, f"copies any number of rows into {table_name(node.relation)}"
    for statement, node in script.each(ast.MergeStmt):
        yield statement, f"merges any number of rows into {table_name(node.relation)}"


def _copies(statement: Statement, select: ast.SelectStmt) -> bool:
    """Whether a query reads a table that was there before, and as much of it as there is."""
    sources = [node for node in walk(select.fromClause) if isinstance(node, ast.RangeVar)]
    is_bounded = select.limitCount is not None or _is_bounded(statement, select.whereClause)
    return any(statement.is_old(source) for source in sources) and not is_bounded


def _is_bounded(statement: Statement, where: Any) -> bool:
    """Whether a condition leaves a batch: a key equals constants, or is in a query with LIMIT; a loop is none."""
    if statement.looped:
        return False
    if isinstance(where, ast.BoolExpr):
        return kind_of(where, "boolop") == "AND_EXPR" and any(_is_bounded(statement, part) for part in where.args or ())
    if isinstance(where, ast.A_Expr) and words(where.name) == ("=",) and isinstance(where.lexpr, ast.ColumnRef):
        if isinstance(where.rexpr, ast.SubLink):
            return _limits(where.rexpr)
        wanted = where.rexpr if isinstance(where.rexpr, tuple) else (where.rexpr,)
        return bool(_KEY.search(words(where.lexpr.fields)[-1])) and all(constant(value) is not None for value in wanted)
    return _limits(where)


def _limits(where: Any) -> bool:
    query = where.subselect if isinstance(where, ast.SubLink) else None
    return isinstance(query, ast.SelectStmt) and query.limitCount is not None


@rule
def truncates(script: Script) -> Found:
    """TRUNCATE locks out everyone and cannot be seen by who reads an older snapshot."""
    for statement, node in script.each(ast.TruncateStmt, in_functions=True):
        tables = [table_name(relation) for relation in node.relations or ()]
        if statement.place == "function" or any(statement.is_old(table) for table in tables):
            yield statement, f"TRUNCATE {', '.join(tables)}"


@rule
def copies_files(script: Script) -> Found:
    """COPY reads and writes files of the server, or what a client sends: neither is part of a revision."""
    for statement, _node in script.each(ast.CopyStmt, in_functions=True):
        yield statement, "COPY"
    for statement, call in script.each(ast.FuncCall, in_functions=True):
        if function_name(call).startswith(_FILES):
            yield statement, f"calls {function_name(call)}"


@rule
def create_table_as(script: Script) -> Found:
    """A table made from a query has no keys, no checks, and types that nobody has written down."""
    for statement, node in script.each(ast.CreateTableAsStmt):
        if kind_of(node, "objtype") == "OBJECT_TABLE" and node.into is not None:
            yield statement, f"CREATE TABLE {table_name(node.into.rel)} AS"
    for statement, node in script.each(ast.SelectStmt):
        if node.intoClause is not None:
            yield statement, f"SELECT INTO {table_name(node.intoClause.rel)}"


@rule
def triggers_off(script: Script) -> Found:
    """What is written while triggers are off is mirrored nowhere and checked by no key."""
    for statement, node, _command in old_commands(script, *_OFF):
        yield statement, f"turns triggers of {table_name(node.relation)} off"
    for statement, node in script.each(ast.VariableSetStmt, in_functions=True):
        if node.name == "session_replication_role":
            yield statement, "sets session_replication_role"
    for statement, node in script.each(ast.SelectStmt, in_functions=True):
        if any(name == "session_replication_role" for name, _value, _local in set_config_calls(node)):
            yield statement, "sets session_replication_role"
