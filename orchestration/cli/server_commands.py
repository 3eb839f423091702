"""Commands about servers: `up`, `down`, `status`, `env`, `url`, `psql`."""

import os
import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from psycopg.conninfo import conninfo_to_dict

from orchestration.cli.ending import heed
from orchestration.cli.graph_server import can_have_graph, has_graph
from orchestration.cli.output import Json, print_json, print_table, say, working
from orchestration.cli.site import site
from orchestration.errors import EspalierError
from orchestration.servers import postmaster, processes, usage
from orchestration.servers.neo4j import EmbeddedNeo4j, embedded_neo4j
from orchestration.servers.postgres import EmbeddedPostgres
from orchestration.settings import Role, Settings, load_settings


class Database(StrEnum):
    """The databases of a site."""

    postgres = "postgres"
    dagster = "dagster"


class Address(StrEnum):
    """What `url` gives the address of: a database, or the graph's server."""

    postgres = "postgres"
    dagster = "dagster"
    neo4j = "neo4j"


class ConnectAs(StrEnum):
    """The roles that a person may connect as."""

    migrator = "migrator"
    jobs = "jobs"
    app = "app"
    analytics = "analytics"
    backup = "backup"


_AS_ROLE = "migrator owns the tables; jobs has what assets have; app, analytics and backup what their names say."
AsRole = Annotated[ConnectAs, typer.Option("--role", help=_AS_ROLE)]


def up(
    port: Annotated[int | None, typer.Option(help="Port of the UI on 127.0.0.1.", min=1, max=65535)] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="The UI shows everything and starts nothing.")] = False,
) -> None:
    """Start the servers, the Dagster UI and its daemon; they run until `espalier down`."""
    settings = load_settings()
    living = {server.name: server.port for server in processes.running(settings.home)}
    wanted = port or living.get("webserver") or settings.ui_port
    if "webserver" not in living:
        processes.refuse_occupied(wanted)
    with (
        site(graph=True) as settings,
        working("Starting the UI and its daemon"),
        processes.all_or_nothing(settings.home, before=set(living)),
    ):
        ui = processes.start_ui(settings, wanted, read_only=read_only)
        if can_have_graph(settings):
            processes.start_follower(settings)
        heed()
        _keep_servers(settings)  # only now: a UI that did not come up leaves no server behind
    state = f"started {' and '.join(ui.started)}" if ui.started else "was already up"
    say(f"The UI is at {ui.url} ({state}). Stop everything with `espalier down`.")


def down() -> None:
    """Stop the UI, the daemon and the embedded servers."""
    settings = load_settings()
    stopped = processes.stop_all(settings.home)
    if settings.home.is_dir():
        stopped += _stop_servers(settings.home)
    say(f"Stopped {', '.join(stopped)}." if stopped else "Nothing was running.")


def env() -> None:
    """Print what plain dagster-webserver and dagster-daemon need: eval "$(espalier env)"."""
    with site(keep=True) as settings:
        for name, value in processes.dagster_environment(settings).items():
            say(f"export {name}={shlex.quote(value)}")


def url(
    database: Annotated[Address, typer.Argument(help="Which server's database.")] = Address.postgres,
    role: AsRole = ConnectAs.migrator,
    as_json: Json = False,
) -> None:
    """Print where a server is, as psql or a driver takes it; it stays up until `espalier down`."""
    if database is Address.neo4j:
        address = _graph_address(load_settings())
        print_json(address) if as_json else say("\n".join(f"{name} {value}" for name, value in address.items()))
        return
    with site(keep=True) as settings:
        found = settings.url(_role(Database(database.value), role))
        print_json({"url": found}) if as_json else say(found)


def psql(
    context: typer.Context,
    database: Annotated[Database, typer.Option(help="Which database.")] = Database.postgres,
    role: AsRole = ConnectAs.migrator,
) -> None:
    """Open psql; what follows -- is passed on, such as `espalier psql -- -c 'TABLE espalier.domains'`."""
    with site(keep=True) as settings:
        environment = os.environ | _libpq_environment(settings, _role(database, role))
        program = EmbeddedPostgres(settings.home).bin("psql")
    os.execve(program, ["psql", *context.args], environment)  # noqa: S606 -- no shell: psql takes this process over


def status(as_json: Json = False) -> None:
    """Show what runs, where it lies, and how far each domain's schema is. Starts nothing."""
    from orchestration.cli import status_report  # reads revisions, so it imports Alembic: the other commands need not

    report = status_report.collect(load_settings())
    if as_json:
        print_json(report)
        return
    print_table("Site", ("what", "found"), report["site"].items())
    if report["domains"]:
        rows = [tuple(row.values()) for row in report["domains"]]
        print_table("Domains", tuple(report["domains"][0]), rows)


def _keep_servers(settings: Settings) -> None:
    """Have the embedded servers outlive this command."""
    if settings.uses_embedded_server:
        usage.mark_kept(settings.home)
    if settings.uses_embedded_graph and can_have_graph(settings):
        usage.mark_kept(settings.home, "neo4j")


def _stop_servers(home: Path) -> list[str]:
    """Stop the embedded servers; name those that ran."""
    graph, postgres = EmbeddedNeo4j(home), EmbeddedPostgres(home)
    alive = {"neo4j": graph.pid is not None, "postgres": postmaster.alive(postgres.data_folder)}
    usage.unmark_kept(home, "neo4j")
    usage.unmark_kept(home)
    graph.stop()
    if alive["postgres"]:
        postgres.stop()
    return [name for name, lived in alive.items() if lived]


def _graph_address(settings: Settings) -> dict[str, str]:
    """Give what a driver needs; an embedded server is started and kept."""
    if not has_graph(settings):
        raise EspalierError("this site has no graph: ESPALIER_DOMAINS has no community; add it")
    if settings.uses_embedded_graph:
        with embedded_neo4j(settings.home, keep=True):
            address = settings.neo4j()
    else:
        address = settings.neo4j()
    return {"uri": address.uri, "user": address.user, "password": address.password.get_secret_value()}


def _role(database: Database, role: ConnectAs) -> Role:
    return "dagster" if database is Database.dagster else cast("Role", role.value)


def _libpq_environment(settings: Settings, role: Role) -> dict[str, str]:
    """Pass the address by environment: arguments are seen by every user of the machine."""
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    parts: dict[str, Any] = conninfo_to_dict(settings.url(role))
    names |= {"sslmode": "PGSSLMODE", "channel_binding": "PGCHANNELBINDING"}
    unknown = sorted(parts.keys() - names.keys())
    if unknown:
        raise EspalierError(f"psql: DATABASE_URL has {', '.join(unknown)}; call psql with the output of `espalier url`")
    path = "" if role == "dagster" else ",".join(f'"{settings.schema_of(d)}"' for d in settings.domains)
    options = {"PGOPTIONS": f"-c search_path={path},extensions -c TimeZone=UTC"} if path else {}
    return {names[key]: str(value) for key, value in parts.items()} | options
