"""Every write that the graph shows marks exactly its keys, in the writer's transaction, and no other write does."""

import secrets
from collections.abc import Callable

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

from migrations import runner
from orchestration.servers.binaries import Major
from orchestration.settings import Settings
from tests import factories
from tests.conftest import Connection, Site
from tests.embedded import FAST, NewServer
from tests.outbox import (
    as_application,
    insert_while_another_inserts_and_deletes,
    marks,
    notifications,
    small_world,
    take,
    take_pairs,
    update_while_another_updates,
    versions_of,
)

C1, C2, C3 = (("concept", key, "") for key in ("c1", "c2", "c3"))
C1_C2, C2_C3 = ("prerequisite", "c1", "c2"), ("prerequisite", "c2", "c3")
ANN_C1, ANN_C2, BOB_C1 = ("mastery", "ann", "c1"), ("mastery", "ann", "c2"), ("mastery", "bob", "c1")

SHOWN = [
    ("UPDATE concepts SET name = 'other' WHERE id = 'c1'", {C1}),
    ("UPDATE concepts SET domain = NULL WHERE id = 'c1'", {C1}),
    ("UPDATE concepts SET difficulty = 9", {C1, C2, C3}),
    ("UPDATE concepts SET \"createdAt\" = '2020-01-01' WHERE id = 'c2'", {C2}),
    ("UPDATE concept_prerequisites SET \"conceptId\" = 'c3' WHERE id = 'p12'", {C1_C2, ("prerequisite", "c1", "c3")}),
    ('UPDATE mastery_records SET "masteryScore" = 0.75 WHERE "userId" = \'ann\'', {ANN_C1, ANN_C2}),
    ("UPDATE mastery_records SET \"masteryScore\" = 'NaN' WHERE id = 'bob-c1'", {BOB_C1}),
    ("UPDATE mastery_records SET \"updatedAt\" = 'infinity' WHERE id = 'bob-c1'", {BOB_C1}),
    ("UPDATE mastery_records SET \"userId\" = 'bob' WHERE id = 'ann-c2'", {ANN_C2, ("mastery", "bob", "c2")}),
    ("DELETE FROM concept_prerequisites", {C1_C2, C2_C3}),
    ("DELETE FROM mastery_records WHERE \"conceptId\" = 'c1'", {ANN_C1, BOB_C1}),
    ("DELETE FROM concepts WHERE id = 'c2'", {C2, C1_C2, C2_C3, ANN_C2}),
    ("DELETE FROM users WHERE id = 'ann'", {ANN_C1, ANN_C2}),
    (
        "UPDATE users SET id = 'eve' WHERE id = 'ann'",
        {ANN_C1, ANN_C2, ("mastery", "eve", "c1"), ("mastery", "eve", "c2")},
    ),
    (
        "UPDATE concepts SET id = 'c9' WHERE id = 'c3'",
        {C3, ("concept", "c9", ""), C2_C3, ("prerequisite", "c2", "c9")},
    ),
    ("UPDATE users SET \"leaderboardOptOut\" = true WHERE id = 'ann'", {ANN_C1, ANN_C2}),
    ('UPDATE users SET "isShadowBanned" = true', {ANN_C1, ANN_C2, BOB_C1}),
    ("UPDATE users SET \"isSuspended\" = true WHERE id = 'bob'", {BOB_C1}),
    ("UPDATE users SET \"suspendedUntil\" = '2030-01-01' WHERE id = 'bob'", {BOB_C1}),
    ("TRUNCATE concept_prerequisites", {("kind", "prerequisite", "")}),
    ("TRUNCATE mastery_records", {("kind", "mastery", "")}),
    ("TRUNCATE users CASCADE", {("kind", "mastery", "")}),
    ("TRUNCATE concepts CASCADE", {("kind", kind, "") for kind in ("concept", "prerequisite", "mastery")}),
]

NOT_SHOWN = [
    "UPDATE concepts SET description = 'longer', keywords = '{a}', \"isActive\" = false, \"updatedAt\" = now()",
    "UPDATE concepts SET name = name, domain = domain",
    "UPDATE concept_prerequisites SET id = id || 'x'",
    'UPDATE mastery_records SET "totalAttempts" = 7, "correctAttempts" = 3, "lastSeen" = now(), id = id || \'x\'',
    'UPDATE users SET "totalXP" = 5, name = \'A\', "updatedAt" = now()',
    "DELETE FROM concepts WHERE id = 'nobody'",
    "INSERT INTO users (id, email, \"updatedAt\") VALUES ('new', 'n@test.example', now())",
]


def test_a_write_that_the_graph_shows_marks_exactly_its_keys(site: Site):
    with site.connect() as connection:
        small_world(connection)
        for statement, expected in SHOWN:
            with connection.transaction(force_rollback=True):
                connection.execute(statement.encode())
                assert take(connection) == expected, statement


def test_a_write_that_the_graph_does_not_show_marks_nothing(site: Site):
    with site.connect() as connection:
        small_world(connection)
        for statement in NOT_SHOWN:
            with connection.transaction(force_rollback=True):
                assert connection.execute(statement.encode()).statusmessage
                assert take(connection) == set(), statement


def test_what_is_inserted_is_marked_whatever_the_way(site: Site):
    upsert = (
        "INSERT INTO concepts (id, name, \"updatedAt\") VALUES ('c1', 'again', now()), ('c4', 'new', now())"
        " ON CONFLICT (id) DO UPDATE SET name = excluded.name"
    )
    with site.connect() as connection:
        small_world(connection)
        factories.prerequisite(connection, "c3", "c1")
        factories.mastery(connection, "bob", "c3")
        assert take(connection) == {("prerequisite", "c1", "c3"), ("mastery", "bob", "c3")}
        connection.execute(upsert)
        assert take(connection) == {C1, ("concept", "c4", "")}
        connection.execute(upsert.replace("DO UPDATE SET name = excluded.name", "DO NOTHING").encode())
        assert take(connection) == set()
        with connection.cursor() as cursor, cursor.copy('COPY concepts (id, name, "updatedAt") FROM STDIN') as rows:
            for number in range(3):
                rows.write_row((f"n{number}", f"n{number}", "2026-01-01"))
        assert take(connection) == {("concept", f"n{number}", "") for number in range(3)}


def test_a_change_that_a_trigger_of_the_application_makes_is_marked(site: Site):
    with site.connect() as connection:
        small_world(connection)
        connection.execute(
            "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN NEW.name = upper(NEW.name); RETURN NEW; END'"
        )
        connection.execute("CREATE TRIGGER shout BEFORE UPDATE ON concepts FOR EACH ROW EXECUTE FUNCTION shout()")
        connection.execute("UPDATE concepts SET description = 'x' WHERE id = 'c1'")
        assert take(connection) == {C1}


def test_what_is_rolled_back_marks_nothing_and_a_savepoint_only_undoes_its_own(site: Site):
    with site.connect() as connection:
        small_world(connection)
        with connection.transaction(force_rollback=True):
            connection.execute("DELETE FROM concepts")
        assert take(connection) == set()
        with connection.transaction():
            connection.execute("UPDATE concepts SET name = 'kept' WHERE id = 'c1'")
            with connection.transaction(force_rollback=True):
                connection.execute("UPDATE concepts SET name = 'lost' WHERE id = 'c2'")
        assert take(connection) == {C1}


def test_versions_rise_with_the_order_of_commits_of_one_key(site: Site):
    with site.connect() as connection:
        insert_while_another_inserts_and_deletes(site, "k")
        assert len(versions_of(connection, "k")) == 3
        assert last_mark_belongs_to_the_last_writer(connection, "k")
        take(connection)
        update_while_another_updates(site, "k")
        assert len(versions_of(connection, "k")) == 3
        assert last_mark_belongs_to_the_last_writer(connection, "k")


def test_a_trigger_that_ran_before_the_row_is_written_would_turn_the_order_round(site: Site):
    """The mutation that the test above must notice: the deleted key gets the highest version, and its row is there."""
    with site.connect() as connection:
        connection.execute("DROP TRIGGER graph_outbox ON concepts")
        connection.execute(
            "CREATE FUNCTION before_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " INSERT INTO espalier.graph_outbox (kind, key1) VALUES ('concept', coalesce(NEW.id, OLD.id));"
            " RETURN coalesce(NEW, OLD); END $$"
        )
        connection.execute(
            "CREATE TRIGGER graph_outbox BEFORE INSERT OR DELETE ON concepts FOR EACH ROW EXECUTE FUNCTION before_row()"
        )
        insert_while_another_inserts_and_deletes(site, "k")
        assert not last_mark_belongs_to_the_last_writer(connection, "k")


def last_mark_belongs_to_the_last_writer(connection: Connection, key: str) -> bool:
    """Whether the transaction that wrote the newest version of a mark is the one that wrote the row as it is."""
    row = connection.execute(
        "SELECT (SELECT xmin FROM espalier.graph_outbox WHERE kind = 'concept' AND key1 = %(key)s"
        "        ORDER BY version DESC LIMIT 1) = (SELECT xmin FROM concepts WHERE id = %(key)s) AS last",
        {"key": key},
    ).fetchone()
    return bool(row and row["last"])


def test_the_application_needs_no_right_on_our_schema_and_has_none(site: Site):
    with site.connect() as connection:
        small_world(connection)
    with as_application(site) as connection:
        connection.execute("UPDATE concepts SET name = 'mine' WHERE id = 'c1'")
        connection.execute("UPDATE users SET \"leaderboardOptOut\" = true WHERE id = 'bob'")
        connection.execute("TRUNCATE concept_prerequisites")
        factories.attempt(connection, "ann", "c3")
        for statement in (
            "SELECT * FROM espalier.graph_outbox",
            "SELECT nextval('espalier.graph_version')",
            "SELECT graph_outbox_concept()",
            "SELECT mastery_dirty()",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(statement.encode())
        connection.execute("RESET ROLE")
        assert marks(connection) == [C1, BOB_C1, ("kind", "prerequisite", "")]
        assert take_pairs(connection) == {("ann", "c3")}


RAISING = SQL("CREATE FUNCTION evil.{} RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE too_many_rows; END'")


def test_names_that_the_application_puts_in_front_catch_nothing(site: Site):
    with site.connect() as connection:
        small_world(connection)
    with as_application(site) as connection:
        connection.execute("CREATE TEMPORARY TABLE graph_outbox (kind text, key1 text, key2 text)")
        connection.execute("CREATE TEMPORARY TABLE mastery_dirty (user_id text, concept_id text)")
        connection.execute('CREATE TEMPORARY TABLE mastery_records ("userId" text, "conceptId" text)')
        connection.execute("CREATE SCHEMA evil")
        connection.execute("CREATE TABLE evil.graph_outbox (kind text, key1 text, key2 text)")
        for function in (SQL("nextval(regclass)"), SQL("clock_timestamp()"), SQL("current_setting(text)")):
            connection.execute(RAISING.format(function))
        connection.execute("SET LOCAL search_path = evil, pg_temp, community, pg_catalog")
        connection.execute("UPDATE community.concepts SET name = 'mine' WHERE id = 'c1'")
        connection.execute("UPDATE community.users SET \"isSuspended\" = true WHERE id = 'ann'")
        connection.execute("DELETE FROM community.mastery_records WHERE id = 'bob-c1'")
        connection.execute("RESET ROLE")
        assert marks(connection) == [C1, ANN_C1, ANN_C2, BOB_C1]
        for table in ("pg_temp.graph_outbox", "evil.graph_outbox", "pg_temp.mastery_dirty"):
            query = SQL("SELECT FROM {}").format(Identifier(*table.split(".")))
            assert connection.execute(query).rowcount == 0


def test_the_longest_keys_that_the_application_can_write_are_marked(site: Site):
    """A second index over the keys would refuse them, and the application's write with them."""
    longest, pair = secrets.token_hex(2640 // 2), (secrets.token_hex(660), secrets.token_hex(660))
    with site.connect() as connection:
        take(connection)
        factories.concept(connection, longest, name="long")
        for key in pair:
            factories.concept(connection, key, name=key[:9])
        factories.prerequisite(connection, pair[0], pair[1])
        assert take(connection) == {("concept", key, "") for key in (longest, *pair)} | {("prerequisite", *pair[::-1])}


def nobody_was_woken_lately(connection: Connection) -> None:
    connection.execute("SELECT setval('espalier.graph_woken', 1)")


def several(connection: Connection) -> None:
    with connection.transaction():
        connection.execute("UPDATE concepts SET difficulty = 5")
        connection.execute("DELETE FROM mastery_records")


HEARD: list[tuple[Callable[[Connection], object], int]] = [
    (several, 1),
    (lambda c: c.execute("TRUNCATE mastery_records"), 1),
    (lambda c: c.execute("UPDATE users SET \"isSuspended\" = true WHERE id = 'ann'"), 0),
    (lambda c: c.execute("UPDATE concepts SET description = 'x'"), 0),
    (lambda c: c.execute("UPDATE users SET name = 'x'"), 0),
    (lambda c: factories.mastery(c, "ann", "c3"), 1),
    (lambda c: c.execute("UPDATE users SET \"isShadowBanned\" = true WHERE id = 'ann'"), 1),
]


def test_a_transaction_that_marks_is_heard_once_and_no_other(site: Site):
    with site.connect() as connection:
        small_world(connection)
        for number, (work, heard) in enumerate(HEARD):
            nobody_was_woken_lately(connection)
            assert notifications(site, work) == heard, number


def test_the_drain_is_woken_no_more_than_once_a_second(site: Site):
    """Commits that notify wait for each other. A clock that was set back does not keep the drain asleep."""
    with site.connect() as connection:
        small_world(connection)
        nobody_was_woken_lately(connection)
        assert notifications(site, several) == 1
        assert notifications(site, lambda c: factories.mastery(c, "ann", "c3")) == 0
        assert take(connection) == {C1, C2, C3, ANN_C1, ANN_C2, BOB_C1, ("mastery", "ann", "c3")}
        connection.execute("SELECT setval('espalier.graph_woken', 1000 * (2 + extract(epoch FROM now())::bigint))")
        assert notifications(site, lambda c: c.execute("TRUNCATE mastery_records")) == 1


@pytest.mark.parametrize("new_major", [18, 16], ids=["pg18", "pg16"])
def test_an_application_with_two_phase_commits_can_go_on_preparing_them(new_server: NewServer, new_major: Major):
    """A transaction that has notified someone cannot be prepared; there the drain finds the marks when it looks."""
    server = new_server(major=new_major, options={**FAST, "max_prepared_transactions": "2"})
    server.start()
    settings = Settings(home=server.home)
    runner.migrate(settings, "community")
    url = settings.url("migrator")
    with Connection.connect(url, row_factory=dict_row, options="-c search_path=community") as connection:
        take(connection)
        connection.commit()
        connection.tpc_begin(connection.xid(1, "two phases", "1"))
        factories.concept(connection, "c1")
        connection.tpc_prepare()
        assert connection.info.transaction_status is TransactionStatus.IDLE
        connection.tpc_commit()
        assert take(connection) == {C1}


ATTEMPTS = [
    ("DELETE FROM concept_attempts WHERE \"userId\" = 'bob'", {("bob", "c1")}),
    ('UPDATE concept_attempts SET "hintsUsed" = 2', {("ann", "c1"), ("bob", "c1")}),
    ('UPDATE concept_attempts SET "isCorrect" = false WHERE "userId" = \'bob\'', {("bob", "c1")}),
    ('UPDATE concept_attempts SET "createdAt" = now() WHERE "userId" = \'bob\'', {("bob", "c1")}),
    ("UPDATE concept_attempts SET \"conceptId\" = 'c2' WHERE \"userId\" = 'bob'", {("bob", "c1"), ("bob", "c2")}),
    ('UPDATE concept_attempts SET "masteryScoreAfter" = 1, "timeTakenSeconds" = 3, id = id || \'x\'', set()),
    ("UPDATE concepts SET id = 'c9' WHERE id = 'c1'", {(u, c) for u in ("ann", "bob") for c in ("c1", "c9")}),
    ("DELETE FROM users WHERE id = 'ann'", {("ann", "c1")}),
    ("TRUNCATE concept_attempts", {(None, None)}),
    ("TRUNCATE users CASCADE", {(None, None)}),
]


def test_attempts_mark_the_pairs_whose_mastery_they_change(site: Site):
    with site.connect() as connection:
        small_world(connection)
        for user in ("ann", "bob"):
            factories.attempt(connection, user, "c1")
        assert take_pairs(connection) == {("ann", "c1"), ("bob", "c1")}
        for statement, expected in ATTEMPTS:
            with connection.transaction(force_rollback=True):
                connection.execute(statement.encode())
                assert take_pairs(connection) == expected, statement
