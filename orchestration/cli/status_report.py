"""What `espalier status` reports. Reads only, and starts no server."""

from typing import Any

import psycopg
from psycopg.sql import SQL

from migrations import runner
from orchestration.cli.graph_server import has_graph
from orchestration.cli.site import external_servers, refuse_unreachable
from orchestration.errors import EspalierError
from orchestration.resources import Connection, connect
from orchestration.servers import neo4j_unavailable, process_records, processes
from orchestration.servers.neo4j import EmbeddedNeo4j
from orchestration.servers.postgres import EmbeddedPostgres
from orchestration.settings import Domain, Settings


def collect(settings: Settings) -> dict[str, Any]:
    """Gather what runs, where it lies, and each domain's revision."""
    site = {"home": settings.home} | _ui(settings) | _postgres(settings) | _graph(settings)
    return {"site": site, "domains": _domains(settings) if site["postgres"] != "stopped" else []}


def _ui(settings: Settings) -> dict[str, Any]:
    servers = processes.running(settings.home)
    ports = [server.port for server in servers if server.name == "webserver"]
    pids = {server.name: f"running (pid {server.pid})" for server in servers}
    return {"ui": f"http://127.0.0.1:{ports[0]}" if ports else "stopped", "daemon": pids.get("daemon", "stopped")}


def _postgres(settings: Settings) -> dict[str, Any]:
    given = ", ".join(external_servers(settings))
    if not settings.uses_embedded_server:
        return {"postgres": given}
    server = EmbeddedPostgres(settings.home)
    made = settings.home.is_dir()
    state = "running" if made and server.is_running() else "stopped"
    facts = {"data": server.data_folder, "socket": server.socket_folder, "log": server.log_file} if made else {}
    return {"postgres": f"{given}; Dagster's: {state}" if given else state} | facts


def _graph(settings: Settings) -> dict[str, Any]:
    """Tell of Neo4j, and of the process that brings changes into it."""
    if not has_graph(settings):
        return {}
    follower = {server.name: server for server in process_records.known(settings.home)}.get(processes.FOLLOWER)
    state = "stopped" if follower is None else "running" if follower.process() else follower.last_log_line()
    return _neo4j(settings) | {"graph sync": state}


def _neo4j(settings: Settings) -> dict[str, Any]:
    if not settings.uses_embedded_graph:
        return {"neo4j": settings.neo4j_uri}
    server = EmbeddedNeo4j(settings.home)
    if missing := neo4j_unavailable.reason(settings.home):
        return {"neo4j": f"cannot be had: {missing}"}
    made = server.connection_file.exists()
    state = "running" if made and server.is_running() else "stopped"
    return {"neo4j": state} | ({"neo4j data": server.data_folder, "neo4j log": server.log_file} if made else {})


def _domains(settings: Settings) -> list[dict[str, Any]]:
    try:
        refuse_unreachable(settings)
        with connect(settings.url("jobs")) as connection:
            return [_domain(connection, settings, domain) for domain in settings.domains]
    except EspalierError as error:
        return [{"domain": "-", "problem": str(error)}]


def _domain(connection: Connection, settings: Settings, domain: Domain) -> dict[str, Any]:
    revision = runner.current(connection, domain)
    return {
        "domain": domain,
        "schema": settings.schema_of(domain),
        "revision": revision or "not set up",
        "pending": len(runner.pending(connection, domain)),
        "quarantined": _quarantined(connection, domain) if revision else 0,
    }


def _quarantined(connection: Connection, domain: Domain) -> int:
    try:
        row = connection.execute(
            SQL("SELECT count(*) AS n FROM espalier.quarantine WHERE domain = %(domain)s"), {"domain": domain}
        ).fetchone()
    except psycopg.errors.UndefinedTable:
        return 0
    return int(row["n"]) if row else 0
