"""Columns and foreign keys as Prisma writes them, for the domains whose applications use it.

Text ids without a default, camelCase names, timestamp(3) that holds UTC, `ON UPDATE CASCADE` on every foreign key.
Names of constraints and indexes are given by the tables themselves, in full, or follow from table and columns.
"""

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP


def words(name: str, *, null: bool = False, default: str | None = None) -> Column[Any]:
    """A text column."""
    return Column(name, Text, nullable=null, server_default=default)


def word_list(name: str, *, default: str | None = None) -> Column[Any]:
    """A column of type text[]; Prisma leaves lists nullable."""
    return Column(name, ARRAY(Text), server_default=text(default) if default else None)


def whole(name: str, *, null: bool = False, default: int | None = None) -> Column[Any]:
    """An integer column."""
    return Column(name, Integer, nullable=null, server_default=_number(default))


def real(name: str, *, null: bool = False, default: float | None = None) -> Column[Any]:
    """A double precision column."""
    return Column(name, Double, nullable=null, server_default=_number(default))


def flag(name: str, *, default: bool | None = None) -> Column[Any]:
    """A boolean column that is never null."""
    return Column(name, Boolean, nullable=False, server_default=None if default is None else text(str(default).lower()))


def moment(name: str, *, null: bool = False, now: bool = False) -> Column[Any]:
    """A timestamp(3) without time zone, UTC by convention; with `now` the server fills it in."""
    default = text("CURRENT_TIMESTAMP") if now else None
    return Column(name, TIMESTAMP(precision=3), nullable=null, server_default=default)


def document(name: str, *, null: bool = False) -> Column[Any]:
    """A jsonb column."""
    return Column(name, JSONB, nullable=null)


def reference(name: str, column: str, target: str, *, gone: str = "CASCADE") -> ForeignKeyConstraint:
    """A foreign key to the `id` of a table; `gone` says what happens when that row is deleted."""
    return ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete=gone, onupdate="CASCADE")


def key(table: str) -> PrimaryKeyConstraint:
    """The primary key."""
    return PrimaryKeyConstraint("id", name=f"{table}_pkey")


def owner(table: str, column: str, target: str, *, gone: str = "CASCADE") -> ForeignKeyConstraint:
    """A foreign key under Prisma's name; `gone` says what happens when the row is deleted that it refers to."""
    return reference(f"{table}_{column}_fkey", column, target, gone=gone)


def index(table: str, *columns: str) -> Index:
    """An index under Prisma's name."""
    return Index(f"{table}_{'_'.join(columns)}_idx", *columns)


def unique(table: str, *columns: str) -> Index:
    """A unique index under Prisma's name."""
    return Index(f"{table}_{'_'.join(columns)}_key", *columns, unique=True)


def _number(value: float | None) -> Any:
    return None if value is None else text(str(value))
