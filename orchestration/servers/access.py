"""The allow-list before the Dagster UI: who may ask (Host, Origin) and how (no query by GET, no form).

Dagster itself executes a mutation that any page sends by GET, whatever its Origin, and takes a websocket from
anywhere; any page that the engineer visits could launch runs. This is pure ASGI and knows nothing of Dagster
beyond the path of its GraphQL endpoint.
"""

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestration.errors import EspalierError

logger = logging.getLogger(__name__)

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HOST = re.compile(r"[\w.-]+(:\d+)?|\[[0-9a-fA-F:]+\](:\d+)?", re.ASCII)
_NO_FOREIGN_FRAMES = (b"x-frame-options", b"SAMEORIGIN")


@dataclass(frozen=True)
class AllowList:
    """The values of Host and of Origin that are let through, in lower case."""

    hosts: frozenset[str]
    origins: frozenset[str]

    @classmethod
    def of_port(cls, port: int, further_hosts: Iterable[str] = ()) -> "AllowList":
        """Allow this machine's own names at `port` and the names under which a proxy serves the UI.

        Raises:
            EspalierError: a further host is no name that a browser could send.
        """
        names = {"127.0.0.1", "localhost"}
        local = {f"{name}:{port}" for name in names}
        if port == 80:  # browsers leave the default port out
            local |= names
        further = {_host_name(host) for host in further_hosts}
        origins = {f"http://{host}" for host in local | further} | {f"https://{host}" for host in further}
        return cls(frozenset(local | further), frozenset(origins))


class AccessGuard:
    """ASGI middleware that answers 403 with one plain line to whatever the allow-list does not let through."""

    def __init__(self, app: ASGIApp, allowed: AllowList) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or pass it on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif reason := refusal(scope, self._allowed):
            logger.warning("refused %s %r: %s", scope.get("method", "websocket"), scope["path"], reason)
            await _refuse(scope, receive, send, reason)
        else:
            await self._app(scope, receive, _without_foreign_frames(send))


def refusal(scope: Scope, allowed: AllowList) -> str | None:
    """Say in one line why a request is refused, or None if it is let through."""
    reason = _foreign_host(scope, allowed) or _foreign_origin(scope, allowed)
    if reason or scope["type"] == "websocket":
        return reason
    return _query_outside_the_body(scope) or _body_that_a_form_could_send(scope)


def _host_name(host: str) -> str:
    if not _HOST.fullmatch(host):
        raise EspalierError(f"ui_allowed_hosts: found {host!r}; give a host or host:port, such as ui.example.org")
    return host.lower()


def _foreign_host(scope: Scope, allowed: AllowList) -> str | None:
    hosts = _header(scope, b"host")
    if len(hosts) == 1 and hosts[0].lower() in allowed.hosts:
        return None
    return f"Host {_shown(hosts)} is not allowed; ask for one of {_listed(allowed.hosts)} or set ui_allowed_hosts"


def _foreign_origin(scope: Scope, allowed: AllowList) -> str | None:
    origins = _header(scope, b"origin")
    if all(origin.lower() in allowed.origins for origin in origins):
        return None
    return f"Origin {_shown(origins)} is not allowed; allowed are {_listed(allowed.origins)}"


def _query_outside_the_body(scope: Scope) -> str | None:
    # A prefix, not equality: the router also takes "/graphql\n" (%0A) for "/graphql".
    if scope["method"] in _SAFE_METHODS and scope["path"].startswith("/graphql") and scope["query_string"]:
        return f"{scope['method']} with a query is not allowed; send it by POST as application/json"
    return None


def _body_that_a_form_could_send(scope: Scope) -> str | None:
    types = _header(scope, b"content-type")
    if scope["method"] in _SAFE_METHODS or [_media_type(t) for t in types] == ["application/json"]:
        return None
    return f"{scope['method']} with content type {_shown(types)} is not allowed; send application/json"


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _header(scope: Scope, name: bytes) -> list[str]:
    # ASGI promises names in lower case; uvicorn hands on those of a websocket as the client wrote them.
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _shown(values: list[str]) -> str:
    return " and ".join(ascii(value[:100]) for value in values) or "(none)"


def _listed(values: Iterable[str]) -> str:
    return ", ".join(sorted(values))


async def _refuse(scope: Scope, receive: Receive, send: Send, reason: str) -> None:
    kind = "http"
    if scope["type"] == "websocket":
        await receive()  # the connect, which must be taken before it can be answered
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008})  # before accept: the server answers 403
            return
        kind = "websocket.http"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"x-content-type-options", b"nosniff")]
    await send({"type": f"{kind}.response.start", "status": 403, "headers": headers})
    await send({"type": f"{kind}.response.body", "body": f"403: {reason}\n".encode()})


def _without_foreign_frames(send: Send) -> Send:
    """Forbid other pages to show the UI in a frame: a click there would come from the right Origin."""

    async def send_with_header(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), _NO_FOREIGN_FRAMES]
        await send(message)

    return send_with_header
