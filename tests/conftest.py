"""Fixtures: real servers, a migrated template database, a clone of it for each test, a real Dagster instance.

The servers are Postgres 16 and 18; Dagster's storage is on them too. `tests/factories.py` builds rows.
"""

import os
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import dagster as dg
import psycopg
import pytest
from dagster import DagsterInstance
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL, Identifier
from pydantic import SecretStr

from assets import community, rag
from migrations import runner
from orchestration.cli.runs import QUIET, keep_connections
from orchestration.partitions import AS_OF_TAG
from orchestration.resources import Postgres
from orchestration.schedules import RANGE_END, RANGE_START
from orchestration.servers.postgres import EmbeddedPostgres
from orchestration.settings import DOMAINS, PROJECT, ROLES, Domain, LmsPolicy, Role, Settings

Connection = psycopg.Connection[DictRow]
# Tests may lose a server's last writes when the machine dies, never correctness: only fsync is off. Dagster's storage
# opens a connection for every event, and half of what that costs is the hashing of the password.
FAST = {
    **{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"},
    **{"max_connections": "60", "scram_iterations": "1"},
}
SERVER_VARIABLES = (
    *("DATABASE_URL", "DIRECT_DATABASE_URL", "DAGSTER_DATABASE_URL"),
    *("NEO4J_URI", "NEO4J_USER", "NEO4J_PASSWORD"),
)

pytest_plugins = ["tests.graph_fixtures"]


@pytest.fixture(scope="session", autouse=True)
def clean_environment() -> Generator[None]:
    """Take away what a developer's shell may set: tests never touch DATABASE_URL or a site's home."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith("ESPALIER_") and n != "ESPALIER_TEST_DATABASE_URL"]:
            patch.delenv(name)
        for name in (*SERVER_VARIABLES, "DAGSTER_HOME"):
            patch.delenv(name, raising=False)
        yield


@dataclass(frozen=True)
class Server:
    """A Postgres server: one URL a role, each of which can be pointed at any database."""

    major: int
    urls: Mapping[Role, str] = field(repr=False)

    def url(self, role: Role, database: str) -> str:
        """Give the URL of a role in a database."""
        parts = {**conninfo_to_dict(self.urls[role]), "dbname": database}
        user, password, host = parts["user"], parts["password"], str(parts["host"])
        if host.startswith("/"):
            return f"postgresql://{user}:{password}@/{database}?host={host.replace('/', '%2F')}"
        return f"postgresql://{user}:{password}@{host}:{parts.get('port', 5432)}/{database}"

    @contextmanager
    def admin(self, database: str = "postgres") -> Generator[Connection]:
        """Connect as the superuser."""
        with Connection.connect(self.url("bootstrap", database), autocommit=True, row_factory=dict_row) as connection:
            yield connection

    def create_database(self, name: str, template: str, owner: str) -> None:
        """Copy a database; the copy has no privileges of its own, so they are granted again."""
        with self.admin() as admin:
            admin.execute(
                SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(*map(Identifier, (name, template, owner)))
            )
            admin.execute(SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(Identifier(name)))
            for role in ("espalier_migrator", "espalier_jobs"):
                admin.execute(
                    SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(Identifier(name), Identifier(role))
                )
            admin.execute(SQL("GRANT CREATE ON DATABASE {} TO espalier_migrator").format(Identifier(name)))
            admin.execute(
                SQL("GRANT CONNECT ON DATABASE {} TO espalier_app, espalier_analytics, espalier_backup").format(
                    Identifier(name)
                )
            )

    def drop_database(self, name: str) -> None:
        """Drop a database with whoever is connected to it."""
        with self.admin() as admin:
            admin.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))


@dataclass(frozen=True)
class Site:
    """A database of its own for one test, migrated to head, and how jobs and tests reach it."""

    server: Server
    database: str
    settings: Settings

    @property
    def postgres(self) -> Postgres:
        """The resource that assets are given."""
        return Postgres(self.settings)

    @contextmanager
    def connect(self, domain: Domain | None = "community", role: Role = "migrator") -> Generator[Connection]:
        """Connect in autocommit mode, in UTC, with the path of a domain."""
        url = self.server.url(role, self.database)
        with Connection.connect(url, autocommit=True, row_factory=dict_row) as connection:
            schema = self.settings.schema_of(domain) if domain else "public"
            connection.execute("SELECT set_config('search_path', %s, false)", [f'"{schema}", extensions'])
            connection.execute("SET TimeZone TO 'UTC'")
            yield connection


@pytest.fixture(scope="session", params=[18, 16], ids=["pg18", "pg16"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    """Run a real server of each supported tree of the wheel for the session."""
    major: Literal[16, 18] = request.param
    home = tmp_path_factory.mktemp(f"pg{major}")
    embedded = EmbeddedPostgres(home, major=major, options=FAST)
    embedded.start()
    try:
        settings = Settings(home=home)
        yield Server(major, {role: settings.url(role) for role in ROLES})
    finally:
        embedded.remove()


def site_settings(server: Server, database: str, home: Path, **overrides: Any) -> Settings:
    """Make the settings of a site whose database is on the test server; tenants are isolated where a test asks."""
    overrides.setdefault("lms", LmsPolicy(tenant_isolation=False))
    return Settings(
        home=home,
        database_url=SecretStr(server.url("jobs", database)),
        direct_database_url=SecretStr(server.url("migrator", database)),
        dagster_database_url=SecretStr(server.url("dagster", "dagster")),
        **overrides,
    )


@pytest.fixture(scope="session")
def template(server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Migrate every domain once; each test clones the result."""
    name = "espalier_template"
    server.create_database(name, "espalier", "espalier_migrator")
    settings = site_settings(server, name, tmp_path_factory.mktemp("template"))
    for domain in DOMAINS:
        runner.migrate(settings, domain)
    return name


@pytest.fixture(scope="module")
def views_for_analytics(template: str) -> Generator[None]:
    """Have the sites of a file make the views that people who analyse read; the template has none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ESPALIER_ANALYTICS_VIEWS", "true")
        yield


@pytest.fixture
def new_site(server: Server, tmp_path: Path) -> Generator[Any]:
    """Make sites: `new_site("espalier")` is an empty database, `new_site("espalier_template")` a migrated one."""
    made: list[str] = []

    def make(base: str, **overrides: Any) -> Site:
        name = f"site_{uuid.uuid4().hex[:12]}"
        server.create_database(name, base, "espalier_migrator")
        made.append(name)
        return Site(server, name, site_settings(server, name, tmp_path / name, **overrides))

    yield make
    for name in made:
        server.drop_database(name)


@pytest.fixture
def site(new_site: Any, template: str) -> Site:
    """Give a test a migrated database of its own."""
    return new_site(template)


@pytest.fixture
def empty_site(new_site: Any, server: Server) -> Site:
    """Give a test a database in which nothing has been migrated."""
    return new_site("espalier")


@pytest.fixture(scope="session")
def dagster_template(server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Create Dagster's storage tables once a server; each instance clones them."""
    with open_instance(server.url("dagster", "dagster"), tmp_path_factory.mktemp("dagster")):
        return "dagster"


@contextmanager
def open_instance(url: str, storage: Path) -> Generator[DagsterInstance]:
    """Open the Dagster instance of `dagster.yaml` on a database, with its files in `storage`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_PG_URL", url.replace("postgresql://", "postgresql+psycopg2://", 1))
        patch.setenv("ESPALIER_DAGSTER_STORAGE", str(storage))
        instance = DagsterInstance.from_config(str(PROJECT))
        keep_connections(instance)
        try:
            yield instance
        finally:
            instance.dispose()


@pytest.fixture
def instance(server: Server, dagster_template: str, tmp_path: Path) -> Generator[DagsterInstance]:
    """Give a test a Dagster instance on Postgres storage of its own."""
    name = f"dagster_{uuid.uuid4().hex[:12]}"
    server.create_database(name, dagster_template, "espalier_dagster")
    with open_instance(server.url("dagster", name), tmp_path / "dagster") as instance:
        yield instance
    server.drop_database(name)


class Materialize:
    """Runs assets as Dagster runs them: a real run on the instance, with the site's Postgres."""

    def __init__(self, site: Site, instance: DagsterInstance) -> None:
        self.site, self.instance = site, instance

    def __call__(
        self,
        *keys: str,
        partition: str | None = None,
        days: tuple[str, str] | None = None,
        config: dict[str, Any] | None = None,
        as_of: str | None = None,
        raise_on_error: bool = True,
    ) -> dg.ExecuteInProcessResult:
        """Materialize assets named `domain/table`, for a partition or an inclusive range of days."""
        tags = {AS_OF_TAG: as_of} if as_of else {}
        if days:
            tags |= {RANGE_START: days[0], RANGE_END: days[1]}
        ops = {key.replace("/", "__"): {"config": config} for key in keys} if config else {}
        return dg.materialize(
            [*community.ASSETS, *rag.ASSETS],
            selection=[dg.AssetKey(key.split("/")) for key in keys],
            resources={"postgres": dg.ResourceDefinition.hardcoded_resource(self.site.postgres)},
            instance=self.instance,
            partition_key=partition,
            run_config={"ops": ops, **QUIET},
            tags=tags,
            raise_on_error=raise_on_error,
        )


@pytest.fixture
def materialize(site: Site, instance: DagsterInstance) -> Materialize:
    """Materialize assets of the test's site in the test's instance."""
    return Materialize(site, instance)


def figures(result: dg.ExecuteInProcessResult, key: str) -> dict[str, Any]:
    """Give the metadata that an asset reported in a run."""
    events = result.asset_materializations_for_node(key.replace("/", "__"))
    return {name: value.value for event in events for name, value in event.metadata.items()}
