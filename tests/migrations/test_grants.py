"""The jobs role may do what is listed and nothing else; the list is this file's, not the metadata's."""

import psycopg
import pytest

from migrations import runner
from orchestration.settings import DOMAINS
from tests.conftest import Connection, Site
from tests.migrations.site_state import names

RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
READ = {"SELECT"}
WRITE = {"SELECT", "INSERT", "UPDATE", "DELETE"}
NOTHING = set[str]()

COMMUNITY = {
    **dict.fromkeys(
        [
            *("achievement_progress", "achievement_unlocks", "achievements", "ai_recommendations", "answer_votes"),
            *("answers", "badge_grants", "badges", "communities", "community_doubts", "community_members"),
            *("concept_attempts", "concept_prerequisites", "concepts", "conversations", "documents", "doubt_votes"),
            *("doubts", "levels", "messages", "points_ledger", "rubric_evaluations", "streaks"),
            *("user_discounts", "user_stats", "users", "abuse_flags", "moderation_logs", "fact_check_logs"),
            *("event_logs", "content_embeddings"),
        ],
        READ,
    ),
    **dict.fromkeys(["xp_ledger", "reputation_ledger", "trust_scores", "vote_graph", "mastery_records"], WRITE),
    **dict.fromkeys(["leaderboard_entries", "leaderboard_snapshots"], WRITE),
    **dict.fromkeys(["Account", "VerificationToken"], NOTHING),
}
OURS = {
    **dict.fromkeys(["checkpoints", "quarantine", "partition_zones", "user_totals_pending"], WRITE),
    **dict.fromkeys(["graph_outbox", "graph_state", "graph_drift", "mastery_dirty"], WRITE),
    **dict.fromkeys(["domains", "created_objects", "migration_runs", "ledger_switches", "ledger_late_writes"], READ),
    **dict.fromkeys([f"alembic_version_{domain}" for domain in ("espalier", *DOMAINS)], READ),
    "tenant_keys": NOTHING,
}
COLUMNS = {
    ("users", "UPDATE"): {"totalXP", "totalReputation", "trustScoreCache"},
    ("points_ledger", "UPDATE"): {"description"},
}


def held(connection: Connection, schema: str) -> dict[str, set[str]]:
    rows = connection.execute(
        "SELECT c.relname AS name, array_agg(r) FILTER (WHERE has_table_privilege('espalier_jobs', c.oid, r)) AS rights"
        " FROM pg_class AS c, unnest(%s::text[]) AS r"
        " WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'r' GROUP BY 1",
        [list(RIGHTS), schema],
    ).fetchall()
    return {row["name"]: set(row["rights"] or []) for row in rows}


def held_on_columns(connection: Connection, schema: str) -> dict[tuple[str, str], set[str]]:
    rows = connection.execute(
        "SELECT c.relname AS name, r AS right, array_agg(a.attname::text) AS columns FROM pg_class AS c"
        " JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped,"
        " unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) AS r"
        " WHERE c.relnamespace = %s::regnamespace AND c.relkind = 'r'"
        " AND has_column_privilege('espalier_jobs', c.oid, a.attnum, r)"
        " AND NOT has_table_privilege('espalier_jobs', c.oid, r) GROUP BY 1, 2",
        [schema],
    ).fetchall()
    return {(row["name"], row["right"]): set(row["columns"]) for row in rows}


def test_the_jobs_role_has_the_listed_rights_and_no_other(site: Site):
    with site.connect(None, "bootstrap") as connection:
        assert held(connection, "community") == COMMUNITY
        assert held(connection, "espalier") == OURS
        assert held_on_columns(connection, "community") == COLUMNS
        assert held_on_columns(connection, "espalier") == {}
        owned = "SELECT relname FROM pg_class WHERE relowner = 'espalier_jobs'::regrole"
        assert names(connection, owned) == set()
        creates = "SELECT nspname FROM pg_namespace WHERE has_schema_privilege('espalier_jobs', oid, 'CREATE')"
        assert names(connection, creates) == set()


def test_jobs_may_lock_points_while_they_read_them_and_not_change_them(site: Site):
    with site.connect("community", "jobs") as connection:
        connection.execute("SELECT id FROM points_ledger FOR SHARE")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE points_ledger SET points = 0")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute('UPDATE users SET "isShadowBanned" = true')
        connection.execute('UPDATE users SET "totalXP" = 1')


def test_jobs_may_draw_versions_and_not_set_them_back(site: Site):
    with site.connect("community", "jobs") as connection:
        connection.execute("SELECT nextval('espalier.graph_version')")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT setval('espalier.graph_version', 1)")
    with site.connect("community") as connection:
        connection.execute("GRANT UPDATE ON SEQUENCE espalier.graph_version TO espalier_jobs")
        connection.execute("REVOKE USAGE ON SEQUENCE espalier.graph_version FROM espalier_jobs")
    assert runner.migrate(site.settings, "community").grants == [
        "granted USAGE on espalier.graph_version to espalier_jobs",
        "revoked UPDATE on espalier.graph_version from espalier_jobs",
    ]


def test_a_second_run_changes_no_right(site: Site):
    report = runner.migrate(site.settings, "community")
    assert (report.grants, report.changed) == ([], False)


def test_a_right_too_many_is_taken_away_and_one_too_few_is_given(site: Site):
    with site.connect("community") as connection:
        connection.execute("GRANT TRUNCATE, UPDATE ON vote_graph, doubts TO espalier_jobs")
        connection.execute("GRANT UPDATE (credits) ON users TO espalier_jobs")
        connection.execute("REVOKE SELECT ON answers FROM espalier_jobs")
        connection.execute("REVOKE USAGE ON SCHEMA community FROM espalier_jobs")
    report = runner.migrate(site.settings, "community")
    assert report.grants == [
        "granted SELECT on community.answers to espalier_jobs",
        "granted USAGE on community to espalier_jobs",
        "revoked TRUNCATE on community.doubts from espalier_jobs",
        "revoked TRUNCATE on community.vote_graph from espalier_jobs",
        "revoked UPDATE on community.doubts from espalier_jobs",
        "revoked UPDATE on community.users.credits from espalier_jobs",
    ]
    test_the_jobs_role_has_the_listed_rights_and_no_other(site)


def test_rights_on_a_neighbours_table_are_the_neighbours_business(site: Site):
    with site.connect("community") as connection:
        connection.execute("CREATE TABLE theirs (id int)")
        connection.execute("GRANT ALL ON theirs TO espalier_jobs")
    assert runner.migrate(site.settings, "community").grants == []


def test_rights_follow_the_schema_down(site: Site):
    runner.migrate(site.settings, "community", "0009")
    with site.connect(None, "bootstrap") as connection:
        assert held_on_columns(connection, "community") == {("points_ledger", "UPDATE"): {"description"}}
        assert held(connection, "community") == {
            table: rights for table, rights in COMMUNITY.items() if table != "xp_ledger"
        }


def test_the_owner_itself_as_the_jobs_role_needs_no_grant(empty_site: Site):
    settings = empty_site.settings.model_copy(update={"jobs_role": "espalier_migrator"})
    assert not [line for line in runner.migrate(settings, "community").grants if "espalier_migrator" in line]
