"""That there can be no embedded Neo4j, and why: the exception, and the note which tells it to all who would need one.

The note lies in `<home>/neo4j/unavailable` until a server comes up again. Nothing here finds out why.
"""

from contextlib import suppress
from pathlib import Path

from orchestration.errors import EspalierError
from orchestration.servers.folders import ours, write_private, writing


class Neo4jUnavailable(EspalierError):
    """The embedded Neo4j cannot be had, such as without Java or network; everything but the graph goes on."""


def reason(home: Path) -> str | None:
    """Give the one line that says why there is no Neo4j; none when the last start went well."""
    with suppress(FileNotFoundError, PermissionError):
        return _note(home).read_text().strip()
    return None


def remember(home: Path, error: Neo4jUnavailable) -> None:
    """Keep the reason for `status` and the graph's assets."""
    with writing(home):
        write_private(_note(home), f"{error}\n")


def forget(home: Path) -> None:
    """Take the reason back: a server came up."""
    with writing(home):
        _note(home).unlink(missing_ok=True)


def _note(home: Path) -> Path:
    return ours(home, "neo4j") / "unavailable"
