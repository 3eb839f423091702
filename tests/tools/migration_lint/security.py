"""Rules about rights: whose rights a function runs with, which rows a role sees, what it may do."""

import re
from collections.abc import Iterator
from typing import Any

from pglast import ast

from tests.tools.migration_lint.ddl import commands, kind_of
from tests.tools.migration_lint.reading import Script, Statement
from tests.tools.migration_lint.registry import Found, rule
from tests.tools.migration_lint.settings_in_force import set_config_calls
from tests.tools.migration_lint.tree import constant, function_name, options, table_name, walk, words

_TENANTS = ("organizationid", "organization_id", "orgid", "org_id", "tenantid", "tenant_id")
_TRUSTED = ("sql", "plpgsql", "internal")
_SAFE_PATHS = ("pg_catalog", "espalier", "pg_temp")
_READS = ("r", "select", "d", "delete")


@rule
def definer_search_path(script: Script) -> Found:
    """A function with its owner's rights and its caller's path runs whatever the caller puts into that path."""
    for statement, node in _definers(script):
        path = _path_of(node)
        name = ".".join(words(node.funcname))
        if path is None or (path == "current" and "search_path" not in statement.settings):
            yield statement, f"{name} is SECURITY DEFINER without a fixed search_path"
        elif path != "current" and (others := set(re.findall(r"[^\s,\"]+", path)) - set(_SAFE_PATHS)):
            yield statement, f"{name} looks into {', '.join(sorted(others))}, where others may create objects"
    for statement, node in script.each(ast.AlterFunctionStmt):
        if _loses_path(node):
            yield statement, f"{'.'.join(words(node.func))} is left without a fixed search_path"


def _loses_path(node: ast.AlterFunctionStmt) -> bool:
    given = options(node.actions)
    setting = given.get("set")
    if isinstance(setting, ast.VariableSetStmt):
        return kind_of(setting, "kind") in ("VAR_RESET", "VAR_RESET_ALL") and setting.name in ("search_path", None)
    return constant_true(given.get("security"))


def _definers(script: Script) -> Iterator[tuple[Statement, ast.CreateFunctionStmt]]:
    for statement, node in script.each(ast.CreateFunctionStmt):
        if constant_true(options(node.options).get("security")):
            yield statement, node


def constant_true(value: Any) -> bool:
    """Whether an option is on: given alone, or as true, on or 1."""
    if isinstance(value, ast.Boolean):
        return bool(value.boolval)
    if isinstance(value, ast.Integer):
        return value.ival == 1
    return words(value)[-1:] in (("true",), ("on",))


def _path_of(node: ast.CreateFunctionStmt) -> str | None:
    """Give the search path of a function as a text: `current` for that of its creation, None for its caller's."""
    for option in node.options or ():
        setting = option.arg
        if isinstance(setting, ast.VariableSetStmt) and setting.name == "search_path":
            if kind_of(setting, "kind") == "VAR_SET_CURRENT":
                return "current"
            return ", ".join(constant(part) or "" for part in setting.args or ())
    return None


@rule
def search_path_order(script: Script) -> Found:
    """Temporary tables come before everything in a path that does not name them last: anyone can make them."""
    for statement, node in script.each(ast.VariableSetStmt, in_functions=True):
        parts = [constant(part) or "" for part in node.args or ()]
        is_default = kind_of(node, "kind") in ("VAR_SET_DEFAULT", "VAR_RESET")
        if node.name == "search_path" and (is_default or not _is_last(", ".join(parts))):
            yield statement, f"search_path = {', '.join(parts) or 'DEFAULT'} does not end in pg_temp"
    for statement, node in script.each(ast.SelectStmt, in_functions=True):
        for name, value, _is_local in set_config_calls(node):
            if name == "search_path" and not _is_last(value):
                yield statement, f"search_path ending in {value!r} does not end in pg_temp"
    for statement, node in _definers(script):
        if _path_of(node) == "current" and not _is_last(str(statement.settings.get("search_path", "pg_temp"))):
            yield statement, f"{'.'.join(words(node.funcname))} keeps a search_path that does not end in pg_temp"


def _is_last(path: str) -> bool:
    return path.strip() == "" or path.rpartition(",")[2].strip().strip('"') == "pg_temp"


@rule
def definer_open_to_public(script: Script) -> Found:
    """Everyone may execute a new function, so everyone gets its owner's rights."""
    for statement, node in _definers(script):
        name = words(node.funcname)
        if not node.replace and not any(_revokes(other, name) for other in script.together(statement)):
            yield statement, f"{'.'.join(name)} is SECURITY DEFINER and not revoked from PUBLIC"


def _revokes(statement: Statement, function: tuple[str, ...]) -> bool:
    node = statement.node
    return (
        isinstance(node, ast.GrantStmt)
        and not node.is_grant
        and any(words(item)[-1:] == function[-1:] for item in node.objects or ())
        and _is_public(node)
    )


def _is_public(node: ast.GrantStmt) -> bool:
    return any(kind_of(grantee, "roletype") == "ROLESPEC_PUBLIC" for grantee in node.grantees or ())


def _tables_with(script: Script, kind: str) -> set[str]:
    """Name the tables that had a command, in this script or an earlier one."""
    alters = (alter for statement in (*script.past, *script.statements) for alter in statement.of(ast.AlterTableStmt))
    return {table_name(n.relation) for n in alters for command in n.cmds or () if kind_of(command) == kind}


@rule
def rls_without_force(script: Script) -> Found:
    """Without FORCE the owner sees every row, and so does whatever runs as the owner."""
    forced = _tables_with(script, "AT_ForceRowSecurity")
    for statement, node, _command in commands(script, "AT_EnableRowSecurity"):
        if table_name(node.relation) not in forced:
            yield statement, f"row security of {table_name(node.relation)} without FORCE"


@rule
def rls_weakened(script: Script) -> Found:
    """Rows of every tenant are seen from then on."""
    if script.direction == "up":
        for statement, node, command in commands(script, "AT_DisableRowSecurity", "AT_NoForceRowSecurity"):
            yield statement, f"{kind_of(command).removeprefix('AT_')} on {table_name(node.relation)}"
        for statement, node in script.each(ast.DropStmt):
            if kind_of(node, "removeType") == "OBJECT_POLICY":
                yield statement, "DROP POLICY"


@rule
def policy_without_rls(script: Script) -> Found:
    """A policy does nothing until row security is enabled."""
    enabled = _tables_with(script, "AT_EnableRowSecurity")
    for statement, node in script.each(ast.CreatePolicyStmt):
        if table_name(node.table) not in enabled:
            yield statement, f"policy {node.policy_name} on {table_name(node.table)}, which has no row security"


@rule
def policy_without_check(script: Script) -> Found:
    """What a role may write is said by WITH CHECK; left out, it is meant by accident if at all."""
    for statement, node in script.each(ast.CreatePolicyStmt):
        if node.with_check is None and str(node.cmd_name) not in _READS:
            yield statement, f"policy {node.policy_name} on {table_name(node.table)} without WITH CHECK"


@rule
def policy_lets_all(script: Script) -> Found:
    """A permissive policy that is always true undoes every other one."""
    for kind in (ast.CreatePolicyStmt, ast.AlterPolicyStmt):
        for statement, node in script.each(kind):
            is_permissive = not isinstance(node, ast.CreatePolicyStmt) or node.permissive
            if is_permissive and "True" in (constant(node.qual), constant(node.with_check)):
                yield statement, f"policy {node.policy_name} on {table_name(node.table)} is always true"


@rule
def policy_setting(script: Script) -> Found:
    """An unset setting raises, and after SET LOCAL it is an empty text that no cast takes."""
    for kind in (ast.CreatePolicyStmt, ast.AlterPolicyStmt):
        for statement, node in script.each(kind):
            if _careless_settings(node):
                yield (
                    statement,
                    f"policy {node.policy_name} reads a setting without nullif(current_setting(…, true), '')",
                )


def _careless_settings(node: ast.Node) -> list[ast.FuncCall]:
    reads = [n for n in walk(node) if isinstance(n, ast.FuncCall) and function_name(n) == "current_setting"]
    guarded = {id(n.lexpr) for n in walk(node) if isinstance(n, ast.A_Expr) and _is_nullif(n)}
    return [n for n in reads if id(n) not in guarded or len(n.args or ()) < 2]


def _is_nullif(node: ast.A_Expr) -> bool:
    return kind_of(node, "kind") == "AEXPR_NULLIF"


@rule
def tenant_table_without_rls(script: Script) -> Found:
    """A table with a tenant's column and without row security shows every tenant's rows."""
    forced = _tables_with(script, "AT_ForceRowSecurity") & _tables_with(script, "AT_EnableRowSecurity")
    for statement, node in script.each(ast.CreateStmt):
        columns = [str(c.colname).lower() for c in node.tableElts or () if isinstance(c, ast.ColumnDef)]
        if set(columns) & set(_TENANTS) and table_name(node.relation) not in forced:
            yield statement, f"{table_name(node.relation)} belongs to tenants and has no forced row security"


@rule
def partition_without_rls(script: Script) -> Found:
    """A partition that is addressed directly does not ask its parent's policies; nor does a copy of a table."""
    protected = _tables_with(script, "AT_EnableRowSecurity")
    forced = _tables_with(script, "AT_ForceRowSecurity") & protected
    for statement, node in script.each(ast.CreateStmt):
        models = [part.relation for part in node.tableElts or () if isinstance(part, ast.TableLikeClause)]
        parents = {table_name(parent) for parent in (*(node.inhRelations or ()), *models)}
        if parents & protected and table_name(node.relation) not in forced:
            yield statement, f"{table_name(node.relation)} is made from a protected table and has no row security"


@rule
def view_not_invoker(script: Script) -> Found:
    """A view reads with its owner's rights, past the policies of who asks."""
    for statement, node in script.each(ast.ViewStmt):
        given = options(node.options)
        if not ("security_invoker" in given and constant_true(given["security_invoker"] or ast.Boolean(boolval=True))):
            yield statement, f"view {table_name(node.view)} without security_invoker"
    for statement, node, command in commands(script, "AT_SetRelOptions", "AT_ResetRelOptions"):
        given = options(command.def_)
        if "security_invoker" in given and not constant_true(given["security_invoker"]):
            yield statement, f"view {table_name(node.relation)} loses security_invoker"


@rule
def grant_all(script: Script) -> Found:
    """ALL holds TRUNCATE, REFERENCES, TRIGGER and whatever a later version adds."""
    for statement, node in _grants(script):
        if not node.privileges:
            yield statement, "GRANT ALL"


@rule
def grant_truncate(script: Script) -> Found:
    """TRUNCATE asks no policy and no row trigger."""
    for statement, node in _grants(script):
        if any(privilege.priv_name == "truncate" for privilege in node.privileges or ()):
            yield statement, "GRANT TRUNCATE"


@rule
def grant_to_public(script: Script) -> Found:
    """PUBLIC is every role there is and will be."""
    for statement, node in _grants(script):
        if _is_public(node):
            yield statement, "GRANT … TO PUBLIC"


@rule
def grant_option(script: Script) -> Found:
    """Who may grant on makes the grant matrix untrue."""
    for statement, node in _grants(script):
        if node.grant_option:
            yield statement, "GRANT … WITH GRANT OPTION"


def _grants(script: Script) -> Iterator[tuple[Statement, ast.GrantStmt]]:
    return (found for found in script.each(ast.GrantStmt, in_functions=True) if found[1].is_grant)


@rule
def grant_on_materialized_view(script: Script) -> Found:
    """A materialized view has no row security: it shows what its owner saw."""
    for statement, node in _grants(script):
        made = {
            table_name(view.into.rel)
            for view in script.before(statement, ast.CreateTableAsStmt)
            if kind_of(view, "objtype") == "OBJECT_MATVIEW" and view.into is not None
        }
        for item in node.objects or ():
            if isinstance(item, ast.RangeVar) and table_name(item) in made:
                yield statement, f"GRANT on the materialized view {table_name(item)}"


@rule
def untrusted_language(script: Script) -> Found:
    """Code in an untrusted language does on the server whatever the server's own account may."""
    for statement, node in script.each(ast.CreateFunctionStmt):
        language = words(options(node.options).get("language"))[-1:] or ("sql",)
        if language[0].lower() not in _TRUSTED:
            yield statement, f"LANGUAGE {language[0]}"


@rule
def beyond_the_domain(script: Script) -> Found:
    """Roles, databases and the server's settings belong to the whole server, not to a domain's history."""
    kinds: tuple[type[ast.Node], ...] = (
        ast.AlterSystemStmt,
        ast.AlterDatabaseSetStmt,
        ast.AlterRoleStmt,
        ast.AlterRoleSetStmt,
        ast.CreateRoleStmt,
        ast.DropRoleStmt,
        ast.GrantRoleStmt,
        ast.DropOwnedStmt,
        ast.CreateEventTrigStmt,
        ast.CreatePublicationStmt,
        ast.CreateSubscriptionStmt,
        ast.CreateForeignServerStmt,
        ast.ImportForeignSchemaStmt,
    )
    for kind in kinds:
        for statement, _node in script.each(kind, in_functions=True):
            yield statement, f"{kind.__name__} reaches beyond the domain"
    for statement, node in script.each(ast.VariableSetStmt, in_functions=True):
        if node.name in ("role", "session_authorization"):
            yield statement, f"sets {node.name}"


@rule
def owner_changed(script: Script) -> Found:
    """An owner passes by what is granted, and the next revision may find that it is not one."""
    for statement, node, _command in commands(script, "AT_ChangeOwner"):
        yield statement, f"OWNER of {table_name(node.relation)}"
    for kind in (ast.AlterOwnerStmt, ast.ReassignOwnedStmt):
        for statement, _node in script.each(kind):
            yield statement, "another owner"
