"""What the tables of the lms domain share: their metadata, and columns with a default."""

from typing import Any

from sqlalchemy import Column, MetaData, text
from sqlalchemy.dialects.postgresql import JSONB

baseline = MetaData()
metadata = MetaData()


def json(name: str, default: str, *, null: bool = False) -> Column[Any]:
    """A jsonb column with a default."""
    return Column(name, JSONB, nullable=null, server_default=text(f"'{default}'::jsonb"))
