"""The one exception for a user's mistake, and how a message of others becomes a line.

The command line prints it and exits with code 2.
"""


class EspalierError(Exception):
    """A mistake of configuration or input: one line that says what, where, what was found, what to do."""


def first_line(text: str) -> str:
    """Give the first line of a message that says anything."""
    return text.strip().partition("\n")[0].strip() or "failed"
