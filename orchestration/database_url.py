"""Reads a database's address as Prisma, Drizzle and Neon write it and turns it into a libpq URL.

Errors name the variable and the part that is wrong, never the password.
"""

from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit, urlunsplit

from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import ProgrammingError

from orchestration.errors import EspalierError

# Parameters of Prisma's engine and of poolers, which libpq refuses. The schema is kept as the domain's schema.
_NOT_LIBPQ = frozenset(
    {
        "pgbouncer",
        "connection_limit",
        "pool_timeout",
        "socket_timeout",
        "statement_cache_size",
        "sslaccept",
        "sslidentity",
        "sslpassword",
        "single_use_connections",
        "pool",
        "pool_mode",
    }
)
_SCHEMES = ("postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2")


@dataclass(frozen=True)
class DatabaseUrl:
    """An address libpq takes, the schema that was named in it, and a line for each part that was left out."""

    url: str
    schema: str | None
    notices: tuple[str, ...]

    def __repr__(self) -> str:
        """Show the schema only: the address holds a password."""
        return f"DatabaseUrl(schema={self.schema!r})"


def read_database_url(name: str, value: str) -> DatabaseUrl:
    """Read the address in the variable `name`.

    Raises:
        EspalierError: it is no address of a Postgres database.
    """
    parts = _split(name, value)
    parameters = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(k, v) for k, v in parameters if k not in _NOT_LIBPQ and k != "schema"]
    # libpq reads %20, not +, as a space: quote_via matters.
    url = urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(kept, quote_via=quote), ""))
    _refuse_what_libpq_refuses(name, url)
    dropped = tuple(f"{name}: {k}={v} is not for libpq, left out" for k, v in parameters if k in _NOT_LIBPQ)
    return DatabaseUrl(url, dict(parameters).get("schema") or None, dropped)


def _split(name: str, value: str) -> SplitResult:
    try:
        parts = urlsplit(value.strip().strip("\"'"))
        _ = parts.port
    except ValueError as error:
        raise EspalierError(f"{name}: not an address ({error}); give postgresql://user:password@host/name") from None
    if parts.scheme not in _SCHEMES:
        found = f"scheme {parts.scheme!r}" if parts.scheme else "no scheme"
        raise EspalierError(f"{name}: found {found}; give postgresql://user:password@host:5432/name")
    return parts


def _refuse_what_libpq_refuses(name: str, url: str) -> None:
    try:
        conninfo_to_dict(url)
    except ProgrammingError as error:
        # Only this message of libpq's names no part of the user or the password.
        reason = str(error).strip().splitlines()[0]
        known = reason if reason.startswith("invalid URI query parameter") else "libpq cannot read the address"
        raise EspalierError(f"{name}: {known}; correct it (percent-encode signs in user and password)") from None
