"""A TCP proxy that a test can break: in front of a server, it passes everything on until told otherwise.

Cut: every connection is closed. Frozen: connections stay open, and nothing is passed on in either direction, as when
the machine or the network behind them is gone; new ones are accepted and stay silent too.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from threading import Thread
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from orchestration.settings import Settings
from tests.conftest import Site

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class TcpProxy:
    """Listens on a port of 127.0.0.1 and passes on to `connect`."""

    def __init__(self, connect: Callable[[], Awaitable[Stream]]) -> None:
        self._connect = connect
        self._loop = asyncio.new_event_loop()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._thread = Thread(target=self._loop.run_forever, name="tcp-proxy")
        self._thread.start()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await self._flowing.wait()
            there_reader, there_writer = await self._connect()
            await asyncio.gather(self._pass_on(reader, there_writer), self._pass_on(there_reader, writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while data := await reader.read(65536):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass  # cut
        finally:
            self._writers.discard(writer)
            writer.close()

    def cut(self) -> None:
        """Close every connection; new ones are passed on."""
        self._call(self._cut)

    def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def freeze(self) -> None:
        """Let nothing through any more, and close nothing."""
        self._call(self._flowing.clear)

    def thaw(self) -> None:
        """Cut what is there and pass on again."""
        self._call(self._cut)
        self._call(self._flowing.set)

    def _call(self, work: Callable[[], None]) -> None:
        async def do() -> None:
            work()

        asyncio.run_coroutine_threadsafe(do(), self._loop).result(10)

    def close(self) -> None:
        """Stop listening and end what is open."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        self._cut()
        await asyncio.gather(*others, return_exceptions=True)


@contextmanager
def proxy_to(host: str, port: int) -> Generator[TcpProxy]:
    """Stand in front of a server that listens on TCP."""
    yield from _open(lambda: asyncio.open_connection(host, port))


@contextmanager
def proxy_to_socket(path: str) -> Generator[TcpProxy]:
    """Stand in front of a server that listens on a Unix socket."""
    yield from _open(lambda: asyncio.open_unix_connection(path))


def _open(connect: Callable[[], Awaitable[Stream]]) -> Generator[TcpProxy]:
    proxy = TcpProxy(connect)
    try:
        yield proxy
    finally:
        proxy.close()


@contextmanager
def through_proxy(site: Site, side: str) -> Generator[tuple[Settings, TcpProxy]]:
    """Give the settings of a site one of whose servers is reached through a proxy."""
    with ExitStack() as stack:
        if side == "neo4j":
            uri = urlsplit(site.settings.neo4j().uri)
            proxy = stack.enter_context(proxy_to(uri.hostname or "", uri.port or 0))
            yield site.settings.model_copy(update={"neo4j_uri": f"bolt://127.0.0.1:{proxy.port}"}), proxy
        else:
            parts = conninfo_to_dict(site.server.url("jobs", site.database))
            proxy = stack.enter_context(proxy_to_socket(f"{parts['host']}/.s.PGSQL.5432"))
            url = f"postgresql://{parts['user']}:{parts['password']}@127.0.0.1:{proxy.port}/{site.database}"
            yield site.settings.model_copy(update={"database_url": SecretStr(url)}), proxy
