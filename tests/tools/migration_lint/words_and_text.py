"""Rules about names and text: what is written is what runs, the same on every site and every supported version."""

import re
from collections.abc import Iterator

from pglast import ast
from pglast.error import Error
from pglast.parser import scan

from tests.tools.migration_lint.bodies import DynamicSql, SwallowedError
from tests.tools.migration_lint.ddl import constraints_of, kind_of, new_constraints
from tests.tools.migration_lint.reading import Script, Statement
from tests.tools.migration_lint.registry import Found, rule
from tests.tools.migration_lint.tree import constant, function_name, options, table_name, words

LONGEST_NAME = 63
_KNOWN_SCHEMAS = ("espalier", "pg_catalog", "information_schema", "pg_temp")
_MONEY = re.compile(
    r"price|cost|amount|balance|revenue|salary|budget|payment|(^|_)(fee|tax|jpy|usd|eur|yen)s?($|_)", re.IGNORECASE
)
_PARTS = ("OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE", "OBJECT_COLUMN", "OBJECT_TABCONSTRAINT")
_NAMES_IN_TEXT = (("regclass",), ("regtype",), ("regproc",), ("regprocedure",), ("regnamespace",))
_FLOATS = ("float4", "float8", "money")


@rule
def dynamic_sql(script: Script) -> Found:
    """What EXECUTE runs is put together when it runs: neither a reviewer nor this lint has seen it."""
    for statement, _node in script.each(DynamicSql, in_functions=True):
        yield statement, "EXECUTE of a text"
    for kind in (ast.PrepareStmt, ast.ExecuteStmt):
        for statement, _node in script.each(kind, in_functions=True):
            yield statement, "a prepared statement"
    for statement, call in script.each(ast.FuncCall, in_functions=True):
        if function_name(call).startswith(("dblink", "query_to_xml")):
            yield statement, f"calls {function_name(call)}"


@rule
def swallowed_error(script: Script) -> Found:
    """A handler that raises nothing takes whatever stands there for what should."""
    for statement, _node in script.each(SwallowedError):
        yield statement, "EXCEPTION WHEN … without RAISE"


@rule
def drop_cascade(script: Script) -> Found:
    """CASCADE drops what nobody has named, objects of the application among them."""
    for statement in script.statements:
        for node in statement.nodes:
            if getattr(node, "behavior", None) is not None and kind_of(node, "behavior") == "DROP_CASCADE":
                yield statement, "CASCADE"


@rule
def if_not_exists(script: Script) -> Found:
    """IF NOT EXISTS takes whatever bears the name for what was meant."""
    for statement in script.statements:
        for node in statement.nodes:
            is_added = isinstance(node, ast.AlterTableCmd) and kind_of(node) == "AT_AddColumn" and node.missing_ok
            is_extension = isinstance(node, ast.CreateExtensionStmt)
            if not is_extension and (is_added or getattr(node, "if_not_exists", False)):
                yield statement, "IF NOT EXISTS"


@rule
def schema_named(script: Script) -> Found:
    """A site chooses the names of its schemas, so a revision that names one is wrong on the next site."""
    for statement in script.statements:
        for schema in sorted({name for node in statement.nodes for name in _schemas(node)}):
            if schema not in _KNOWN_SCHEMAS:
                yield statement, f"names the schema {schema}"


def _schemas(node: ast.Node) -> Iterator[str]:
    if isinstance(node, ast.RangeVar) and node.schemaname:
        yield str(node.schemaname)
    for attribute in ("funcname", "typeName", "objname", "names", "domainname"):
        yield from words(getattr(node, attribute, None))[:-1]
    if isinstance(node, ast.ColumnRef):
        yield from words(node.fields)[:-2]
    elif isinstance(node, ast.DropStmt):
        yield from _schemas_dropped(node)
    elif isinstance(node, ast.CommentStmt):
        yield from words(node.object)[: -2 if kind_of(node, "objtype") in _PARTS else -1]
    elif isinstance(node, ast.AlterObjectSchemaStmt | ast.CreateSchemaStmt):
        yield str(getattr(node, "newschema", None) or getattr(node, "schemaname", None))
    elif isinstance(node, ast.CreateExtensionStmt):
        yield from words(options(node.options).get("schema"))
    elif isinstance(node, ast.GrantStmt) and kind_of(node, "targtype") == "ACL_TARGET_ALL_IN_SCHEMA":
        yield from words(node.objects)
    elif isinstance(node, ast.TypeCast) and words(node.typeName)[-1:] in _NAMES_IN_TEXT:
        yield from (constant(node.arg) or "").split(".")[:-1]


def _schemas_dropped(node: ast.DropStmt) -> Iterator[str]:
    kind = kind_of(node, "removeType")
    for item in node.objects or ():
        name = words(item)
        yield from name if kind == "OBJECT_SCHEMA" else name[: -2 if kind in _PARTS else -1]


@rule
def name_too_long(script: Script) -> Found:
    """Postgres cuts a name after 63 bytes, in silence: two long names become one."""
    for statement in script.statements:
        if statement.place == "script":
            for name in _names(statement):
                if len(name.encode()) > LONGEST_NAME:
                    yield statement, f"{name} has {len(name.encode())} bytes, {LONGEST_NAME} are kept"


def _names(statement: Statement) -> Iterator[str]:
    try:
        tokens = scan(statement.text)
    except Error:
        return
    for token in tokens:
        if token.name == "IDENT":
            yield statement.text[token.start : token.end + 1].strip('"').replace('""', '"')


@rule
def ivfflat(script: Script) -> Found:
    """An ivfflat index learns its lists from the rows that are there: built by a revision, from none or a few."""
    for statement, node in script.each(ast.IndexStmt):
        if node.accessMethod == "ivfflat":
            yield statement, f"ivfflat index {node.idxname}"


@rule
def float_money(script: Script) -> Found:
    """Binary fractions do not add up, and the type money follows the server's locale."""
    for statement, column in script.each(ast.ColumnDef):
        type_name = (words(column.typeName) or ("",))[-1]
        if type_name in _FLOATS and (type_name == "money" or _MONEY.search(str(column.colname))):
            yield statement, f"{column.colname} is {type_name}"


@rule
def newer_than_16(script: Script) -> Found:
    """A site may run PostgreSQL 16, which refuses what later versions have brought."""
    for kind in (ast.CreateStmt, ast.AlterTableStmt):
        for statement, node in script.each(kind):
            for constraint in _all_constraints(node):
                if said := _newer(constraint):
                    yield statement, f"{said} on {table_name(node.relation)} needs PostgreSQL 18"


def _all_constraints(node: ast.CreateStmt | ast.AlterTableStmt) -> Iterator[ast.Constraint]:
    if isinstance(node, ast.CreateStmt):
        yield from new_constraints(node)
    else:
        for command in node.cmds or ():
            yield from constraints_of(command)


def _newer(constraint: ast.Constraint) -> str | None:
    kind = kind_of(constraint, "contype")
    if kind == "CONSTR_NOTNULL" and constraint.keys:
        return "NOT NULL as a table constraint"
    if kind == "CONSTR_GENERATED" and constraint.generated_kind == "v":
        return "a virtual column"
    if kind == "CONSTR_ATTR_NOT_ENFORCED" or (
        kind in ("CONSTR_CHECK", "CONSTR_FOREIGN") and constraint.is_enforced is False
    ):
        return "NOT ENFORCED"
    if constraint.without_overlaps or constraint.fk_with_period:
        return "a temporal key"
    return None


@rule
def silenced(script: Script) -> Found:
    """A comment that tells squawk to look away hides the reason from this lint's exceptions."""
    for number, line in enumerate(script.text.splitlines(), 1):
        if re.search(r"--.*squawk-", line) and script.statements:
            nearest = [s for s in script.statements if s.line >= number] or [script.statements[-1]]
            yield nearest[0], "a comment for squawk"


@rule
def unlogged_table(script: Script) -> Found:
    """An unlogged table is empty after a crash, and on every replica."""
    for statement, node in script.each(ast.CreateStmt):
        if node.relation is not None and node.relation.relpersistence == "u":
            yield statement, f"{table_name(node.relation)} is UNLOGGED"


@rule
def irreversible_label(script: Script) -> Found:
    """A label that an enum has got cannot be taken from it again: there is no way down."""
    for statement, node in script.each(ast.AlterEnumStmt):
        if not node.oldVal:
            yield statement, f"label {node.newVal} of {'.'.join(words(node.typeName))}"


@rule
def rewrite_rule(script: Script) -> Found:
    """A rule changes what the application's statements mean, and runs volatile expressions twice."""
    for statement, node in script.each(ast.RuleStmt):
        yield statement, f"CREATE RULE {node.rulename}"


@rule
def replaced(script: Script) -> Found:
    """OR REPLACE overwrites whatever bears the name, the application's own function among it."""
    for kind in (ast.CreateFunctionStmt, ast.ViewStmt, ast.CreateTrigStmt):
        for statement, node in script.each(kind):
            is_known = any(_name_of(earlier) == _name_of(node) for earlier in script.before(statement, kind))
            if node.replace and not is_known:
                yield statement, f"OR REPLACE of {_name_of(node)}, which no earlier revision made"


def _name_of(node: ast.CreateFunctionStmt | ast.ViewStmt | ast.CreateTrigStmt) -> str:
    if isinstance(node, ast.CreateFunctionStmt):
        return ".".join(words(node.funcname))
    return table_name(node.view) if isinstance(node, ast.ViewStmt) else str(node.trigname)
