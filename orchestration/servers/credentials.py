"""The passwords of the embedded server's roles: made here, kept in `connections.json`, mode 0600, and nowhere else.

The file holds one URL per role, for `settings.url()`; the passwords are read back from it.
"""

import json
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from orchestration.servers.folders import Location, ours, unusable, write_private

# name in connections.json -> role, database
ROLES = {
    "bootstrap": ("postgres", "postgres"),
    "migrator": ("espalier_migrator", "espalier"),
    "jobs": ("espalier_jobs", "espalier"),
    "app": ("espalier_app", "espalier"),
    "analytics": ("espalier_analytics", "espalier"),
    "backup": ("espalier_backup", "espalier"),
    "dagster": ("espalier_dagster", "dagster"),
}
_FIRST = ("bootstrap", "migrator", "jobs", "dagster")

Passwords = dict[str, str]


def path_of(home: Path) -> Path:
    """Name the file."""
    return ours(home) / "connections.json"


def generate() -> Passwords:
    """Make a password for each role."""
    return {name: secrets.token_urlsafe(24) for name in ROLES}


def load(home: Path) -> Passwords | None:
    """Read the passwords; none when the file is missing or damaged. A role that came later gets a new one."""
    try:
        urls: dict[str, str] = json.loads(path_of(home).read_text())
        later = {name: password for name, password in generate().items() if name not in {*urls, *_FIRST}}
        return later | {name: urlsplit(urls[name]).password or "" for name in ROLES if name not in later}
    except (FileNotFoundError, ValueError, KeyError):
        return None
    except OSError as error:
        raise unusable(home, error) from error


def save(location: Location, passwords: Passwords) -> None:
    """Write the URLs for where the socket lies now."""
    urls = {name: url_of(name, location, passwords) for name in ROLES}
    write_private(path_of(location.home), json.dumps(urls, indent=2))


def url_of(name: str, location: Location, passwords: Passwords) -> str:
    """Give the libpq URL of a role."""
    role, database = ROLES[name]
    return f"postgresql://{role}:{passwords[name]}@/{database}?{location.socket_url}"
