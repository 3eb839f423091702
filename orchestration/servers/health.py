"""Asks the running UI by GraphQL whether it, its code location and all required daemons are healthy."""

from typing import Any

import httpx

from orchestration.errors import EspalierError

_TIMEOUT_S = 10
_QUERY = """
query Health {
  instance { daemonHealth { allDaemonStatuses { daemonType required healthy lastHeartbeatTime } } }
  workspaceOrError {
    ... on Workspace {
      locationEntries { name loadStatus locationOrLoadError { ... on PythonError { message causes { message } } } }
    }
    ... on PythonError { message causes { message } }
  }
}
"""


def missing(port: int, since: float) -> str | None:
    """Say what is not yet healthy, or None when all is; a heartbeat older than `since` does not count.

    Raises:
        EspalierError: the code location does not load; waiting would not help.
    """
    data = _ask(port)
    if data is None:
        return "the webserver does not answer"
    _refuse_broken_code(data["workspaceOrError"])
    entries = data["workspaceOrError"]["locationEntries"]
    if loading := [entry["name"] for entry in entries if entry["loadStatus"] != "LOADED"]:
        return f"the code location {', '.join(loading)} is still being loaded"
    statuses = data["instance"]["daemonHealth"]["allDaemonStatuses"]
    silent = [s["daemonType"] for s in statuses if s["required"] and not _is_healthy(s, since)]
    return f"the daemons {', '.join(silent)} are not healthy" if silent else None


def _ask(port: int) -> dict[str, Any] | None:
    """Give the answer, None while nobody answers. No proxy of the environment stands between us and ourselves."""
    try:
        with httpx.Client(trust_env=False, timeout=_TIMEOUT_S) as client:
            answer = client.post(f"http://127.0.0.1:{port}/graphql", json={"query": _QUERY})
    except httpx.TransportError:
        return None
    return answer.json().get("data") if answer.is_success else None


def _refuse_broken_code(workspace: dict[str, Any]) -> None:
    entries: list[dict[str, Any]] = workspace.get("locationEntries", [])
    found = {entry["name"]: entry["locationOrLoadError"] for entry in entries} | {"workspace.yaml": workspace}
    for place, error in found.items():
        if error and "message" in error:
            line = " ".join([error, *error["causes"]][-1]["message"].split())
            raise EspalierError(f"code location {place} does not load: {line}; correct it and try again")


def _is_healthy(status: dict[str, Any], since: float) -> bool:
    return bool(status["healthy"]) and (status["lastHeartbeatTime"] or 0) >= since
