"""What Drizzle must be told: our tables are left out by a filter; columns, indexes, keys, policies are defined."""

import json
import re
from collections.abc import Iterable

from migrations.coexistence.advice import Advice
from migrations.coexistence.ours import Column, Index, Key, Ours, Part, Policy

_TYPES = {
    "text": "text({name})",
    "integer": "integer({name})",
    "bigint": 'bigint({name}, {{ mode: "number" }})',
    "smallint": "smallint({name})",
    "double precision": "doublePrecision({name})",
    "real": "real({name})",
    "boolean": "boolean({name})",
    "jsonb": "jsonb({name})",
    "json": "json({name})",
    "uuid": "uuid({name})",
    "date": "date({name})",
    "tsvector": 'customType({{ dataType: () => "tsvector" }})({name})',
}
_PARAMETERS = {
    "numeric": "numeric({name}, {{ precision: {0}, scale: {1} }})",
    "character varying": "varchar({name}, {{ length: {0} }})",
    "vector": "vector({name}, {{ dimensions: {0} }})",
}
_UNSEEN = ("trigger", "function")
_ACTIONS = {"a": "no action", "r": "restrict", "c": "cascade", "n": "set null", "d": "set default"}


def advise(found: Ours) -> Advice:
    """Say what goes into drizzle.config.ts and the schema."""
    config = [
        f"schemaFilter: [{json.dumps(found.target.schema)}],",
        f"tablesFilter: {json.dumps([f'!{name}' for name in found.tables])},",
    ]
    advice = Advice("drizzle", found.target.domain, found.target.schema, config)
    for name, labels in found.enums.items():
        advice.definitions.append(
            f"export const {_variable(name)} = pgEnum({json.dumps(name)}, {json.dumps(labels, ensure_ascii=False)});"
        )
    for column in found.columns:
        advice.of(column.table).fields.append(_field(column))
    for index in found.indexes:
        advice.of(index.table).rest.append(_index(index))
    for key in found.keys:
        advice.of(key.table).rest.append(_key(key))
    for name, text in found.checks.items():
        table, _, own = name.partition(".")
        inner = text.removeprefix("CHECK ")
        advice.of(table).rest.append(f"check({json.dumps(own)}, {_sql(inner[1:-1])}),")
    for policy in found.policies:
        advice.of(policy.table).rest.append(_policy(policy))
    advice.notes += [_note(str(thing)) for thing in found.others if thing.kind not in _UNSEEN]
    advice.notes += _remarks(found)
    return advice


def _remarks(found: Ours) -> list[str]:
    unseen = [str(thing) for thing in found.others if thing.kind in _UNSEEN]
    empty = [f"{c.table}.{c.name}" for c in found.columns if c.type.endswith("[]") and c.default]
    vectors = [f"{column.table}.{column.name}" for column in found.columns if column.type.startswith("vector(")]
    where = found.target.extensions
    return [
        *_apart(dict.fromkeys(policy.table for policy in found.policies)),
        *([f"drizzle-kit does not look at these, nothing to do: {', '.join(unseen)}"] if unseen else []),
        *([f'drizzle-kit reads an empty array as [""]: write it so for {", ".join(empty)}'] if empty else []),
        *(
            [f"take SET DATA TYPE out of what drizzle-kit proposes for {', '.join(vectors)}: pgvector is in {where}"]
            if vectors and where != found.target.schema
            else []
        ),
    ]


def _apart(tables: Iterable[str]) -> list[str]:
    """Warn of the one change that would open a database without an error."""
    names = ", ".join(tables)
    said = (
        f"row security of {names}: without these pgPolicy, drizzle-kit proposes DROP POLICY and DISABLE ROW LEVEL "
        "SECURITY; never push over it"
    )
    return [said] if names else []


def _note(name: str) -> str:
    return f"{name}: not written here; take it out of what drizzle-kit proposes, or define it in the schema"


def _variable(name: str) -> str:
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    return plain[0].lower() + plain[1:]


def _of_table(name: str, table: str = "table") -> str:
    name = _camel(name)
    return f"{table}.{name}" if name.isidentifier() else f"{table}[{json.dumps(name)}]"


def _property(name: str) -> str:
    name = _camel(name)
    return name if name.isidentifier() else json.dumps(name)


def _sql(text: str) -> str:
    return "sql`" + text.replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${") + "`"


def _field(column: Column) -> str:
    array = ".array()" if column.type.endswith("[]") else ""
    required = ".notNull()" if column.required else ""
    return f"{_property(column.name)}: {_type(column)}{array}{_default(column)}{required},"


def _type(column: Column) -> str:
    name, written = json.dumps(column.name), column.type.removesuffix("[]")
    if column.enum:
        return f"{_variable(column.enum)}({name})"
    if written in _TYPES:
        return _TYPES[written].format(name=name)
    kind, _, rest = written.partition("(")
    parameters, _, after = rest.partition(")")
    if kind.startswith("timestamp"):
        precision = f"precision: {parameters}, " if parameters else ""
        zone = "withTimezone: true, " if "with time zone" in kind + after else ""
        return f'timestamp({name}, {{ {precision}{zone}mode: "string" }})'
    if kind in _PARAMETERS and parameters:
        return _PARAMETERS[kind].format(*parameters.split(","), name=name)
    return f"customType({{ dataType: () => {json.dumps(written)} }})({name})"


def _default(column: Column) -> str:
    text = column.default
    if text is None:
        return ""
    if column.type.endswith("[]"):
        # drizzle-kit reads an empty array as one of an empty string; it is compared with that.
        return '.default([""])' if column.literal == "{}" else f".default({_sql(text)})"
    if column.literal is not None and column.is_text:
        return f".default({json.dumps(column.literal, ensure_ascii=False)})"
    if re.fullmatch(r"-?\d+(\.\d+)?|true|false", text):
        return f".default({json.dumps(text) if column.type.startswith('numeric') else text})"
    return ".defaultNow()" if text == "now()" else f".default({_sql(text)})"


def _index(index: Index) -> str:
    verb = "uniqueIndex" if index.unique else "index"
    parts = ", ".join(_part(part) for part in index.parts)
    where = f".where({_sql(index.predicate)})" if index.predicate else ""
    return f"{verb}({json.dumps(index.name)}).using({json.dumps(index.method)}, {parts}){where},"


def _part(part: Part) -> str:
    if part.column is None:
        return _sql(part.text)
    order = ".desc()" if part.descending else ".asc()"
    nulls = ".nullsFirst()" if part.nulls_first else ".nullsLast()"
    return f"{_of_table(part.column)}{order}{nulls}.op({json.dumps(part.class_)})"


def _key(key: Key) -> str:
    columns = ", ".join(_of_table(name) for name in key.columns)
    target = ", ".join(_of_table(name, _camel(key.target)) for name in key.target_columns)
    actions = f".onUpdate({json.dumps(_ACTIONS[key.on_update])}).onDelete({json.dumps(_ACTIONS[key.on_delete])})"
    name = json.dumps(key.name)
    return f"foreignKey({{ name: {name}, columns: [{columns}], foreignColumns: [{target}] }}){actions},"


def _policy(policy: Policy) -> str:
    said = {"as": policy.behaves, "for": policy.command, "to": policy.roles}
    parts = [f"{word}: {json.dumps(value)}" for word, value in said.items()]
    texts = {"using": policy.using, "withCheck": policy.check}
    parts += [f"{word}: {_sql(_one_line(text))}" for word, text in texts.items() if text]
    return f"pgPolicy({json.dumps(policy.name)}, {{ {', '.join(parts)} }}),"


def _one_line(text: str) -> str:
    """Take out the line breaks with which Postgres writes an expression."""
    return re.sub(r"\n +", " ", text)


def _camel(name: str) -> str:
    """Name a constant or a property as `drizzle-kit pull` does."""
    first, *rest = re.split(r"[_\W]+", name, flags=re.ASCII)
    return first[:1].lower() + first[1:] + "".join(word[:1].upper() + word[1:] for word in rest)
