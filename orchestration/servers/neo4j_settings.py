"""How Neo4j is run: its configuration file, written anew at each start, and the command lines of its programs.

Nothing here starts a process. The jars hold no start script; what theirs would do stands in `server_command`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

_HEADER = "# Written by Espalier at each start.\n"
_MAIN = "org.neo4j.server.CommunityEntryPoint"
_ADMIN = "org.neo4j.cli.AdminTool"
_OPENED = ("java.nio", "java.io", "sun.nio.ch", "java.lang", "java.util.concurrent")
# Java writes the names of files in the locale's encoding, and home may hold any letter.
ENVIRONMENT: Mapping[str, str] = MappingProxyType({"LC_ALL": "C.UTF-8"})
# Java compiles for speed what has been called ten times as often as by default: a start takes half of the CPU's time,
# a long load no more.
_LATER_COMPILED = (
    "-XX:Tier4InvocationThreshold=50000",
    "-XX:Tier4MinInvocationThreshold=6000",
    "-XX:Tier4CompileThreshold=150000",
    "-XX:Tier4BackEdgeThreshold=400000",
)
_SMALL_JVM = ("-XX:+UseSerialGC", "-XX:-UsePerfData")

_SETTINGS = {
    "server.default_listen_address": "127.0.0.1",
    "server.http.enabled": "false",
    "server.https.enabled": "false",
    "dbms.usage_report.enabled": "false",
    # Without these two any user of the database reads any file of the machine by LOAD CSV.
    "server.directories.import": "import",
    "dbms.security.allow_csv_import_from_file_urls": "false",
    "server.memory.pagecache.size": "128m",
    "db.tx_log.rotation.retention_policy": "1 files",
    "db.tx_log.rotation.size": "32m",
    # With their defaults a stop takes ten seconds.
    "db.shutdown_transaction_end_timeout": "0s",
    "internal.server.bolt.thread_pool_shutdown_wait_time": "0s",
}


def settings_text(port: int, heap_mb: int, options: Mapping[str, str]) -> str:
    """Give the text of `neo4j.conf`; `options` win over our own settings."""
    settings = _SETTINGS | {
        "server.bolt.listen_address": f"127.0.0.1:{port}",
        "server.memory.heap.initial_size": f"{heap_mb // 2}m",
        "server.memory.heap.max_size": f"{heap_mb}m",
    }
    return _HEADER + "".join(f"{name}={value}\n" for name, value in (settings | dict(options)).items())


def server_command(java: Path, jars: Path, folder: Path, heap_mb: int) -> Sequence[str | Path]:
    """Give the command that runs the server of a folder in the foreground."""
    return [
        java,
        *_SMALL_JVM,
        *_LATER_COMPILED,
        f"-Xms{heap_mb // 2}m",
        f"-Xmx{heap_mb}m",
        f"-Djava.io.tmpdir={folder / 'tmp'}",
        "-Dlog4j2.disable.jmx=true",
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED),
        "--enable-native-access=ALL-UNNAMED",
        "-Dio.netty.tryReflectionSetAccessible=true",
        "-cp",
        f"{jars}/*",
        _MAIN,
        home_option(folder),
        f"--config-dir={folder / 'conf'}",
    ]


def home_option(folder: Path) -> str:
    """Give the argument by which a server of this folder is known."""
    return f"--home-dir={folder}"


def admin_command(java: Path, jars: Path, arguments: Path) -> Sequence[str | Path]:
    """Give the command that runs the admin tool with what stands in a file: arguments are seen by every user."""
    return [java, "-XX:TieredStopAtLevel=1", *_SMALL_JVM, "-cp", f"{jars}/*", f"@{arguments}"]


def initial_password(password: str) -> str:
    """Give the text of the file of arguments which sets the first password."""
    return f"{_ADMIN} dbms set-initial-password {password}\n"
