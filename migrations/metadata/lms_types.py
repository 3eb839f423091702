"""What the tables of the lms domain share: their metadata, and how Prisma names keys and indexes."""

from typing import Any

from sqlalchemy import Column, ForeignKeyConstraint, Index, MetaData, PrimaryKeyConstraint, text
from sqlalchemy.dialects.postgresql import JSONB

from migrations.metadata.prisma import reference

baseline = MetaData()
metadata = MetaData()


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


def json(name: str, default: str, *, null: bool = False) -> Column[Any]:
    """A jsonb column with a default."""
    return Column(name, JSONB, nullable=null, server_default=text(f"'{default}'::jsonb"))
