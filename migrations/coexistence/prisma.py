"""What Prisma must be told: our tables and enums are external, our columns, indexes and keys stand in its models."""

import json
import re

from migrations.coexistence.advice import Advice
from migrations.coexistence.ours import Column, Index, Key, Ours, Part

_TYPES = {
    "text": "String",
    "integer": "Int",
    "bigint": "BigInt",
    "smallint": "Int @db.SmallInt",
    "double precision": "Float",
    "real": "Float @db.Real",
    "boolean": "Boolean",
    "jsonb": "Json",
    "json": "Json @db.Json",
    "uuid": "String @db.Uuid",
    "date": "DateTime @db.Date",
    "timestamp without time zone": "DateTime @db.Timestamp(6)",
    "timestamp with time zone": "DateTime @db.Timestamptz(6)",
    "timestamp(3) without time zone": "DateTime",
    "bytea": "Bytes",
}
_PARAMETERS = {
    "numeric": "Decimal @db.Decimal",
    "character varying": "String @db.VarChar",
    "timestamp": "DateTime @db.Timestamp",
}
_METHODS = {"hash": "Hash", "gin": "Gin", "gist": "Gist", "spgist": "SpGist", "brin": "Brin"}
_ACTIONS = {"a": "NoAction", "r": "Restrict", "c": "Cascade", "n": "SetNull", "d": "SetDefault"}


def advise(found: Ours) -> Advice:
    """Say what goes into prisma.config.ts and schema.prisma."""
    of_columns = {column.enum for column in found.columns}
    advice = Advice("prisma", found.target.domain, found.target.schema, _config(found, of_columns))
    for name, labels in found.enums.items():
        if name in of_columns:
            advice.definitions += [f"enum {name} {{", *(f"  {_label(label)}" for label in labels), "}"]
    for column in found.columns:
        advice.of(column.table).fields.append(_field(column))
    for index in found.indexes:
        _add_index(advice, index)
    for key in found.keys:
        _add_key(advice, key)
    unseen = [*(str(thing) for thing in found.others), *(f"check {name}" for name in found.checks)]
    if unseen:
        advice.notes.append(f"Prisma does not look at these, nothing to do: {', '.join(unseen)}")
    return advice


def _config(found: Ours, of_columns: set[str | None]) -> list[str]:
    schema = found.target.schema
    tables = [f"{schema}.{name}" for name in found.tables]
    enums = [f"{schema}.{name}" for name in found.enums if name not in of_columns]
    lines = ["experimental: { externalTables: true },", f"tables: {{ external: {json.dumps(tables)} }},"]
    return [*lines, f"enums: {{ external: {json.dumps(enums)} }},"] if enums else lines


def _label(label: str) -> str:
    named = _identifier(label)
    return named if named == label else f"{named} @map({json.dumps(label, ensure_ascii=False)})"


def _field(column: Column) -> str:
    name = _identifier(column.name)
    kind, _, native = _type(column).partition(" ")
    if not column.required and not kind.endswith("[]"):
        kind += "?"
    mapped = "" if name == column.name else f"@map({json.dumps(column.name)})"
    return " ".join(filter(None, (name, kind, _default(column), mapped, native)))


def _identifier(name: str) -> str:
    """Give a name that Prisma takes: the same, where it can be."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    return plain if re.match("[A-Za-z]", plain) else f"f_{plain}"


def _type(column: Column) -> str:
    if column.enum:
        return column.enum
    if column.type.endswith("[]"):
        kind, _, native = _simple(column.type.removesuffix("[]")).partition(" ")
        return f"{kind}[] {native}".strip()
    return _simple(column.type)


def _simple(written: str) -> str:
    if written in _TYPES:
        return _TYPES[written]
    name, _, parameters = written.partition("(")
    if name in _PARAMETERS:
        return f"{_PARAMETERS[name]}({parameters.partition(')')[0].replace(',', ', ')})"
    return f"Unsupported({json.dumps(name)})"


def _default(column: Column) -> str:
    text = column.default
    if text is None:
        return ""
    if column.type.endswith("[]") and column.literal == "{}":
        return "@default([])"
    if column.literal is not None and column.is_text:
        label = _identifier(column.literal) if column.enum else json.dumps(column.literal, ensure_ascii=False)
        return f"@default({label})"
    if re.fullmatch(r"-?\d+(\.\d+)?|true|false", text):
        return f"@default({text})"
    if text in ("now()", "CURRENT_TIMESTAMP"):
        return "@default(now())"
    return f"@default(dbgenerated({json.dumps(text)}))"


def _add_index(advice: Advice, index: Index) -> None:
    if index.predicate or any(part.column is None for part in index.parts):
        why = "a partial index" if index.predicate else "an index on an expression"
        advice.notes.append(f"index {index.table}.{index.name}: {why}, which Prisma does not see; nothing to do")
    else:
        advice.of(index.table).rest.append(_index(index))
        if index.method != "btree" and index.method not in _METHODS:
            advice.notes.append(
                f"index {index.table}.{index.name}: Prisma has no type {index.method} and takes it as it is; "
                "do not let Prisma make it anew"
            )


def _index(index: Index) -> str:
    parts = ", ".join(_part(part, index.method) for part in index.parts)
    kind = f", type: {_METHODS[index.method]}" if index.method in _METHODS else ""
    verb = "@@unique" if index.unique else "@@index"
    return f"{verb}([{parts}], map: {json.dumps(index.name)}{kind})"


def _part(part: Part, method: str) -> str:
    name = _identifier(part.column or part.text)
    said = ["sort: Desc"] if part.descending and method == "btree" else []
    if not part.default_class and (method == "btree" or method in _METHODS):
        said.append(f"ops: raw({json.dumps(part.class_)})")
    return f"{name}({', '.join(said)})" if said else name


def _add_key(advice: Advice, key: Key) -> None:
    """Write both sides of a relation; the models are called by their tables, which a developer may have to correct."""
    relation = json.dumps(key.name)
    side = re.sub(r"\W", "_", key.name, flags=re.ASCII)
    columns, target = (", ".join(map(_identifier, names)) for names in (key.columns, key.target_columns))
    optional = "?" if key.on_delete == "n" else ""
    advice.of(key.table).fields.append(
        f"{side} {key.target}{optional} @relation({relation}, fields: [{columns}], references: [{target}], "
        f"onDelete: {_ACTIONS[key.on_delete]}, onUpdate: {_ACTIONS[key.on_update]}, map: {relation})"
    )
    advice.of(key.target).fields.append(f"{side} {key.table}[] @relation({relation})")
