"""The revisions of each domain, in order, and which of them lead from where a database is to where it shall be.

A domain's history is a line without branches; its folder is `versions/<domain>`. Nothing here connects.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Literal, LiteralString, cast

from alembic.config import Config
from alembic.script import Script, ScriptDirectory

from migrations.connection import OURS
from orchestration.errors import EspalierError

Direction = Literal["up", "down"]

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Revision:
    """One reversible step of a domain's history."""

    id: str
    title: str
    previous: str | None
    lost_on_downgrade: Mapping[str, LiteralString]
    waits_for: Sequence[LiteralString] = ()
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])
    needs: str | None = None

    @property
    def is_baseline(self) -> bool:
        """Whether it is the first of its domain; the first of a contract line is none."""
        return self.previous is None and not self.waits_for


@dataclass(frozen=True)
class Plan:
    """The revisions to apply, in order of their application; none if the database is where it shall be."""

    direction: Direction
    revisions: Sequence[Revision]
    target: str | None


def configuration(domain: str, output: StringIO | None = None) -> Config:
    """Make Alembic's configuration of a domain: its own folder, its own version table."""
    config = Config(output_buffer=output) if output else Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    config.set_main_option("version_locations", str(_HERE / "versions" / domain).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    return config


def version_table(domain: str) -> str:
    """Name the table in our schema that holds a domain's revision."""
    return f"alembic_version_{domain}"


@cache
def history(domain: str) -> tuple[Revision, ...]:
    """List the revisions of a domain from the first to the last."""
    scripts = ScriptDirectory.from_config(configuration(domain)).walk_revisions()
    return tuple(reversed([_revision(script) for script in scripts]))


def _revision(script: Script) -> Revision:
    lost = cast("Mapping[str, LiteralString]", getattr(script.module, "LOST_ON_DOWNGRADE", {}))
    waits_for = cast("Sequence[LiteralString]", getattr(script.module, "WAITS_FOR", ()))
    renamed = cast("Mapping[str, str]", getattr(script.module, "RENAMED", {}))
    needs = cast("str | None", getattr(script.module, "NEEDS", None))
    previous = cast("str | None", script.down_revision)
    return Revision(script.revision, script.doc, previous, lost, waits_for, renamed, needs)


def head(domain: str) -> str:
    """Name the newest revision of a domain."""
    return history(domain)[-1].id


def applied(domain: str, current: str | None) -> list[str]:
    """List the revisions that a database at `current` has behind it, itself included."""
    return [revision.id for revision in history(domain)[: _position(domain, current)]]


def after(domain: str, current: str | None) -> list[str]:
    """List the revisions that a database at `current` still has before it."""
    return [revision.id for revision in history(domain)[_position(domain, current) :]]


def plan(domain: str, current: str | None, to: str, *, adopted: bool = False, floor: str | None = None) -> Plan:
    """Find the way from `current` to `to`: `head`, `base`, a revision, its number, or `+1`, `-2` from here.

    An adopted site is never taken below its baseline, or the revision `floor` that it was stamped at: what is there is
    the application's own.

    Raises:
        EspalierError: `to` or `current` is no revision of the domain, or leads out of its history.
    """
    here = _position(domain, current)
    there = _resolve(domain, here, to)
    revisions = history(domain)
    if adopted and there < here:
        there = _stop(domain, here, there, max(1, _position(domain, floor)), base=to == "base")
    target = revisions[there - 1].id if there else None
    if there >= here:
        return Plan("up", revisions[here:there], target)
    return Plan("down", revisions[there:here][::-1], target)


def _stop(domain: str, here: int, there: int, lowest: int, *, base: bool) -> int:
    """Stop at what was adopted; who names a revision below it is refused."""
    if there < lowest and not base:
        raise EspalierError(
            f"{domain}: {history(domain)[lowest - 1].id} and what is below it was there before us and is never taken "
            "back; go down to `base`, which stops there"
        )
    return min(here, max(there, lowest))


def _position(domain: str, revision: str | None) -> int:
    """Count the revisions up to and including one; none for None."""
    ids = [r.id for r in history(domain)]
    if revision is None:
        return 0
    if revision not in ids:
        raise EspalierError(
            f"{domain}: this database is at revision {revision}, which this version of Espalier does not know "
            f"(it knows {ids[0]} to {ids[-1]}); use the version that migrated it"
        )
    return ids.index(revision) + 1


def _resolve(domain: str, here: int, to: str) -> int:
    ids = [r.id for r in history(domain)]
    if to in ("base", "head"):
        return 0 if to == "base" else len(ids)
    if re.fullmatch(r"[+-]\d+", to) and 0 <= here + int(to) <= len(ids):
        return here + int(to)
    full = f"{domain}_{to}"
    if to in ids or full in ids:
        return ids.index(to if to in ids else full) + 1
    raise EspalierError(f"{domain}: no revision {to!r}; known are base, {', '.join(ids)}, head, and +n or -n from here")


def tenants_of(domain: str) -> str | None:
    """Name the history of a domain's tenant isolation, which a site may leave; None for a domain without one."""
    name = f"{domain}_tenants"
    return name if (_HERE / "versions" / name).is_dir() else None


def domains() -> tuple[str, ...]:
    """List the domains that have revisions, ours first."""
    folders = sorted(path.name for path in (_HERE / "versions").iterdir() if path.is_dir() and path.name[0] != "_")
    return tuple(sorted(folders, key=lambda name: name != OURS))
