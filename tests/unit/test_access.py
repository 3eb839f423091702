"""The allow-list before the UI: a table of requests for the rules, and a real server for what goes over the wire."""

import asyncio
import socket
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from orchestration.errors import EspalierError
from orchestration.servers.access import AccessGuard, AllowList, refusal

ALLOWED = AllowList.of_port(3000, ["UI.example.org"])
JSON = {"content-type": "application/json"}
HOME = {"host": "127.0.0.1:3000"}


def request(method: str, path: str, headers: dict[str, str], query: bytes = b"", kind: str = "http") -> Scope:
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": kind, "method": method, "path": path, "query_string": query, "headers": pairs}


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:3000"},
        {"host": "LocalHost:3000"},
        {"host": "ui.example.org"},
        {"host": "localhost:3000", "origin": "http://localhost:3000"},
        {"host": "localhost:3000", "origin": "http://127.0.0.1:3000"},
        {"host": "ui.example.org", "origin": "https://ui.example.org"},
        {"host": "127.0.0.1:3000", "origin": "https://UI.example.org"},
    ],
)
def test_own_names_and_configured_names_are_let_through(headers: dict[str, str]) -> None:
    assert refusal(request("GET", "/runs", headers), ALLOWED) is None
    assert refusal(request("GET", "/graphql", headers, kind="websocket"), ALLOWED) is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": ""},
        {"host": "evil.example"},
        {"host": "127.0.0.1"},
        {"host": "127.0.0.1:3001"},
        {"host": "127.0.0.1:3000.evil.example"},
        {"host": "127.0.0.1:3000@evil.example"},
        {"host": "[::1]:3000"},
        {"host": "ui.example.org:3000"},
        HOME | {"origin": "null"},
        HOME | {"origin": ""},
        HOME | {"origin": "http://evil.example"},
        HOME | {"origin": "http://127.0.0.1:3001"},
        HOME | {"origin": "https://127.0.0.1:3000"},
        HOME | {"origin": "http://127.0.0.1:3000.evil.example"},
        HOME | {"origin": "http://127.0.0.1:3000/"},
        HOME | {"Origin": "http://evil.example"},
        HOME | {"Host": "evil.example"},
        HOME | {"origin": "http://127.0.0.1:3000", "Origin": "http://evil.example"},
    ],
)
def test_foreign_or_missing_names_are_refused_in_one_line(headers: dict[str, str]) -> None:
    for scope in (request("GET", "/runs", headers), request("GET", "/graphql", headers, kind="websocket")):
        reason = refusal(scope, ALLOWED)
        assert reason
        assert "\n" not in reason
        assert reason.isprintable()


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("path", ["/graphql", "/graphql/", "/graphql\n"])
def test_a_query_in_the_address_is_refused(method: str, path: str) -> None:
    assert refusal(request(method, path, HOME, b"query=mutation{x}"), ALLOWED)


def test_a_get_without_a_graphql_query_is_let_through() -> None:
    assert refusal(request("GET", "/graphql", HOME), ALLOWED) is None
    assert refusal(request("GET", "/runs", HOME, b"q=status:FAILURE"), ALLOWED) is None


@pytest.mark.parametrize("path", ["/graphql", "/report_asset_materialization/community/votes"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "post"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": ""},
        {"content-type": "text/plain"},
        {"content-type": "text/plain; application/json"},
        {"content-type": "text/plain, application/json"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "multipart/form-data; boundary=application/json"},
        {"content-type": "application/graphql"},
        {"content-type": "application/jsonx"},
        {"content-type": "application/json", "Content-Type": "text/plain"},
    ],
)
def test_a_body_that_a_form_could_send_is_refused(path: str, method: str, headers: dict[str, str]) -> None:
    assert refusal(request(method, path, HOME | headers), ALLOWED)


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8"])
def test_json_by_post_is_let_through(content_type: str) -> None:
    assert refusal(request("POST", "/graphql", HOME | {"content-type": content_type}), ALLOWED) is None


def test_port_80_is_left_out_of_names_as_browsers_do() -> None:
    headers = {"host": "localhost", "origin": "http://localhost"}
    assert refusal(request("GET", "/", headers), AllowList.of_port(80)) is None
    assert refusal(request("GET", "/", headers), AllowList.of_port(3000))


@pytest.mark.parametrize("host", ["https://ui.example.org", "ui.example.org/", "*", "", "a b", "ui.example.org\n"])
def test_a_further_host_that_no_browser_could_send_is_refused(host: str) -> None:
    with pytest.raises(EspalierError, match=r"^ui_allowed_hosts: found .*; give a host or host:port"):
        AllowList.of_port(3000, [host])


@pytest.mark.parametrize("host", ["ui.example.org:8443", "UI", "[::1]:3000"])
def test_a_further_host_may_have_a_port(host: str) -> None:
    assert host.lower() in AllowList.of_port(3000, [host]).hosts


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Greet over HTTP, and over a websocket after accepting it."""
    message = await receive()
    if message["type"] == "websocket.connect":
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "hello"})
        await send({"type": "websocket.close", "code": 1000})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})


@contextmanager
def served_at(listener: socket.socket) -> Generator[None]:
    app = AccessGuard(echo, AllowList.of_port(listener.getsockname()[1]))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def port() -> Generator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener, served_at(listener):
        yield listener.getsockname()[1]


def ask(port: int, method: str = "GET", path: str = "/", **options: Any) -> httpx.Response:
    with httpx.Client(trust_env=False) as client:
        return client.request(method, f"http://127.0.0.1:{port}{path}", **options)


def greeting(port: int, headers: dict[str, str]) -> str | bytes:
    with connect(f"ws://127.0.0.1:{port}/graphql", additional_headers=headers, proxy=None) as websocket:
        return websocket.recv()


def test_an_allowed_request_reaches_the_application_and_cannot_be_framed(port: int) -> None:
    answer = ask(port)
    assert (answer.status_code, answer.text) == (200, "hello")
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert ask(port, "POST", "/graphql", json={}, headers={"Origin": f"http://localhost:{port}"}).status_code == 200


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"Host": "evil.example"}},
        {"headers": {"Origin": "http://evil.example"}},
        {"path": "/graphql?query=mutation%7Bx%7D"},
        {"path": "/graphql%0A?query=mutation%7Bx%7D"},
        {"path": "/%67raphql?query=mutation%7Bx%7D"},
        {"method": "POST", "path": "/graphql?query=mutation%7Bx%7D"},
        {"method": "POST", "path": "/graphql", "data": {"query": "mutation{x}"}},
        {"method": "POST", "path": "/graphql", "content": b"{}", "headers": {"Content-Type": "text/plain"}},
    ],
)
def test_a_refused_request_gets_403_and_one_plain_line(port: int, options: dict[str, Any]) -> None:
    answer = ask(port, **options)
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.startswith("403: ")
    assert answer.text.count("\n") == 1


def test_a_websocket_from_here_or_without_origin_is_accepted(port: int) -> None:
    assert greeting(port, {}) == "hello"
    assert greeting(port, {"Origin": f"http://127.0.0.1:{port}"}) == "hello"


@pytest.mark.parametrize("name", ["Origin", "origin", "ORIGIN"])
@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
def test_a_foreign_websocket_gets_403_before_it_is_accepted(port: int, name: str, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        greeting(port, {name: origin})
    assert refused.value.response.status_code == 403
    assert refused.value.response.body.startswith(b"403: Origin")


def test_a_server_without_the_extension_is_told_to_close_before_accepting() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = request("GET", "/graphql", {"host": "evil.example"}, kind="websocket")
    asyncio.run(AccessGuard(echo, ALLOWED)(scope, receive, send))
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_the_server_life_cycle_is_passed_on() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def nothing() -> Message:
        return {"type": "lifespan.startup"}

    async def ignore(message: Message) -> None:
        raise AssertionError(message)

    asyncio.run(AccessGuard(app, ALLOWED)({"type": "lifespan"}, nothing, ignore))
    assert seen == ["lifespan"]
