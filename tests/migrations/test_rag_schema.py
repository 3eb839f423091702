"""The rag schema: what seed 004 asks for is there, every step goes down and up again, nothing is lost unasked."""

import subprocess
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from migrations import runner, verify
from migrations.revisions import history
from orchestration.errors import EspalierError
from orchestration.servers.binaries import wheel_programs
from tests import factories
from tests.conftest import Connection, Site

TABLES = ("users", "materials", "ai_dialogue_log", "provenance", "rag_metrics_history", "plugin_registry")
NOON = datetime(2026, 1, 1, 12)
STEPS = [revision.id for revision in history("rag") if revision.previous]

INDEXES = {
    "idx_ai_dialogue_user": "ai_dialogue_log USING btree (user_id)",
    "idx_ai_dialogue_session": "ai_dialogue_log USING btree (session_id)",
    "idx_ai_dialogue_created_at": "ai_dialogue_log USING btree (created_at)",
    "idx_ai_dialogue_citation_rate": "ai_dialogue_log USING btree (citation_rate)",
    "idx_ai_dialogue_user_created": "ai_dialogue_log USING btree (user_id, created_at DESC)",
    "idx_provenance_content": "provenance USING btree (content_id, content_type)",
    "idx_provenance_source": "provenance USING btree (source_uri)",
    "idx_provenance_license": "provenance USING btree (license_type)",
    "idx_provenance_retention": "provenance USING btree (retention_years)",
    "idx_provenance_expiring": "provenance USING btree (retention_years, acquired_at) "
    "WHERE (retention_years IS NOT NULL)",
    "idx_rag_metrics_date": "rag_metrics_history USING btree (date)",
    "idx_rag_metrics_compliance": "rag_metrics_history USING gin (slo_compliance)",
    "idx_rag_metrics_date_unique": "rag_metrics_history USING btree (date(date))",
    "idx_plugin_name": "plugin_registry USING btree (name)",
    "idx_plugin_enabled": "plugin_registry USING btree (enabled)",
    "idx_plugin_enabled_healthy": "plugin_registry USING btree (name, last_health_check) "
    "WHERE ((enabled = true) AND ((health_status)::text = 'healthy'::text))",
}
CONSTRAINTS = {
    "ai_dialogue_log_user_feedback_check": "CHECK ((user_feedback = ANY (ARRAY['-1'::integer, 0, 1])))",
    "fk_ai_dialogue_user": "FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE",
    "fk_provenance_acquired_by": "FOREIGN KEY (acquired_by) REFERENCES users(id) ON DELETE SET NULL",
    "plugin_registry_name_key": "UNIQUE (name)",
    "plugin_registry_source_key": "UNIQUE (source)",
    "users_clerk_id_unique": "UNIQUE (clerk_id)",
}


@pytest.fixture
def connection(site: Site) -> Iterator[Connection]:
    """A connection of the application that sees the rag domain."""
    with site.connect("rag") as connection:
        yield connection


def migrate(site: Site, to: str, **options: Any) -> runner.MigrationReport:
    return runner.migrate(site.settings, "rag", to, **options)


def value(connection: Connection, query: Any, *parameters: object) -> Any:
    row = connection.execute(query, parameters).fetchone()
    return next(iter(row.values())) if row else None


def schema_of(site: Site) -> str:
    """Dump the schema, as the newest pg_dump writes it."""
    dump = [str(wheel_programs(18) / "pg_dump"), "-s", "-n", "rag", "--restrict-key=x", site.settings.url("migrator")]
    return subprocess.run(dump, check=True, capture_output=True, text=True).stdout


def rows_of(connection: Connection) -> dict[str, str]:
    """Hash the rows of each table, in the order of their ids."""
    hashed = SQL("SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM {} AS t")
    return {table: value(connection, hashed.format(Identifier(table))) for table in TABLES}


def fill(connection: Connection) -> None:
    """Insert a row into each table."""
    user = factories.learner(connection)
    material = factories.material(connection, user)
    factories.dialogue(connection, user, NOON, [{"source": "a"}], user_feedback=1)
    factories.provenance(connection, material, acquired_by=user, retention_years=5, acquired_at=NOON)
    factories.insert(connection, "rag_metrics_history", {"date": NOON, "total_queries": 1, "slo_compliance": {}})


def test_the_schema_equals_its_metadata(site: Site) -> None:
    found = verify.inspect_domain(site.settings, "rag")
    assert found.pop("revision") == [runner.head("rag")]
    assert not any(found.values()), found


def test_every_index_of_the_seed_is_there(connection: Connection) -> None:
    rows = connection.execute("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'rag'").fetchall()
    found = {row["indexname"]: row["indexdef"].partition(" ON rag.")[2] for row in rows}
    assert {name: found.get(name) for name in INDEXES} == INDEXES
    unique = [row["indexname"] for row in rows if row["indexdef"].startswith("CREATE UNIQUE")]
    assert "idx_rag_metrics_date_unique" in unique


def test_every_constraint_of_the_seed_is_there_and_proved(connection: Connection) -> None:
    rows = connection.execute(
        "SELECT conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint"
        " WHERE connamespace = 'rag'::regnamespace"
    )
    found = {row["conname"]: row["definition"] for row in rows}
    assert {name: found.get(name) for name in CONSTRAINTS} == CONSTRAINTS


def test_the_enums_have_the_labels_of_the_seed(connection: Connection) -> None:
    rows = connection.execute(
        "SELECT typname, array_agg(enumlabel::text ORDER BY enumsortorder) AS labels FROM pg_enum"
        " JOIN pg_type ON pg_type.oid = enumtypid WHERE typnamespace = 'rag'::regnamespace GROUP BY typname"
    )
    assert {row["typname"]: " ".join(row["labels"]) for row in rows} == {
        "content_type": "material creation_log generated note_article ai_response",
        "acquisition_method": "api_fetch manual_upload ai_generated user_created system_import",
        "license_type": "cc_by cc_by_sa cc_by_nc cc_by_nc_sa proprietary mit apache_2_0 all_rights_reserved "
        "public_domain",
    }


def test_two_plugins_are_registered(connection: Connection) -> None:
    rows = connection.execute("SELECT * FROM plugin_registry ORDER BY source").fetchall()
    assert [(row["source"], row["name"], row["version"], row["enabled"]) for row in rows] == [
        ("local", "Local Materials", "1.0.0", True),
        ("note", "Note.com Integration", "1.0.0", True),
    ]
    can = {row["source"]: {name for name, able in row["capabilities"].items() if able} for row in rows}
    assert can == {
        "local": {"list", "search", "filter", "fetch", "transform"},
        "note": {"list", "search", "filter", "fetch"},
    }


@pytest.mark.parametrize("table", ["ai_dialogue_log", "provenance", "plugin_registry"])
def test_a_changed_row_says_when(connection: Connection, table: str) -> None:
    fill(connection)
    connection.execute(SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(Identifier(table)))
    connection.execute(SQL("UPDATE {} SET updated_at = '2020-01-01'").format(Identifier(table)))
    connection.execute(SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(Identifier(table)))
    connection.execute(SQL("UPDATE {} SET created_at = created_at").format(Identifier(table)))
    assert value(connection, SQL("SELECT min(updated_at) FROM {}").format(Identifier(table))).year > 2020


def test_a_day_has_one_row_of_metrics(connection: Connection) -> None:
    factories.insert(connection, "rag_metrics_history", {"date": NOON})
    with pytest.raises(psycopg.errors.UniqueViolation, match="idx_rag_metrics_date_unique"):
        factories.insert(connection, "rag_metrics_history", {"date": NOON.replace(hour=23)})


def test_feedback_is_down_neutral_or_up(connection: Connection) -> None:
    user = factories.learner(connection)
    with pytest.raises(psycopg.errors.CheckViolation):
        factories.dialogue(connection, user, user_feedback=2)


def test_dialogues_go_with_their_user_and_provenance_stays(connection: Connection) -> None:
    user = factories.learner(connection)
    factories.dialogue(connection, user)
    factories.provenance(connection, factories.new_uuid(), acquired_by=user)
    connection.execute("DELETE FROM users")
    assert value(connection, "SELECT count(*) FROM ai_dialogue_log") == 0
    assert value(connection, "SELECT count(*) FROM provenance WHERE acquired_by IS NULL") == 1


def test_the_jobs_write_the_metrics_and_nothing_else(site: Site) -> None:
    with site.connect("rag", "jobs") as jobs:
        rights = jobs.execute(
            "SELECT relname::text AS name, has_table_privilege(oid, 'SELECT') AS reads,"
            " has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE') AS writes"
            " FROM pg_class WHERE relnamespace = 'rag'::regnamespace AND relkind = 'r'"
        ).fetchall()
    assert {row["name"] for row in rights if row["reads"]} == set(TABLES)
    assert {row["name"] for row in rights if row["writes"]} == {"rag_metrics_history"}


@pytest.mark.parametrize("step", STEPS)
def test_a_step_with_data_goes_down_and_up_again(site: Site, connection: Connection, step: str) -> None:
    migrate(site, step, yes_delete_data=True)
    if step != "rag_0001":
        fill(connection)
    before = schema_of(site), rows_of(connection)
    migrate(site, "-1", yes_delete_data=step == "rag_0001")
    assert schema_of(site) != before[0]
    migrate(site, "+1")
    assert schema_of(site) == before[0]
    if step != "rag_0001":
        assert rows_of(connection) == before[1]


def test_up_base_up_gives_an_equal_schema_and_does_not_ask_on_empty_tables(site: Site) -> None:
    before = schema_of(site)
    migrate(site, "base")
    migrate(site, "head")
    assert schema_of(site) == before


def test_going_down_asks_before_rows_are_deleted_that_cannot_be_derived(site: Site, connection: Connection) -> None:
    fill(connection)
    connection.execute("UPDATE plugin_registry SET enabled = false WHERE source = 'note'")
    with pytest.raises(EspalierError, match=r"\(ai_dialogue_log 1, plugin_registry 1, provenance 1\)"):
        migrate(site, "0000")
    assert rows_of(connection)["ai_dialogue_log"]
    report = migrate(site, "0000", yes_delete_data=True)
    assert sorted(report.dumps.values()) == [1, 1, 1]


def test_a_plugin_that_is_neither_on_nor_off_does_not_come_back_by_itself(site: Site, connection: Connection) -> None:
    connection.execute("UPDATE plugin_registry SET enabled = NULL WHERE source = 'note'")
    with pytest.raises(EspalierError, match=r"\(plugin_registry 1\)"):
        migrate(site, "0000")


def test_a_day_that_is_there_twice_stops_the_indexes_before_one_is_built(site: Site, connection: Connection) -> None:
    migrate(site, "0001")
    for _ in range(2):
        factories.insert(connection, "rag_metrics_history", {"date": NOON})
    before = schema_of(site)
    with pytest.raises(
        EspalierError, match=r"rag_metrics_history has 1 days with more than one row .*SELECT date\(date\)"
    ):
        migrate(site, "head")
    assert schema_of(site) == before
    connection.execute("DELETE FROM rag_metrics_history")
    assert migrate(site, "head").ok


def test_metrics_without_their_dialogues_cannot_be_derived(site: Site, connection: Connection) -> None:
    factories.insert(connection, "rag_metrics_history", {"date": NOON, "total_queries": 3})
    with pytest.raises(EspalierError, match=r"\(rag_metrics_history 1\)"):
        migrate(site, "0000")


def test_metrics_of_days_without_dialogues_can_be_derived(site: Site, connection: Connection) -> None:
    factories.insert(connection, "rag_metrics_history", {"date": NOON, "total_queries": 0})
    assert migrate(site, "0000").to_revision == "rag_0000"


def test_an_orphan_stops_the_proof_and_its_correction_lets_it_go_on(site: Site, connection: Connection) -> None:
    migrate(site, "0002")
    orphan = factories.dialogue(connection, factories.new_uuid())
    with pytest.raises(EspalierError, match=r"fk_ai_dialogue_user.*is not present"):
        migrate(site, "head")
    assert runner.current(connection, "rag") == "rag_0003"
    connection.execute("DELETE FROM ai_dialogue_log WHERE id = %s", [orphan])
    assert migrate(site, "head").ok
