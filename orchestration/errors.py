"""The one exception for a user's mistake. The command line prints it as a line and exits with code 2."""


class EspalierError(Exception):
    """A mistake of configuration or input: one line that says what, where, what was found, what to do."""
