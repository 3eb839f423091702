"""The server's configuration file, written anew at each start.

What a person sets with ALTER SYSTEM lies in `postgresql.auto.conf`, is never touched, and wins.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from orchestration.servers.folders import Location, write_private
from orchestration.servers.os_user import OsUser

_HEADER = "# Written by Espalier at each start. For settings of your own use ALTER SYSTEM: they win and stay.\n"
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - only measured
_SHARED_MEMORY_WANTED = 1 << 30

_SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "client_connection_check_interval": "10s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "datestyle": "iso, mdy",
    "lc_messages": "C",
    "lc_monetary": "C",
    "lc_numeric": "C",
    "lc_time": "C",
    "default_text_search_config": "pg_catalog.english",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_checkpoints": "off",
    "log_lock_waits": "on",
}


def write_settings(location: Location, options: Mapping[str, str], user: OsUser) -> None:
    """Write `postgresql.conf`; `options` win over our own settings."""
    settings = _SETTINGS | {
        "unix_socket_directories": quoted_folder(location.socket),
        "dynamic_shared_memory_type": _shared_memory_type(),
    }
    lines = [f"{name} = {quoted(value)}\n" for name, value in (settings | dict(options)).items()]
    write_private(location.data / "postgresql.conf", _HEADER + "".join(lines), owner=user)


def quoted(value: str) -> str:
    """Write a value as the configuration file takes it."""
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def quoted_folder(folder: Path) -> str:
    """Write a folder as an element of a list of folders."""
    escaped = str(folder).replace('"', '""')
    return f'"{escaped}"'


def _shared_memory_type() -> str:
    """Avoid the 64 MB of /dev/shm that a container has by default: parallel queries fail there."""
    try:
        free = shutil.disk_usage(_SHARED_MEMORY).free
    except OSError:
        return "mmap"
    return "posix" if free >= _SHARED_MEMORY_WANTED else "mmap"
