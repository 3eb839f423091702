"""The UI of a site as its tests use it: a home with a real Postgres, requests, queries, subscriptions."""

import json
import socket
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from orchestration.servers import processes
from orchestration.servers.postgres import embedded_postgres
from orchestration.servers.process_records import Server
from orchestration.servers.processes import Ui
from orchestration.settings import Settings
from tests.embedded import FAST

_POOLS = "{ instance { concurrencyLimits { concurrencyKey } } }"


@dataclass(frozen=True)
class Site:
    """A home with a running Postgres and the UI on it."""

    settings: Settings
    ui: Ui

    def ask(self, method: str = "GET", path: str = "/graphql", **options: Any) -> httpx.Response:
        """Send a request to the UI."""
        with httpx.Client(trust_env=False, timeout=60) as client:
            return client.request(method, self.ui.url + path, **options)

    def query(self, text: str) -> Any:
        """Send a query as the UI does and give its data."""
        answer = self.ask("POST", json={"query": text})
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def subscribe(self, text: str, origin: str | None = None) -> Generator[Any]:
        """Subscribe by websocket as the UI does and give the data of each answer as it comes."""
        headers = {"Origin": origin} if origin else {}
        url, protocols = self.ui.url.replace("http", "ws") + "/graphql", [Subprotocol("graphql-ws")]
        with connect(url, additional_headers=headers, subprotocols=protocols, proxy=None) as websocket:
            websocket.send(json.dumps({"type": "connection_init"}))
            assert json.loads(websocket.recv(timeout=60)) == {"type": "connection_ack"}
            websocket.send(json.dumps({"type": "start", "id": "1", "payload": {"query": text}}))
            while True:
                yield json.loads(websocket.recv(timeout=300))["payload"]["data"]

    def daemon(self) -> Server:
        """Give the record of the living daemon."""
        return next(server for server in processes.running(self.settings.home) if server.name == "daemon")

    def pools(self) -> set[str]:
        """Name the pools that Dagster knows: a mutation that was executed left one."""
        return {limit["concurrencyKey"] for limit in self.query(_POOLS)["instance"]["concurrencyLimits"]}


def free_port() -> int:
    """Find a port that nobody has."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return listener.getsockname()[1]


def new_home(home: Path) -> Generator[Settings]:
    """Run a Postgres in a home; at the end stop what was started on it and remove the data."""
    with embedded_postgres(home, options=FAST) as postgres:
        try:
            yield Settings(home=home)
        finally:
            processes.stop_all(home)
    postgres.remove()


def workspace_of(folder: Path, module: str, code: str) -> Path:
    """Write a code location of one module and the workspace file that names it."""
    (folder / f"{module}.py").write_text(code)
    workspace = folder / "workspace.yaml"
    location = {"module_name": module, "working_directory": str(folder)}
    workspace.write_text(json.dumps({"load_from": [{"python_module": location}]}))
    return workspace
