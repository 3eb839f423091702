"""The command `espalier graph sync`: what is marked in Postgres goes into the graph, once or for ever."""

import logging
import os
import signal
from dataclasses import asdict
from threading import Event
from typing import Annotated

import typer

from assets.graph import drain
from assets.graph import follow as following
from orchestration.cli.graph_server import kept_up
from orchestration.cli.graph_site import graph_settings, refusing
from orchestration.cli.output import Json, print_json, say
from orchestration.cli.runs import dagster_instance
from orchestration.cli.site import serving
from orchestration.graph import Graph
from orchestration.resources import Postgres
from orchestration.settings import Settings

# Who follows writes for a moment at a time; a reconciliation takes longer.
_WAIT_S = 60


def sync(
    follow: Annotated[bool, typer.Option("--follow", help="Go on, as changes come, until it is ended.")] = False,
    as_json: Json = False,
) -> None:
    """Bring every change that is marked in Postgres into the graph."""
    settings = graph_settings()
    with serving(settings, graph_needed=True), refusing():
        if follow:
            _follow(settings)
            return
        holder = f"espalier graph sync (process {os.getpid()})"
        done = drain.drain(Postgres(settings), Graph(settings), holder=holder, wait=_WAIT_S)
    if as_json:
        print_json(asdict(done))
        return
    say(f"{done.written:,} elements written, {done.deleted:,} deleted, in {done.batches} batches; {done.left:,} wait.")
    if done.parked:
        say(f"{done.parked:,} keys could not be written and are parked, with the reason, in espalier.graph_outbox.")


def _follow(settings: Settings) -> None:
    """Follow until a signal says so, which is an end in order and no mistake."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    for noisy in ("neo4j", "psycopg"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    stop = Event()

    def end(_number: int, _frame: object) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    with kept_up(settings, stop), dagster_instance(settings) as instance:
        following.follow(settings, stop, instance)
