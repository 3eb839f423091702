"""A webhook that really listens: keeps what is posted to it, and answers as a test tells it to."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, cast


class Webhook(ThreadingHTTPServer):
    """Collects JSON messages on a port of 127.0.0.1."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.messages: list[dict[str, Any]] = []
        self.answer = 204

    @property
    def url(self) -> str:
        """The address to post to."""
        return f"http://127.0.0.1:{self.server_port}/alerts"

    def take(self, message: dict[str, Any]) -> int:
        """Keep a message unless it is to be refused; give the status to answer with."""
        if self.answer < 400:
            self.messages.append(message)
        return self.answer


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Hand the message on."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(cast("Webhook", self.server).take(json.loads(body)))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@contextmanager
def listening() -> Generator[Webhook]:
    """Listen for a while."""
    with Webhook() as webhook:
        thread = Thread(target=webhook.serve_forever)
        thread.start()
        try:
            yield webhook
        finally:
            webhook.shutdown()
            thread.join()
