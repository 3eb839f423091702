"""Going down never deletes what cannot be derived again without being told to, and drops only what we made."""

import csv
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from psycopg.sql import SQL, Identifier

from migrations import runner
from migrations.report import StepEvent
from orchestration.errors import EspalierError
from tests import factories
from tests.conftest import Connection, Site
from tests.migrations.site_state import applied, names, schema_dump


def derived_rows(connection: Connection) -> None:
    """Insert what a job can make again: defaults, mirrored and opening entries, edges, boards, totals."""
    connection.execute("INSERT INTO trust_scores (id, \"userId\") VALUES ('t', 'ann')")
    factories.points(connection, "ann")
    factories.xp(connection, "ann", metadata={"source": "user_stats"}, event="OPENING_BALANCE")
    connection.execute(
        'INSERT INTO reputation_ledger (id, "userId", "eventType", change, reason)'
        " VALUES ('r', 'ann', 'OPENING_BALANCE', 5, '')"
    )
    connection.execute("INSERT INTO vote_graph (id, \"voterId\", \"targetUserId\") VALUES ('v', 'ann', 'bob')")
    connection.execute(
        "INSERT INTO leaderboard_entries (metric, period, scope, period_start, as_of, user_id, points, rank,"
        " dense_rank, recorded_at) VALUES ('xp', 'DAILY', 'GLOBAL', '2026-01-01', '2026-01-01', 'ann', 1, 1, 1, now())"
    )
    connection.execute('UPDATE users SET "totalXP" = 5, "totalReputation" = 5, "trustScoreCache" = 0.6')


def test_derived_rows_go_without_a_question(site: Site):
    with site.connect("community") as connection:
        factories.users(connection, "ann", "bob")
        derived_rows(connection)
    report = runner.migrate(site.settings, "community", "0000")
    assert report.dumps == {}
    assert not (site.settings.home / "dumps").exists()


LOST = {
    "trust_scores": "INSERT INTO trust_scores (id, \"userId\", score) VALUES ('t', 'ann', 0.9)",
    "abuse_flags": """INSERT INTO abuse_flags (id, "userId", "flagType", severity, details)
        VALUES ('f', 'ann', 'SPAM_POSTING', 3, '{}')""",
    "moderation_logs": """INSERT INTO moderation_logs (id, "adminId", "targetUserId", action, reason)
        VALUES ('m', 'ann', 'ann', 'WARNING', '')""",
    "reputation_ledger": """INSERT INTO reputation_ledger (id, "userId", "eventType", change, reason)
        VALUES ('r', 'ann', 'VOTE', 1, '')""",
    "event_logs": "INSERT INTO event_logs (id, \"eventType\", metadata) VALUES ('e', 'X', '{}')",
    "users": "UPDATE users SET \"isShadowBanned\" = true WHERE id = 'ann'",
    "concepts": "UPDATE concepts SET synonyms = '{other}'",
    "xp_ledger": """INSERT INTO xp_ledger (id, "userId", "eventType", "baseXP", "finalXP", reason)
        VALUES ('x', 'ann', 'QUEST', 1, 1, '')""",
}


@pytest.mark.parametrize("table", LOST)
def test_rows_that_cannot_be_derived_again_are_counted_and_stop_the_way_down(site: Site, table: str):
    with site.connect("community") as connection:
        factories.user(connection, "ann")
        factories.concept(connection)
        connection.execute(LOST[table].encode())
    before = schema_dump(site)
    with pytest.raises(EspalierError, match=rf"would delete 1 rows .*\({table} 1\); nothing was changed; --yes-delete"):
        runner.migrate(site.settings, "community", "0000")
    assert schema_dump(site) == before


@pytest.mark.parametrize("column", ["synonyms", "keywords"])
def test_a_list_that_is_null_is_lost_as_it_would_come_back_empty(site: Site, column: str):
    with site.connect("community") as connection:
        concept = factories.concept(connection)
        connection.execute(SQL("UPDATE concepts SET {} = NULL").format(Identifier(column)))
        with pytest.raises(EspalierError, match=r"would delete 1 rows .*\(concepts 1\)"):
            runner.migrate(site.settings, "community", "0010")
        assert names(connection, "SELECT id FROM concepts") == {concept}


def test_users_of_an_achievement_that_are_null_are_lost_as_they_would_come_back_empty(site: Site):
    with site.connect("community") as connection:
        factories.user(connection, "ann")
        connection.execute(
            "INSERT INTO achievements (id, type, name, description, criteria, points, rarity)"
            " SELECT 'a', (enum_range(type))[1], 'first', '', '{}', 1, (enum_range(rarity))[1]"
            " FROM (SELECT (NULL::achievements).*) AS none"
        )
        connection.execute(
            'INSERT INTO achievement_progress (id, "userId", "achievementId", target, "uniqueUsers")'
            " VALUES ('p', 'ann', 'a', 1, NULL)"
        )
    with pytest.raises(EspalierError, match=r"would delete 1 rows .*\(achievement_progress 1\)"):
        runner.migrate(site.settings, "community", "0012")


def test_yes_delete_data_dumps_the_rows_for_their_owner_only_and_goes_on(site: Site):
    with site.connect("community") as connection:
        factories.user(connection, "ann", isShadowBanned=True, bio='quotes " and\nlines')
        factories.user(connection, "bob")
    report = runner.migrate(site.settings, "community", "0009", yes_delete_data=True)
    [(path, rows)] = report.dumps.items()
    assert rows == 1
    with open(path, newline="") as file:
        [row] = csv.DictReader(file)
    assert (row["id"], row["isShadowBanned"], row["bio"]) == ("ann", "t", 'quotes " and\nlines')
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(path).parent.stat().st_mode) == 0o700
    assert Path(path).is_relative_to(site.settings.home / "dumps")


def test_a_row_that_slips_in_after_the_count_is_not_deleted(site: Site):
    def ban(step: StepEvent) -> None:
        if (step.revision, step.state) == ("community_0010", "begin"):
            with site.connect("community") as connection:
                factories.user(connection, isShadowBanned=True)

    with pytest.raises(EspalierError, match="community_0010: going down would delete 1 rows"):
        runner.migrate(site.settings, "community", "0000", on_step=ban)
    assert applied(site, "community") == "community_0010"


CHANGED = {
    "function xp_ledger_sync()": """CREATE OR REPLACE FUNCTION xp_ledger_sync() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN RETURN NULL; END'""",
    "trigger points_ledger.xp_ledger_sync": "ALTER TABLE points_ledger DISABLE TRIGGER xp_ledger_sync",
    "index trust_scores.trust_scores_score_idx": """DROP INDEX trust_scores_score_idx;
        CREATE INDEX trust_scores_score_idx ON trust_scores (score DESC)""",
    "column users.totalXP": 'ALTER TABLE users ALTER "totalXP" TYPE bigint',
    "constraint leaderboard_entries.leaderboard_entries_metric_check": """
        ALTER TABLE leaderboard_entries DROP CONSTRAINT leaderboard_entries_metric_check;
        ALTER TABLE leaderboard_entries ADD CONSTRAINT leaderboard_entries_metric_check CHECK (metric <> '')""",
    "enum AbuseFlagType": "ALTER TYPE \"AbuseFlagType\" ADD VALUE 'OTHER'",
}


@pytest.mark.parametrize("thing", CHANGED)
def test_what_is_no_longer_as_we_made_it_is_not_dropped(site: Site, thing: str):
    with site.connect("community") as connection:
        for statement in CHANGED[thing].split(";\n"):
            connection.execute(statement.encode())
    before = schema_dump(site)
    with pytest.raises(EspalierError) as refused:
        runner.migrate(site.settings, "community", "0000", yes_delete_data=True)
    assert f"{thing} is no longer as it was created and is not dropped; recorded: " in str(refused.value)
    assert "; found: " in str(refused.value)
    assert schema_dump(site) == before


@pytest.mark.parametrize(
    ("statement", "thing"),
    [
        ('CREATE INDEX theirs ON trust_scores ("historicalLow")', "index trust_scores.theirs"),
        ("ALTER TABLE trust_scores ADD COLUMN theirs int", "column trust_scores.theirs"),
        ("ALTER TABLE trust_scores ADD CONSTRAINT theirs CHECK (score < 2)", "constraint trust_scores.theirs"),
        (
            "CREATE TRIGGER theirs BEFORE UPDATE ON trust_scores FOR EACH ROW"
            " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "trigger trust_scores.theirs",
        ),
        ('CREATE INDEX theirs ON users ("totalXP")', "index users.theirs"),
    ],
)
def test_what_a_neighbour_hung_on_our_tables_is_not_dropped_with_them(site: Site, statement: str, thing: str):
    with site.connect("community") as connection:
        connection.execute(statement.encode())
        with pytest.raises(EspalierError, match=rf"going down would also have to drop .*{thing}.* did not create"):
            runner.migrate(site.settings, "community", "0000")
        assert names(connection, "SELECT tablename FROM pg_tables WHERE tablename = 'trust_scores'")


@pytest.mark.parametrize(
    ("statement", "thing"),
    [
        (
            "CREATE TABLE theirs (trust text REFERENCES trust_scores (id))",
            "constraint theirs_trust_fkey on table theirs",
        ),
        ("CREATE VIEW theirs AS SELECT id FROM trust_scores", "rule _RETURN on view theirs"),
    ],
)
def test_what_refers_to_our_tables_stops_the_way_down_before_its_first_step(site: Site, statement: str, thing: str):
    with site.connect("community") as connection:
        connection.execute(statement.encode())
    with pytest.raises(
        EspalierError, match=f"going down would also have to drop {thing}, which Espalier did not create; noth"
    ):
        runner.migrate(site.settings, "community", "0000")
    assert applied(site, "community") == runner.head("community")


def test_a_table_of_ours_that_is_gone_is_named_on_the_way_down(site: Site):
    with site.connect("community") as connection:
        connection.execute("DROP TABLE vote_graph")
    with pytest.raises(EspalierError, match=r"vote_graph.* is missing, recorded: .*restore it before going down"):
        runner.migrate(site.settings, "community", "0000")


def test_revisions_that_were_applied_by_hand_are_not_taken_back(site: Site):
    with site.connect(None) as connection:
        connection.execute("DELETE FROM espalier.created_objects WHERE revision = 'community_0025'")
    with pytest.raises(EspalierError, match="community_0025: nothing is on record as created by it"):
        runner.migrate(site.settings, "community", "-1")


def test_base_of_an_adopted_site_stops_at_the_baseline(site: Site):
    with site.connect("community") as connection:
        factories.user(connection, "ann")
        connection.execute(
            "UPDATE espalier.domains SET adopted_at = %s WHERE domain = 'community'", [datetime(2026, 1, 1, tzinfo=UTC)]
        )
        report = runner.migrate(site.settings, "community", "base")
        assert report.to_revision == "community_0000"
        assert not runner.migrate(site.settings, "community", "base").changed
        assert names(connection, "SELECT id FROM users") == {"ann"}
