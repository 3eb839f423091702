"""The one exception for a user's mistake, and how a message of others becomes a line.

The command line prints it and exits with code 2.
"""

from collections.abc import Sequence


class EspalierError(Exception):
    """A mistake of configuration or input: one line that says what, where, what was found, what to do."""


def some_of(items: Sequence[object], most: int, *, separator: str = ", ", hint: str = "") -> str:
    """List the first items in a line, and say how many more there are; `hint` says where those can be read."""
    more = f" and {len(items) - most} more{hint}" if len(items) > most else ""
    return separator.join(map(str, items[:most])) + more


def first_line(text: str) -> str:
    """Give the first line of a message that says anything."""
    return text.strip().partition("\n")[0].strip() or "failed"
