"""How a live schema is compared with the metadata at the head of a domain's revisions.

Tables that the metadata does not know are a neighbour's and left out; `verify.py` lists them as extra.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import MetaData

from migrations.metadata import METADATA


def comparison(domain: str, retired: Collection[str] = ()) -> dict[str, Any]:
    """Give Alembic's options for comparing a domain; tables that its contract has renamed are left out."""
    metadata = METADATA[domain]
    return {
        "target_metadata": metadata,
        "compare_type": True,
        "compare_server_default": True,
        "include_name": _ours_only(metadata),
        "include_object": _without(retired),
    }


def _ours_only(metadata: MetaData) -> Any:
    def include(name: str | None, kind: str, _parents: Any) -> bool:
        return kind != "table" or name in metadata.tables

    return include


def _without(tables: Collection[str]) -> Any:
    def include(_object: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
        return kind != "table" or name not in tables

    return include
