"""The Postgres resource: what it refuses before an asset may read, what it repeats, locks and zones."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import dagster as dg
import psycopg
import pytest

import sql
from migrations import runner
from orchestration import resources
from orchestration.errors import EspalierError
from orchestration.resources import REFUSED, Postgres, Session, Transaction, connect
from tests.conftest import Site
from tests.tcp_proxy import through_proxy

VOTES: dict[str, Any] = {"needs": "community_0008", "tables": ["answer_votes", "vote_graph"]}
SESSIONS = sql.load("platform", "sessions")


def refused(site: Site, **needs: Any) -> str:
    """Open a session that must be refused; give its one line."""
    with pytest.raises(dg.Failure) as failure, open_session(site, **needs):
        pass
    line = failure.value.description or ""
    assert failure.value.allow_retries is False
    assert REFUSED in failure.value.metadata
    assert "\n" not in line
    return line


@contextmanager
def open_session(site: Site, **needs: Any) -> Generator[Session]:
    """Open a session for the votes unless something else is needed."""
    with site.postgres.session("community", **(VOTES | needs)) as session:
        yield session


def value(session: Session, setting: str) -> str:
    """Show a setting as it is outside of any transaction."""
    row = session.connection.execute("SELECT current_setting(%s) AS value", [setting]).fetchone()
    assert row
    return row["value"]


def test_a_domain_that_was_never_migrated_is_refused_with_the_command(empty_site: Site) -> None:
    line = refused(empty_site)
    assert line == "community: not set up in this database; run `espalier migrate --domain community`"


def test_a_revision_that_is_missing_is_refused_with_what_was_found(new_site: Any) -> None:
    site = new_site("espalier")
    runner.migrate(site.settings, "community", "0007")
    line = refused(site, tables=["answer_votes"])
    assert line.startswith("community: needs revision community_0008, found community_0007; run `espalier migrate ")


def test_a_setting_that_names_another_schema_is_refused_with_the_right_one(new_site: Any, template: str) -> None:
    line = refused(new_site(template, community_schema="elsewhere"))
    assert "community: lives in schema community of this database, the settings say elsewhere" in line
    assert line.endswith("set ESPALIER_COMMUNITY_SCHEMA=community")


def test_a_table_whose_namesake_stands_in_public_is_refused_and_not_read(site: Site) -> None:
    with site.server.admin(site.database) as admin:
        admin.execute("ALTER TABLE community.answer_votes RENAME TO answer_votes_of_old")
        admin.execute("CREATE TABLE public.answer_votes AS SELECT 1 AS stranger")
        admin.execute("GRANT SELECT ON public.answer_votes TO espalier_jobs")
    line = refused(site)
    assert "schema community: no table answer_votes (there are tables of that name in public, not read)" in line


def test_a_server_that_does_not_answer_is_refused_without_its_password() -> None:
    with (
        pytest.raises(EspalierError, match="cannot connect") as refusal,
        connect("postgresql://u:geheim@127.0.0.1:1/d"),
    ):
        pass
    assert "geheim" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_server_that_falls_silent_once_connected_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    verify_site = resources.verify_site
    with through_proxy(site, "postgres") as (settings, proxy):

        def frozen(*arguments: Any) -> None:
            proxy.freeze()
            verify_site(*arguments)

        monkeypatch.setattr(resources, "verify_site", frozen)
        monkeypatch.setattr(resources, "_PATIENCE_S", 0.5)
        with pytest.raises(psycopg.OperationalError), Postgres(settings).session("community", **VOTES):
            pass


def test_a_session_is_that_of_the_jobs_role_and_sees_one_domain(site: Site) -> None:
    with open_session(site) as session, session.transaction() as transaction:
        shown = {name: value(session, name) for name in ("search_path", "TimeZone", "row_security")}
        assert shown == {
            "search_path": '"community", "extensions", "pg_temp"',
            "TimeZone": "UTC",
            "row_security": "off",
        }
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            transaction.connection.execute("DROP TABLE vote_graph")


def test_nothing_is_set_beyond_a_transaction(site: Site) -> None:
    names = ("search_path", "TimeZone", "row_security", "transaction_isolation")
    with open_session(site) as session:
        before = [value(session, name) for name in names]
        with session.transaction(repeatable_read=True):
            assert value(session, "transaction_isolation") == "repeatable read"
        assert [value(session, name) for name in names] == before


class Rival:
    """Work that reads a row, lets a rival change it, and then writes it."""

    def __init__(self, site: Site, collisions: int) -> None:
        self.site, self.collisions, self.tries = site, collisions, 0
        with site.connect() as connection:
            connection.execute("INSERT INTO espalier.checkpoints (job, partition_key, rows_done) VALUES ('j', '', 0)")

    def __call__(self, transaction: Transaction) -> int:
        """Add one to what was read."""
        self.tries += 1
        found = transaction.connection.execute("SELECT rows_done FROM espalier.checkpoints").fetchone()
        if self.tries <= self.collisions:
            with self.site.connect() as rival:
                rival.execute("UPDATE espalier.checkpoints SET rows_done = rows_done + 10")
        assert found
        transaction.connection.execute("UPDATE espalier.checkpoints SET rows_done = %s", [found["rows_done"] + 1])
        return self.tries


def test_work_that_collides_is_done_again_from_the_start(site: Site) -> None:
    work = Rival(site, collisions=2)
    with open_session(site) as session:
        assert session.run(work, repeatable_read=True) == 3
    with site.connect() as connection:
        assert connection.execute("SELECT rows_done FROM espalier.checkpoints").fetchall() == [{"rows_done": 21}]


def test_work_that_always_collides_is_given_up_after_five_tries(site: Site) -> None:
    work = Rival(site, collisions=99)
    with open_session(site) as session, pytest.raises(psycopg.errors.SerializationFailure):
        session.run(work, repeatable_read=True)
    assert work.tries == 5


def test_an_error_that_a_repetition_does_not_cure_is_not_repeated(site: Site) -> None:
    tries: list[int] = []

    def work(transaction: Transaction) -> None:
        tries.append(1)
        transaction.connection.execute("SELECT 1 / 0")

    with open_session(site) as session, pytest.raises(psycopg.errors.DivisionByZero):
        session.run(work)
    assert tries == [1]


def test_a_lock_is_held_by_one_run_until_its_transaction_ends(site: Site) -> None:
    with open_session(site) as first, open_session(site) as second:
        with first.transaction() as holder, second.transaction() as other:
            holder.lock("community/vote_graph")
            other.lock("community/xp_ledger")
            with pytest.raises(dg.Failure, match="community/vote_graph: another run is writing it; wait") as failure:
                other.lock("community/vote_graph")
            assert failure.value.allow_retries is False
        with second.transaction() as other:
            other.lock("community/vote_graph")


def test_the_zone_of_an_asset_stays_that_of_its_first_materialization(site: Site) -> None:
    with open_session(site) as session:
        for zone in ("Asia/Tokyo", "Asia/Tokyo"):
            with session.transaction() as transaction:
                transaction.fix_zone("rag/rag_metrics_history", zone)
        with session.transaction() as transaction:
            with pytest.raises(
                dg.Failure, match="its partitions are days of Asia/Tokyo, the settings say UTC"
            ) as other:
                transaction.fix_zone("rag/rag_metrics_history", "UTC")
            assert other.value.allow_retries is False
            transaction.fix_zone("community/leaderboard_entries", "UTC")


def test_a_query_that_must_give_one_row_says_how_many_it_gave(site: Site) -> None:
    too_few = pytest.raises(LookupError, match="query find_site gave 0 rows where one was expected")
    with open_session(site) as session, session.transaction() as transaction, too_few:
        transaction.one(SESSIONS["find_site"], {"domain": "nowhere"})
