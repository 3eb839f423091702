"""The report of a migration run: pre-flight, each revision with its time, verification per object, summary.

The command line renders it; as JSON it is kept in `espalier.migration_runs`.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Literal

from migrations.revisions import Direction

State = Literal["begin", "retry", "done"]


@dataclass(frozen=True)
class Finding:
    """Something that was looked at before or after: what, whether it was as it should be, and what was found."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True)
class StepReport:
    """A revision that was applied or taken back."""

    domain: str
    revision: str
    title: str
    direction: Direction
    seconds: float
    tries: int
    objects: int


@dataclass(frozen=True)
class StepEvent:
    """A sign of life for whoever watches: a step begins, tries again behind a lock, is done."""

    revision: str
    title: str
    direction: Direction
    state: State
    tries: int = 1
    seconds: float = 0.0


@dataclass
class MigrationReport:
    """What a run of `migrate` did to one domain."""

    domain: str
    schema: str
    server: str
    from_revision: str | None
    to_revision: str | None
    started_at: datetime
    finished_at: datetime
    preflight: list[Finding] = field(default_factory=list[Finding])
    steps: list[StepReport] = field(default_factory=list[StepReport])
    grants: list[str] = field(default_factory=list[str])
    dumps: dict[str, int] = field(default_factory=dict[str, int])
    verification: list[Finding] = field(default_factory=list[Finding])

    @property
    def seconds(self) -> float:
        """How long the run took."""
        return (self.finished_at - self.started_at).total_seconds()

    @property
    def changed(self) -> bool:
        """Whether the run did anything."""
        return bool(self.steps or self.grants)

    @property
    def ok(self) -> bool:
        """Whether everything that was verified is as it should be."""
        return all(finding.ok for finding in self.verification)

    def to_json(self) -> str:
        """Write the report as JSON; times in ISO 8601."""
        summary = {"seconds": self.seconds, "ok": self.ok, "changed": self.changed}
        return json.dumps({**asdict(self), **summary}, default=datetime.isoformat)
