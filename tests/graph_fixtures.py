"""Fixtures for the graph: one real Neo4j a session, and a site whose graph is empty.

Tests that use it run on Postgres 18 only unless they ask for `server` themselves.
"""

import os
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, LiteralString

import neo4j
import pytest

from orchestration.servers.neo4j import EmbeddedNeo4j, Neo4jUnavailable
from orchestration.settings import Neo4jAddress, Settings

_EMPTY: tuple[LiteralString, ...] = (
    "MATCH ()-[r]->() CALL (r) { DELETE r } IN TRANSACTIONS OF 10000 ROWS",
    "MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS",
    "SHOW CONSTRAINTS YIELD name RETURN name",
    "SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name",
)


@dataclass(frozen=True)
class Neo4jServer:
    """A running Neo4j with a driver of the tests' own."""

    embedded: EmbeddedNeo4j
    address: Neo4jAddress
    driver: neo4j.Driver

    @property
    def pid(self) -> int | None:
        """The server's process."""
        return self.embedded.pid

    def run(self, query: LiteralString, **parameters: Any) -> list[dict[str, Any]]:
        """Run a query in a transaction of its own; give its rows."""
        with self.driver.session() as session:
            return session.run(query, parameters).data()

    def empty(self) -> None:
        """Take away all nodes, edges, constraints and indexes."""
        edges, nodes, constraints, indexes = _EMPTY
        self.run(edges)
        self.run(nodes)
        for row in self.run(constraints):
            self.run("DROP CONSTRAINT $name", **row)
        for row in self.run(indexes):
            self.run("DROP INDEX $name", **row)


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have a test of the graph run on Postgres 18 only, unless it says otherwise."""
    asked = any("server" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "graph_site" in metafunc.fixturenames and not asked:
        one = pytest.mark.parametrize("server", [18], ids=["pg18"], indirect=True, scope="session")
        metafunc.definition.add_marker(one)


def start_or_skip(embedded: EmbeddedNeo4j) -> None:
    """Start a server; skip, and say why, on a machine that cannot have one, but never in CI."""
    try:
        embedded.start()
    except Neo4jUnavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def neo4j_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Neo4jServer]:
    """Run a real Neo4j for the session."""
    home = tmp_path_factory.mktemp("neo4j")
    embedded = EmbeddedNeo4j(home)
    try:
        start_or_skip(embedded)
        address = Settings(home=home).neo4j()
        auth = (address.user, address.password.get_secret_value())
        open_driver: Callable[..., neo4j.Driver] = neo4j.GraphDatabase.driver
        with open_driver(address.uri, auth=auth) as driver:
            yield Neo4jServer(embedded, address, driver)
    finally:
        embedded.remove()


@pytest.fixture
def graph_site(new_site: Any, template: str, neo4j_server: Neo4jServer) -> Any:
    """Give a test a migrated site of its own whose graph, on the shared Neo4j, is empty and unmarked."""
    neo4j_server.empty()
    address = neo4j_server.address
    return new_site(template, neo4j_uri=address.uri, neo4j_user=address.user, neo4j_password=address.password)
