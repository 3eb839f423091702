"""The embedded Neo4j's password: made here, kept in `connection.json`, mode 0600, set before the first start.

Also asks a server whether it takes that password yet. Starting it is `neo4j.py`.
"""

import json
import secrets
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from orchestration.servers.folders import ours, unusable, write_private, writing
from orchestration.servers.neo4j_place import Place
from orchestration.servers.neo4j_settings import ENVIRONMENT, admin_command, initial_password
from orchestration.servers.neo4j_unavailable import Neo4jUnavailable
from orchestration.servers.os_user import OsUser, last_line
from orchestration.settings import Neo4jAddress

USER = "neo4j"
_CONNECT_S = 10
# The server makes its own database, which holds the users, anew when these are missing; the graph is in another.
_USERS = ("data/databases/system", "data/transactions/system", "data/dbms")


def path_of(home: Path) -> Path:
    """Name the file."""
    return ours(home, "neo4j") / "connection.json"


def load(home: Path) -> Neo4jAddress | None:
    """Read the address; none when the file is missing or damaged."""
    try:
        return Neo4jAddress.model_validate_json(path_of(home).read_text())
    except (FileNotFoundError, ValidationError):
        return None
    except OSError as error:
        raise unusable(home, error) from error


def save(home: Path, port: int, password: str) -> None:
    """Write the address for the port that the server has now."""
    address = {"uri": f"bolt://127.0.0.1:{port}", "user": USER, "password": password}
    with writing(home):
        write_private(path_of(home), json.dumps(address, indent=2))


def new_password() -> str:
    """Make a password that no program takes for an option."""
    return secrets.token_hex(24)


def set_password(place: Place, user: OsUser, java: Path, jars: Path, password: str) -> None:
    """Give the user neo4j its password while the server is down; the password is on no command line.

    What the server has not completed is thrown away.

    Raises:
        Neo4jUnavailable: Neo4j's admin tool failed.
    """
    arguments = place.server / "password.arguments"
    user.run(["/bin/rm", "-rf", *(("data",) if place.made == "nothing" else _USERS)], cwd=place.server)
    try:
        with writing(place.server):
            write_private(arguments, initial_password(password), owner=user)
        command: Sequence[str | Path] = admin_command(java, jars, arguments)
        named = {"NEO4J_HOME": str(place.server), "NEO4J_CONF": str(place.server / "conf")}
        code, printed = user.run(command, cwd=place.server, environment={**ENVIRONMENT, **named})
    finally:
        arguments.unlink(missing_ok=True)
    if code != 0:
        raise Neo4jUnavailable(f"Neo4j's first password in {place.server} could not be set: {last_line(printed)}")


def answers(address: Neo4jAddress) -> bool:
    """Tell whether something takes connections where the server should be; cheap."""
    parts = urlsplit(address.uri)
    with socket.socket() as probe:
        probe.settimeout(_CONNECT_S)
        return probe.connect_ex((str(parts.hostname), parts.port or 0)) == 0


def is_ready(address: Neo4jAddress) -> bool:
    """Tell whether the server answers a query with our password.

    Raises:
        Neo4jUnavailable: it refuses the password.
    """
    return answers(address) and _speaks(address)


def _speaks(address: Neo4jAddress) -> bool:
    import neo4j  # a command that only looks whether something runs does without the driver
    from neo4j.exceptions import AuthError, DriverError, Neo4jError

    open_driver: Callable[..., neo4j.Driver] = neo4j.GraphDatabase.driver
    auth = (address.user, address.password.get_secret_value())
    try:
        with open_driver(address.uri, auth=auth, connection_timeout=_CONNECT_S) as driver, driver.session() as session:
            session.run("RETURN 1").consume()
    except AuthError as error:
        raise Neo4jUnavailable(
            f"Neo4j at {address.uri} refuses the password of connection.json; run `espalier down`, remove that file: "
            "the next start makes a new password"
        ) from error
    except (DriverError, Neo4jError):
        return False  # it is on its way up
    return True
