"""Commands as processes: two at once, Ctrl-C and the other signals, a kill; nothing is left running by any."""

import signal
import socket
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from dagster import DagsterRun

from orchestration.cli.runs import dagster_instance
from orchestration.servers import processes
from orchestration.servers.postgres import EmbeddedPostgres, embedded_postgres
from orchestration.settings import load_settings
from tests import factories
from tests.command_line import Answer, done, finish, home_in, processes_of, start
from tests.embedded import eventually, postmaster_pid, urls

VOTE_GRAPH = ("materialize", "community/vote_graph")
WAITING = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = 'espalier_jobs'"


@pytest.fixture(scope="module")
def home(open_folder: Path) -> Generator[Path]:
    """A home with a few votes, in which nothing runs."""
    with home_in(open_folder, "processes") as home:
        with embedded_postgres(home) as server:
            done("migrate")
            with psycopg.connect(urls(server)["migrator"], autocommit=True) as connection:
                connection.execute("SET search_path = community, extensions")
                factories.users(connection, "a", "b")
                factories.vote(connection, "a", "b")
        assert processes_of(home) == set()
        yield home


class Blocked:
    """A command in a process of its own that waits for votes which this test has locked."""

    def __init__(self, home: Path) -> None:
        with embedded_postgres(home) as self.server:
            address = urls(self.server)["bootstrap"]
            self.holder = psycopg.connect(address, dbname="espalier")
            self.holder.execute("LOCK TABLE community.answer_votes IN ACCESS EXCLUSIVE MODE")
            self.process = start(*VOTE_GRAPH, "--json")
            with psycopg.connect(address, autocommit=True) as watcher:
                eventually(lambda: watcher.execute(WAITING).rowcount == 1)

    def release(self) -> None:
        """Give the votes free."""
        self.holder.close()

    def ended(self) -> Answer:
        """Wait for the end of the command."""
        return finish(self.process)


@pytest.fixture
def blocked(home: Path) -> Generator[Blocked]:
    """A command that is at work until the test lets it go or ends it."""
    command = Blocked(home)
    with command.process:
        yield command
        command.release()
        command.process.kill()


def last_run() -> DagsterRun:
    with embedded_postgres(load_settings().home), dagster_instance(load_settings()) as instance:
        return instance.get_runs(limit=1)[0]


def test_two_commands_at_once_share_the_server_and_the_last_one_stops_it(home: Path, blocked: Blocked) -> None:
    before = postmaster_pid(blocked.server)
    done("materialize", "rag/rag_metrics_history", "--partition", "2026-01-01")
    assert postmaster_pid(blocked.server) == before
    assert blocked.server.is_running()
    blocked.release()
    assert blocked.ended().json[0]["succeeded"]
    assert processes_of(home) == set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_command_that_is_ended_cancels_its_run_and_stops_its_server(
    home: Path, blocked: Blocked, number: signal.Signals
) -> None:
    blocked.process.send_signal(number)
    answer = blocked.ended()
    assert (answer.code, answer.out) == (130, "")
    assert answer.err == "espalier: interrupted; what it started has been stopped\n"
    assert processes_of(home) == set()
    assert last_run().status.value == "CANCELED"


def test_a_command_that_is_killed_is_repeated_and_the_next_one_stops_its_server(home: Path, blocked: Blocked) -> None:
    blocked.process.kill()
    assert blocked.ended().code == -signal.SIGKILL
    blocked.release()
    assert EmbeddedPostgres(home).is_running()
    (report,) = done(*VOTE_GRAPH, "--json").json
    assert (report["succeeded"], report["assets"]["community/vote_graph"]["dagster/row_count"]) == (True, 1)
    assert processes_of(home) == set()


def test_up_that_is_ended_while_it_starts_leaves_nothing(home: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    process = start("up", "--port", str(port))
    eventually(lambda: len(processes.running(home)) == 2)
    process.send_signal(signal.SIGTERM)
    answer = finish(process)
    assert (answer.code, answer.out) == (130, "")
    assert processes_of(home) == set()
