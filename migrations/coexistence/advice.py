"""The shape of what an application's developers are told, whatever their tool is."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Addition:
    """What a table of the application gets: fields in the body of its definition, and indexes and keys after them."""

    fields: list[str] = field(default_factory=list[str])
    rest: list[str] = field(default_factory=list[str])


@dataclass
class Advice:
    """What to add to the tool's configuration and schema, and what else is to be known.

    Attributes:
        config: lines of the tool's configuration file.
        definitions: what stands on the top level of the schema.
        additions: by table.
        notes: what the tool does not see or cannot express, and what to do.
    """

    tool: str
    domain: str
    schema: str
    config: list[str]
    definitions: list[str] = field(default_factory=list[str])
    additions: dict[str, Addition] = field(default_factory=dict[str, Addition])
    notes: list[str] = field(default_factory=list[str])

    def of(self, table: str) -> Addition:
        """Give what a table gets, to be added to."""
        return self.additions.setdefault(table, Addition())

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data, for JSON."""
        return asdict(self)
