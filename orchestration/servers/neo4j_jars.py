"""The jars of Neo4j 5.26: fetched once a machine by an ordinary Maven client, `mvn` of the PATH, else `jgo`.

Which repository they come from is that client's own setting. A fetch is locked, and whole or not at all.
"""

import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from orchestration.servers.neo4j_unavailable import Neo4jUnavailable
from orchestration.servers.os_user import last_line

if TYPE_CHECKING:
    from jgo.maven import Dependency

VERSION = "5.26.30"
_SERVER_JAR = f"neo4j-{VERSION}.jar"
_PATIENCE_S = 900
_MVN_S = 600
_PARALLEL = 8
_GOAL = ("dependency:copy-dependencies", "-DincludeScope=runtime")
_POM = f"""<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>espalier</groupId><artifactId>neo4j-jars</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.neo4j</groupId><artifactId>neo4j</artifactId><version>{VERSION}</version></dependency>
  </dependencies>
</project>
"""


class _FetchFailed(Exception):
    """One of the clients could not fetch the jars; holds why, in one line."""


def is_fetched(store: Path) -> bool:
    """Tell whether the jars are there, so that nothing has to be fetched."""
    return _folder(store).is_dir()


def jars(store: Path) -> Path:
    """Give the folder of the jars, fetched into `store` when they are not there.

    Raises:
        Neo4jUnavailable: no client could fetch them.
    """
    folder = _folder(store)
    if not folder.is_dir():
        try:
            store.mkdir(mode=0o755, parents=True, exist_ok=True)
            with FileLock(store / f".{folder.name}.lock", timeout=_PATIENCE_S):
                _fetch_once(folder)
        except Timeout:
            raise Neo4jUnavailable(f"another process has been fetching Neo4j into {store} for 15 minutes") from None
        except OSError as error:
            raise Neo4jUnavailable(f"Neo4j's jars cannot be kept in {store}: {error.strerror or error}") from error
    return folder


def _folder(store: Path) -> Path:
    return store / f"neo4j-{VERSION}"


def _fetch_once(folder: Path) -> None:
    if folder.is_dir():
        return  # another process was first
    for left_by_a_killed_one in folder.parent.glob(f".{folder.name}-*"):
        shutil.rmtree(left_by_a_killed_one)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as unfinished:
        fetched = _fetch(Path(unfinished))
        for jar in fetched.iterdir():
            jar.chmod(0o644)
        fetched.chmod(0o755)
        fetched.rename(folder)


def _fetch(scratch: Path) -> Path:
    """Fetch all jars into a folder below `scratch` by the first client that can."""
    failures: list[str] = []
    for fetch in (_by_mvn, _by_jgo):
        target = scratch / fetch.__name__
        target.mkdir()
        try:
            fetch(scratch, target)
        except _FetchFailed as error:
            failures.append(str(error))
        else:
            return target
    raise Neo4jUnavailable(
        f"Neo4j's jars cannot be fetched: {'; '.join(failures)}; see to the network or its proxy, or set NEO4J_URI"
    )


def _by_mvn(scratch: Path, target: Path) -> None:
    mvn = shutil.which("mvn")
    if mvn is None:
        raise _FetchFailed("no mvn on the PATH")
    pom = scratch / "pom.xml"
    pom.write_text(_POM)
    command = [
        mvn,
        "--batch-mode",
        "--quiet",
        "--strict-checksums",
        "--file",
        pom,
        *_GOAL,
        f"-DoutputDirectory={target}",
    ]
    try:
        done = subprocess.run(  # noqa: S603 - a list, no shell; the words are ours
            command, cwd=scratch, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_MVN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _FetchFailed(f"mvn: {last_line(str(error))}") from error
    if done.returncode != 0 or not (target / _SERVER_JAR).is_file():
        raise _FetchFailed(f"mvn: {_first_error(done.stdout + done.stderr)}")


def _first_error(printed: str) -> str:
    lines = [line.removeprefix("[ERROR]").strip() for line in printed.splitlines() if line.startswith("[ERROR]")]
    return lines[0] if lines else last_line(printed)


def _by_jgo(scratch: Path, target: Path) -> None:
    """Resolve without Maven; its cache is thrown away, as a file that a killed fetch cut short would stay in it."""
    from jgo.maven import MavenContext, PythonResolver
    from requests import RequestException

    context = MavenContext(resolver=PythonResolver(), repo_cache=scratch / "repository")
    try:
        wanted, needed = context.resolver.resolve([context.create_dependency(f"org.neo4j:neo4j:{VERSION}")])
        with ThreadPoolExecutor(_PARALLEL) as pool:
            paths = list(pool.map(_path_of, [*wanted, *needed]))
    except (RequestException, RuntimeError, ValueError, OSError) as error:
        raise _FetchFailed(f"jgo: {last_line(str(error))}") from error
    for path in paths:
        path.rename(target / path.name)


def _path_of(dependency: "Dependency") -> Path:
    """Fetch one jar."""
    return dependency.artifact.resolve()
