"""The database's roles as `migrations/grants.toml` has them: what the embedded server makes, and the check expects.

What each may do with which table stands in the same file and is read by `migrations/grants`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent.parent / "migrations" / "grants.toml"


@dataclass(frozen=True)
class RoleSpec:
    """What a role is: who may log in as it, how often, with which settings, and what it is a member of."""

    login: bool = True
    bypass_rls: bool = False
    connections: int = -1
    member_of: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict[str, str])


@cache
def document() -> Mapping[str, Any]:
    """Read the file."""
    return tomllib.loads(FILE.read_text())


@cache
def role_specs() -> Mapping[str, RoleSpec]:
    """Give the roles by their short names, in the order in which they can be made."""
    return {name: _spec(dict(told)) for name, told in document()["roles"].items()}


def _spec(told: dict[str, Any]) -> RoleSpec:
    return RoleSpec(member_of=tuple(told.pop("member_of", ())), **told)
