"""Rules about locks and time: what makes clients wait, for how long, and what is left when it is cancelled."""

from collections.abc import Callable

from pglast import ast

from tests.tools.migration_lint.ddl import (
    is_concurrent,
    kind_of,
    locked_tables,
    old_commands,
    referenced,
    takes_its_time,
)
from tests.tools.migration_lint.reading import Script, Statement
from tests.tools.migration_lint.registry import Found, rule
from tests.tools.migration_lint.tree import function_name, milliseconds, options, table_name

LONGEST_LOCK_WAIT_MS = 1_000
LONGEST_STATEMENT_MS = 60_000


@rule
def lock_timeout(script: Script) -> Found:
    """A statement that waits for a lock makes every client queue behind it."""
    return _unlimited(script, "lock_timeout", LONGEST_LOCK_WAIT_MS)


@rule
def statement_timeout(script: Script) -> Found:
    """A statement that holds a lock for long is an outage."""
    return _unlimited(script, "statement_timeout", LONGEST_STATEMENT_MS)


def _unlimited(script: Script, setting: str, longest: int) -> Found:
    for statement in script.statements:
        value = statement.settings.get(setting)
        if (
            _takes_locks(statement)
            and not takes_its_time(statement.node)
            and not 0 < (milliseconds(value) or 0) <= longest
        ):
            yield statement, f"runs with {setting} {value or 'unset'}, not between 1 and {longest} ms"


def _takes_locks(statement: Statement) -> bool:
    node = statement.node
    if isinstance(node, ast.VariableSetStmt | ast.TransactionStmt | ast.DiscardStmt):
        return False
    is_expression = isinstance(node, ast.SelectStmt) and not node.fromClause and not node.withClause
    return statement.place != "function" and not is_expression


@rule
def hurried_build(script: Script) -> Found:
    """A concurrent build that a time-out cancels leaves an INVALID index; a validation never comes to its end."""
    for statement in script.statements:
        if statement.place != "function" and takes_its_time(statement.node):
            for setting in ("lock_timeout", "statement_timeout"):
                if milliseconds(statement.settings.get(setting)) != 0:
                    yield statement, f"runs with {setting} {statement.settings.get(setting, 'unset')}, not 0"


@rule
def concurrently_in_transaction(script: Script) -> Found:
    """Postgres refuses CONCURRENTLY inside a transaction."""
    for statement in script.statements:
        if is_concurrent(statement.node) and statement.transaction is not None:
            yield statement, "CONCURRENTLY inside a transaction"


@rule
def blocking_index(script: Script) -> Found:
    """Building an index locks out writers for as long as it takes."""
    for statement, node in script.each(ast.IndexStmt):
        if not node.concurrent and statement.is_old(node.relation):
            yield statement, f"index on {table_name(node.relation)} without CONCURRENTLY"


@rule
def blocking_index_drop(script: Script) -> Found:
    """Dropping an index waits for every reader, and every later reader waits for it."""
    for statement, node in script.each(ast.DropStmt):
        if kind_of(node, "removeType") == "OBJECT_INDEX" and not node.concurrent:
            yield statement, "DROP INDEX without CONCURRENTLY"


@rule
def blocking_reindex(script: Script) -> Found:
    """REINDEX locks out writers, and readers that would use the index."""
    for statement, node in script.each(ast.ReindexStmt):
        if not is_concurrent(node):
            yield statement, "REINDEX without CONCURRENTLY"


@rule
def blocking_refresh(script: Script) -> Found:
    """REFRESH locks out the readers of the view until all of it is made anew."""
    for statement, node in script.each(ast.RefreshMatViewStmt):
        if not node.concurrent:
            yield statement, f"REFRESH MATERIALIZED VIEW {table_name(node.relation)} without CONCURRENTLY"


@rule
def blocking_detach(script: Script) -> Found:
    """Detaching a partition locks out everyone from the whole table."""
    for statement, node, command in old_commands(script, "AT_DetachPartition"):
        if not is_concurrent(node) and isinstance(command.def_, ast.PartitionCmd):
            yield statement, f"DETACH PARTITION {table_name(command.def_.name)} without CONCURRENTLY"


@rule
def concurrently_if_not_exists(script: Script) -> Found:
    """IF NOT EXISTS keeps the INVALID index that an interrupted build left: it costs writes and serves no query."""
    for statement, node in script.each(ast.IndexStmt):
        if node.concurrent and node.if_not_exists:
            yield statement, f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {node.idxname}"


@rule
def several_tables_locked(script: Script) -> Found:
    """Who holds the lock of one table and waits for the next stops the clients of both, and can deadlock with them."""
    done: set[int] = set()
    for statement in script.statements:
        transaction = statement.transaction
        if transaction in done or statement.place == "function":
            continue
        together = [s for s in script.together(statement) if s.place != "function"]
        tables = {name for other in together for name in locked_tables(other)}
        if len(tables) > 1 and not any(_is_one_key(other, tables) for other in together):
            yield statement, f"locks {', '.join(sorted(tables))} in one transaction"
        if transaction is not None:
            done.add(transaction)


def _is_one_key(statement: Statement, tables: set[str]) -> bool:
    """Whether the tables are the two ends of one new foreign key, which cannot be locked one after the other."""
    node = statement.node
    return isinstance(node, ast.AlterTableStmt) and tables == {table_name(node.relation), *referenced(node)}


@rule
def lock_table(script: Script) -> Found:
    """LOCK TABLE holds until the end of the transaction, whatever else is in it."""
    for statement, _node in script.each(ast.LockStmt):
        yield statement, "LOCK TABLE"


@rule
def vacuum_full(script: Script) -> Found:
    """VACUUM FULL rewrites the table while nobody may read it."""
    for statement, node in script.each(ast.VacuumStmt):
        if "full" in options(node.options):
            yield statement, "VACUUM FULL"


@rule
def cluster(script: Script) -> Found:
    """CLUSTER rewrites the table while nobody may read it."""
    for statement, node in script.each(ast.ClusterStmt):
        yield statement, f"CLUSTER {table_name(node.relation)}"


@rule
def blocking_advisory_lock(script: Script) -> Found:
    """A session that waits for an advisory lock holds a snapshot that every concurrent build waits for."""
    return _calls(script, lambda name: name.startswith("pg_advisory_") and "unlock" not in name)


@rule
def prepared_transaction(script: Script) -> Found:
    """A prepared transaction keeps its locks until somebody remembers it, through a restart."""
    for statement, node in script.each(ast.TransactionStmt):
        if kind_of(node, "kind") == "TRANS_STMT_PREPARE":
            yield statement, "PREPARE TRANSACTION"


@rule
def sleeps(script: Script) -> Found:
    """Whatever is locked stays locked meanwhile."""
    return _calls(script, lambda name: name.startswith("pg_sleep"))


def _calls(script: Script, is_meant: Callable[[str], bool]) -> Found:
    for statement, call in script.each(ast.FuncCall):
        if is_meant(function_name(call)):
            yield statement, f"calls {function_name(call)}"
