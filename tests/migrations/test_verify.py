"""The verification finds each kind of drift, with the jobs role's rights, and no drift where there is none."""

import json

import pytest

from migrations import runner, verify
from migrations.revisions import history
from orchestration.errors import EspalierError
from orchestration.settings import DOMAINS, Domain
from tests.conftest import Site
from tests.migrations.site_state import names

EQUAL = "required_objects_present_and_equal"
EXTRA = "no_extra_objects"


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_migrated_domain_is_as_it_should_be(site: Site, domain: Domain):
    assert verify.inspect_domain(site.settings, domain) == {
        "revision": [verify.head(domain)],
        EQUAL: [],
        "required_indexes_valid": [],
        "no_pending_revisions": [],
        EXTRA: [],
    }


DRIFTS = {
    'ALTER TABLE users DROP COLUMN "totalXP"': "column users.totalXP is missing",
    "ALTER TABLE users ALTER email DROP NOT NULL": "column users.email differs from its record",
    'ALTER TABLE users ALTER "totalXP" TYPE bigint': "column users.totalXP differs from its record",
    'ALTER TABLE users ALTER "totalXP" SET DEFAULT 7': "column users.totalXP differs from its record",
    "DROP TABLE vote_graph": "table vote_graph is missing",
    'DROP INDEX "vote_graph_reciprocity_idx"': "index vote_graph.vote_graph_reciprocity_idx is missing",
    'ALTER TABLE doubts DROP CONSTRAINT "doubts_authorId_fkey"': "constraint doubts.doubts_authorId_fkey is missing",
    "ALTER TABLE points_ledger DISABLE TRIGGER xp_ledger_sync": "trigger points_ledger.xp_ledger_sync differs from",
    "DROP TRIGGER xp_ledger_sync_truncate ON points_ledger": "points_ledger.xp_ledger_sync_truncate is missing",
    "GRANT EXECUTE ON FUNCTION xp_ledger_sync() TO PUBLIC": "function xp_ledger_sync() differs from its record",
    "ALTER FUNCTION xp_ledger_sync() RESET search_path": "function xp_ledger_sync() differs from its record",
    "ALTER FUNCTION xp_ledger_sync() SECURITY INVOKER": "function xp_ledger_sync() differs from its record",
    "ALTER TYPE \"VoteType\" ADD VALUE 'SIDEWAYS'": "enum VoteType differs from its record",
    "ALTER TABLE trust_scores SET UNLOGGED": "table trust_scores differs from its record",
    "ALTER TABLE leaderboard_entries DROP CONSTRAINT leaderboard_entries_metric_check": "_metric_check is missing",
}


@pytest.mark.parametrize("statement", DRIFTS)
def test_a_drift_is_found_and_named(site: Site, statement: str):
    with site.connect("community") as connection:
        connection.execute(statement.encode())
    found = verify.inspect_domain(site.settings, "community")[EQUAL]
    assert any(DRIFTS[statement] in line for line in found), found


DRIFTS_WITHOUT_RECORD = {
    'ALTER TABLE users DROP COLUMN "totalXP"': "users.totalXP is missing",
    'ALTER TABLE users ALTER "totalXP" TYPE bigint': "column users.totalXP: type is BIGINT, should be INTEGER",
    "ALTER TABLE users ALTER email DROP NOT NULL": "column users.email: nullable is True, should be False",
    "ALTER TABLE users ALTER credits SET DEFAULT 7": "column users.credits: default is",
    "DROP TABLE vote_graph": "table vote_graph is missing",
    'DROP INDEX "vote_graph_reciprocity_idx"': "index vote_graph_reciprocity_idx is missing",
    'ALTER TABLE doubts DROP CONSTRAINT "doubts_authorId_fkey"': "fk doubts_authorId_fkey is missing",
    "ALTER TYPE \"VoteType\" ADD VALUE 'SIDEWAYS'": "enum VoteType has the labels 'UP', 'DOWN', 'SIDEWAYS' instead of",
}


@pytest.mark.parametrize("statement", DRIFTS_WITHOUT_RECORD)
def test_without_a_record_the_metadata_finds_the_drift(site: Site, statement: str):
    with site.connect("community") as connection:
        connection.execute("DELETE FROM espalier.created_objects WHERE domain = 'community'")
        connection.execute(statement.encode())
    found = verify.inspect_domain(site.settings, "community")[EQUAL]
    assert any(DRIFTS_WITHOUT_RECORD[statement] in line for line in found), found


def test_a_table_whose_namesake_stands_in_the_extensions_schema_is_missing(site: Site):
    with site.connect("community", "bootstrap") as connection:
        connection.execute("DELETE FROM espalier.created_objects WHERE domain = 'community'")
        connection.execute("ALTER TABLE vote_graph SET SCHEMA extensions")
    assert "table vote_graph is missing" in verify.inspect_domain(site.settings, "community")[EQUAL]


def test_what_stands_there_besides_is_listed_and_not_wrong(site: Site):
    with site.connect("community") as connection:
        connection.execute("CREATE TABLE theirs (id int PRIMARY KEY, a int)")
        connection.execute("CREATE VIEW seen AS SELECT 1 AS one")
        connection.execute("ALTER TABLE users ADD COLUMN nickname text")
        connection.execute("CREATE INDEX users_nickname_idx ON users (nickname)")
        connection.execute("CREATE TYPE mood AS ENUM ('good')")
    found = verify.inspect_domain(site.settings, "community")
    assert found[EXTRA] == [
        "column users.nickname",
        "enum mood",
        "index users.users_nickname_idx",
        "table theirs",
        "view seen",
    ]
    assert found[EQUAL] == []


def test_pending_revisions_are_listed_and_their_objects_are_not_missed(site: Site):
    runner.migrate(site.settings, "community", "0018")
    found = verify.inspect_domain(site.settings, "community")
    assert found["revision"] == ["community_0018"]
    assert found["no_pending_revisions"] == [revision.id for revision in history("community")[19:]]
    assert found[EQUAL] == []


def test_a_domain_that_is_not_there_is_one_line(empty_site: Site):
    with pytest.raises(EspalierError, match="rag: not set up in this database; run `espalier migrate --domain rag`"):
        verify.inspect_domain(empty_site.settings, "rag")


def test_the_report_tells_before_steps_after_and_is_kept(empty_site: Site):
    report = runner.migrate(empty_site.settings, "rag")
    told = json.loads(report.to_json())
    assert [finding["name"] for finding in told["preflight"]] == ["server", "vector", "espalier", "jobs role", "schema"]
    assert [step["revision"] for step in told["steps"]] == [
        *[revision.id for revision in history("espalier")],
        *[revision.id for revision in history("rag")],
    ]
    assert all(step["seconds"] > 0 and step["tries"] == 1 for step in told["steps"])
    assert {finding["name"] for finding in told["verification"]} >= {"table users", "enum license_type"}
    assert (told["ok"], told["changed"], told["from_revision"], told["to_revision"]) == (
        True,
        True,
        None,
        verify.head("rag"),
    )
    with empty_site.connect(None) as connection:
        assert names(connection, "SELECT report ->> 'to_revision' FROM espalier.migration_runs") == {verify.head("rag")}
    assert not runner.migrate(empty_site.settings, "rag").changed
