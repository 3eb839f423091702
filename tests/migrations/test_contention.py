"""Migrations among others: long transactions, a second migrator, death in the middle, half-built indexes."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from migrations import runner, verify
from migrations.connection import connect
from migrations.locks import refuse_pooler, sole_migrator
from migrations.report import MigrationReport, StepEvent
from migrations.revisions import head, history
from orchestration.errors import EspalierError
from tests import factories
from tests.conftest import Connection, Site
from tests.migrations.site_state import applied, eventually, names, waiting_build

# Migrates in a process of its own and tells each step on standard output.
MIGRATE = """
import sys
from migrations import runner
from orchestration.settings import load_settings
runner.migrate(load_settings(), "community", on_step=lambda step: print(step.state, step.revision, flush=True))
"""


@contextmanager
def migrating_process(site: Site) -> Generator[subprocess.Popen[str]]:
    environment = {
        **os.environ,
        "ESPALIER_HOME": str(site.settings.home),
        "DATABASE_URL": site.settings.url("jobs"),
        "DIRECT_DATABASE_URL": site.settings.url("migrator"),
    }
    process = subprocess.Popen([sys.executable, "-c", MIGRATE], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdout
    for found in process.stdout:
        if found.strip() == line:
            return
    raise AssertionError(f"the process ended before it said {line!r}")


@contextmanager
def long_transaction(site: Site, statement: str) -> Generator[Connection]:
    with site.connect("community") as holder, holder.transaction():
        holder.execute(statement.encode())
        yield holder


def test_a_lock_that_others_hold_is_tried_again_until_it_is_free(empty_site: Site):
    runner.migrate(empty_site.settings, "community", "0009")
    retried: list[int] = []
    with empty_site.connect("community") as holder:
        holder.execute("BEGIN")
        holder.execute("SELECT count(*) FROM users")

        def let_go(step: StepEvent) -> None:
            if step.state == "retry":
                retried.append(step.tries)
                if step.tries == 2:
                    holder.execute("COMMIT")

        report = runner.migrate(empty_site.settings, "community", "0010", on_step=let_go)
    assert retried[:2] == [1, 2]
    assert report.steps[0].tries >= 3
    assert applied(empty_site, "community") == "community_0010"


def test_a_waiting_step_lets_clients_through_between_its_tries(empty_site: Site):
    runner.migrate(empty_site.settings, "community", "0009")
    seen: list[int] = []
    with empty_site.connect("community") as holder, empty_site.connect("community") as client:
        client.execute("SET statement_timeout = '5s'")
        holder.execute("BEGIN")
        holder.execute("SELECT count(*) FROM users")

        def write(step: StepEvent) -> None:
            if step.state == "retry":
                factories.user(client)
                seen.append(step.tries)
                if step.tries == 3:
                    holder.execute("COMMIT")

        runner.migrate(empty_site.settings, "community", "0010", on_step=write)
    assert len(seen) >= 3


def test_a_lock_that_never_comes_free_is_named_with_its_holder(empty_site: Site):
    runner.migrate(empty_site.settings, "community", "0009")
    with long_transaction(empty_site, "SELECT count(*) FROM users") as holder:
        with pytest.raises(EspalierError) as refused:
            runner.migrate(empty_site.settings, "community", patience=0.5)
        assert f"process {holder.info.backend_pid} on users" in str(refused.value)
    assert "community_0010: no lock within" in str(refused.value)
    assert applied(empty_site, "community") == "community_0009"


def test_of_two_migrators_one_waits_and_finds_nothing_to_do(empty_site: Site):
    reports: list[MigrationReport] = []

    def run() -> None:
        reports.append(runner.migrate(empty_site.settings, "community"))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(report.steps) for report in reports) == [0, len(history("espalier")) + len(history("community"))]
    assert all(report.ok for report in reports)


def test_a_migrators_lock_that_is_kept_too_long_is_named_with_its_holder(empty_site: Site):
    url = empty_site.settings.url("migrator")
    with connect(url) as holder, sole_migrator(holder, url):
        held_by = holder.driver.info.backend_pid
        with pytest.raises(EspalierError, match=rf"process {held_by} \(espalier migrate\) has held"):
            runner.migrate(empty_site.settings, "community", patience=0.3)


def test_an_address_behind_which_sessions_are_shared_is_refused(empty_site: Site):
    url = empty_site.settings.url("migrator")
    with (
        connect(url) as database,
        sole_migrator(database, url),
        pytest.raises(EspalierError, match="DIRECT_DATABASE_URL: two connections"),
    ):
        refuse_pooler(database.driver)


@pytest.mark.parametrize(
    "revision", ["espalier_0000", "espalier_0001", "community_0000", "community_0008", "community_0023"]
)
def test_a_migrator_killed_in_the_middle_is_completed_by_the_next(empty_site: Site, revision: str):
    with migrating_process(empty_site) as process:
        read_until(process, f"begin {revision}")
        process.send_signal(signal.SIGKILL)
        process.wait()
    report = runner.migrate(empty_site.settings, "community")
    assert report.steps
    assert report.ok
    assert applied(empty_site, "community") == head("community")
    assert verify.inspect_domain(empty_site.settings, "community")["required_objects_present_and_equal"] == []


def test_an_index_that_was_finished_after_its_migrator_died_is_kept(empty_site: Site):
    runner.migrate(empty_site.settings, "community", "0011")
    blocking = long_transaction(empty_site, "LOCK TABLE concepts IN ROW EXCLUSIVE MODE")
    with blocking, migrating_process(empty_site) as process:
        eventually(lambda: waiting_build(empty_site))
        process.send_signal(signal.SIGKILL)
        process.wait()
    report = runner.migrate(empty_site.settings, "community", "0012")
    assert [step.revision for step in report.steps] == ["community_0012"]
    assert verify.inspect_domain(empty_site.settings, "community")["required_indexes_valid"] == []
    assert report.ok
    runner.migrate(empty_site.settings, "community", "0011")


def half_build_index(site: Site) -> None:
    """Leave an INVALID concepts_domain_idx behind: end the migrator's session while it builds."""
    with long_transaction(site, "LOCK TABLE concepts IN ROW EXCLUSIVE MODE"):
        failed: list[EspalierError] = []

        def run() -> None:
            with pytest.raises(EspalierError) as refused:
                runner.migrate(site.settings, "community", "0012")
            failed.append(refused.value)

        thread = threading.Thread(target=run)
        thread.start()
        builder = eventually(lambda: waiting_build(site))
        with site.server.admin(site.database) as admin:
            admin.execute("SELECT pg_terminate_backend(%s)", [builder])
        thread.join()
    assert "run `espalier migrate` again" in str(failed[0])


def test_an_invalid_index_that_we_made_is_dropped_and_built_again(empty_site: Site):
    runner.migrate(empty_site.settings, "community", "0011")
    half_build_index(empty_site)
    invalid = "SELECT i.indexrelid::regclass::text FROM pg_index AS i WHERE NOT i.indisvalid"
    with empty_site.connect("community") as connection:
        assert names(connection, invalid) == {"concepts_domain_idx"}
        assert verify.inspect_domain(empty_site.settings, "community")["required_indexes_valid"] == [
            "concepts.concepts_domain_idx"
        ]
        assert runner.migrate(empty_site.settings, "community", "0012").ok
        assert names(connection, invalid) == set()


def test_an_index_of_that_name_that_we_did_not_make_is_left_alone(empty_site: Site):
    runner.migrate(empty_site.settings, "community", "0011")
    with empty_site.connect("community") as connection:
        connection.execute("CREATE INDEX concepts_domain_idx ON concepts (description)")
    with pytest.raises(EspalierError, match="an index concepts_domain_idx that Espalier did not create"):
        runner.migrate(empty_site.settings, "community", "0012")


def test_what_a_neighbour_makes_while_a_step_runs_is_not_taken_for_ours(empty_site: Site):
    runner.migrate(empty_site.settings, "community", "0011")
    with long_transaction(empty_site, "LOCK TABLE concepts IN ROW EXCLUSIVE MODE"):
        thread = threading.Thread(target=runner.migrate, args=(empty_site.settings, "community", "0012"))
        thread.start()
        eventually(lambda: waiting_build(empty_site))
        with empty_site.connect("community") as neighbour:
            neighbour.execute("CREATE TABLE theirs (id int CONSTRAINT theirs_pkey PRIMARY KEY)")
    thread.join()
    with empty_site.connect(None) as connection:
        found = names(connection, "SELECT name FROM espalier.created_objects WHERE revision = 'community_0012'")
    assert found == {"community_0012", "concepts.concepts_domain_idx", "concepts.concepts_difficulty_idx"}
