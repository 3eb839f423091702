"""A real Postgres that claims to be older: a TCP proxy before its socket that rewrites one message of the start-up."""

import re
import socket
import struct
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

_VERSION = re.compile(rb"S....server_version\x00[^\x00]*\x00", re.DOTALL)


@contextmanager
def claiming(version: str, unix_socket: Path) -> Generator[int]:
    """Serve the server behind a unix socket on a port of 127.0.0.1, as one of another version; give the port."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        acceptor = threading.Thread(target=_accept, args=(listener, version, unix_socket))
        acceptor.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            acceptor.join()


def _accept(listener: socket.socket, version: str, unix_socket: Path) -> None:
    relays: list[threading.Thread] = []
    with suppress(OSError):  # the listener was shut down
        while True:
            client, _ = listener.accept()
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(unix_socket))
            relays.append(threading.Thread(target=_relay, args=(client, server, None)))
            relays.append(threading.Thread(target=_relay, args=(server, client, version)))
            for relay in relays[-2:]:
                relay.start()
    for relay in relays:
        relay.join()


def _relay(source: socket.socket, target: socket.socket, version: str | None) -> None:
    """Pass on what comes until either side is gone."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(_older(data, version) if version else data)
    for side in (source, target):
        with suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)
    source.close()


def _older(data: bytes, version: str) -> bytes:
    """Rewrite the server's version where a message names it; the messages of the start-up come in one piece."""
    body = b"server_version\x00" + version.encode() + b"\x00"
    return _VERSION.sub(lambda _: b"S" + struct.pack("!i", len(body) + 4) + body, data)
