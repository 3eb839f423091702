"""The lms domain: its baseline is the application's schema, and what the plan adds keeps its promises."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dagster as dg
import psycopg
import pytest
from dagster import DagsterInstance
from psycopg.sql import SQL, Identifier

from assets.platform import schema_asset
from migrations import catalog, runner, verify
from migrations.connection import connect
from orchestration.errors import EspalierError
from tests import lms_rows
from tests.conftest import Connection, Site
from tests.factories import insert
from tests.lineages import lms as lineages
from tests.lms_rows import TABLES, models, organization, setting, system_defaults, two_organizations, voice
from tests.migrations.site_state import applied, eventually, schema_dump

# What the application asks most, and the index that is there for it.
QUERIES = {
    "nuggets_content_fts_idx": "SELECT id FROM nuggets WHERE to_tsvector('english', content) @@ to_tsquery('set')",
    "nuggets_ready_idx": "SELECT id FROM nuggets WHERE organization_id = 'a' AND status = 'ready' ORDER BY created_at",
    "ingestion_jobs_pending_idx": "SELECT id FROM ingestion_jobs WHERE organization_id = 'a' AND status = 'pending'"
    " ORDER BY created_at",
    "sessions_learner_activity_idx": "SELECT id FROM sessions WHERE learner_id = 'a' ORDER BY last_activity DESC",
    "messages_session_created_idx": "SELECT id FROM messages WHERE session_id = 'a' ORDER BY created_at",
}
REFUSAL = (
    "ai_model_configs has 2 rows that share a scope"
    " (SELECT scope, scope_id, count(*) FROM ai_model_configs GROUP BY 1, 2 HAVING count(*) > 1);"
    " analytics has 2 rows of organizations that are gone"
    " (SELECT * FROM analytics WHERE organization_id NOT IN (SELECT id FROM organizations));"
    " ingestion_jobs has 1 rows of organizations that are gone"
    " (SELECT * FROM ingestion_jobs WHERE organization_id NOT IN (SELECT id FROM organizations));"
    " system_settings has 1 rows of learners that are gone"
    " (SELECT * FROM system_settings WHERE scope = 'learner' AND scope_id NOT IN (SELECT id FROM learners));"
    " voice_configs has 1 rows of organizations that are gone"
    " (SELECT * FROM voice_configs WHERE scope = 'organization' AND scope_id NOT IN (SELECT id FROM organizations));"
    " nothing was changed, correct or delete these rows"
)


@pytest.fixture
def connection(site: Site) -> Iterator[Connection]:
    """A connection of the application that sees the lms domain at its head."""
    with site.connect("lms") as connection:
        yield connection


def mentioning(connection: Connection, name: str) -> dict[str, int]:
    """Count the rows of each table in which a name stands anywhere."""
    counted = SQL("SELECT count(*) AS rows FROM {} AS t WHERE t::text LIKE '%%' || %s || '%%'")
    found = {table: connection.execute(counted.format(Identifier(table)), [name]).fetchone() for table in TABLES}
    return {table: row["rows"] for table, row in found.items() if row and row["rows"]}


def delete(connection: Connection, table: str, *ids: str) -> None:
    connection.execute(SQL("DELETE FROM {} WHERE id = ANY (%s)").format(Identifier(table)), [list(ids)])


def snapshot(site: Site) -> catalog.Snapshot:
    with connect(site.settings.url("migrator")) as database:
        return catalog.snapshot(database.driver, "lms")


def test_the_baseline_is_what_the_application_has(empty_site: Site, new_site: Any) -> None:
    runner.migrate(empty_site.settings, "lms", "0000")
    theirs = new_site("espalier")
    with theirs.connect("lms") as connection:
        connection.execute("CREATE SCHEMA lms")
        lineages.build(connection, "prisma_push")
    assert snapshot(empty_site) == snapshot(theirs)
    assert len([thing for thing in snapshot(theirs) if thing.kind == "table"]) == 17


def test_the_seeds_needless_and_premature_indexes_are_not_built(connection: Connection) -> None:
    rows = connection.execute("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'lms'").fetchall()
    assert {row["indexname"] for row in rows} >= QUERIES.keys()
    assert "progress_learner_concept_idx" not in {row["indexname"] for row in rows}
    assert [row["indexname"] for row in rows if "ivfflat" in row["indexdef"] or "hnsw" in row["indexdef"]] == []


def test_each_index_serves_the_query_that_it_is_for(connection: Connection) -> None:
    with connection.transaction():
        connection.execute("SET LOCAL enable_seqscan = off")
        connection.execute("SET LOCAL enable_sort = off")
        for index, query in QUERIES.items():
            plan = connection.execute(f"EXPLAIN {query}".encode()).fetchall()
            assert index in str(plan), plan


def test_nothing_of_an_organization_outlives_it(connection: Connection) -> None:
    two_organizations(connection)
    assert set(mentioning(connection, "north")) == set(TABLES)
    others = mentioning(connection, "south"), mentioning(connection, "system")
    delete(connection, "organizations", "north")
    assert mentioning(connection, "north") == {}
    assert (mentioning(connection, "south"), mentioning(connection, "system")) == others
    organization(connection, "east")
    delete(connection, "organizations", "south", "east")
    assert mentioning(connection, "south") | mentioning(connection, "east") == {}
    assert mentioning(connection, "system") == others[1]


def test_before_the_plan_five_tables_keep_its_rows(site: Site, connection: Connection) -> None:
    runner.migrate(site.settings, "lms", "0000")
    organization(connection, "north")
    delete(connection, "organizations", "north")
    assert set(mentioning(connection, "north")) == {"ingestion_jobs", "analytics", *lms_rows.OF_SCOPE}


def test_settings_of_a_learner_go_with_the_user(connection: Connection) -> None:
    two_organizations(connection)
    delete(connection, "users", "north-user")
    kept = connection.execute("SELECT scope, scope_id FROM voice_configs WHERE scope_id LIKE 'north%%'", {}).fetchall()
    assert [tuple(row.values()) for row in kept] == [("organization", "north")]
    assert mentioning(connection, "north-learner") == {"analytics": 1}


def test_a_scope_has_one_row_also_where_it_is_the_whole_system(site: Site, connection: Connection) -> None:
    system_defaults(connection)
    for table, row in (
        ("voice_configs", voice("system", None, "again")),
        ("ai_model_configs", models("system", None, "again")),
    ):
        with pytest.raises(psycopg.errors.UniqueViolation, match=f"{table}_scope_scope_id_nulls_key"):
            insert(connection, table, row)
    runner.migrate(site.settings, "lms", "0000")
    insert(connection, "voice_configs", voice("system", None, "again"))


def test_rows_in_the_way_are_named_with_their_queries_before_anything_changes(site: Site) -> None:
    runner.migrate(site.settings, "lms", "0000")
    before = schema_dump(site)
    with site.connect("lms") as connection:
        two_organizations(connection)
        for number in (1, 2):
            insert(connection, "analytics", lms_rows.event("gone", f"orphan-{number}"))
        job = {"id": "orphan", "type": "url", "source": "x", "organization_id": "gone"}
        insert(connection, "ingestion_jobs", job)
        insert(connection, "voice_configs", voice("organization", "gone", "orphan"))
        insert(connection, "system_settings", setting("orphan", "learner", "gone"))
        insert(connection, "ai_model_configs", models("system", None, "again"))
        with pytest.raises(EspalierError) as refused:
            runner.migrate(site.settings, "lms")
        assert REFUSAL in str(refused.value)
        assert (applied(site, "lms"), schema_dump(site)) == ("lms_0000", before)
        for table in ("analytics", "ingestion_jobs", "voice_configs", "system_settings", "ai_model_configs"):
            connection.execute(SQL("DELETE FROM {} WHERE id ~ 'orphan|again'").format(Identifier(table)))
    assert runner.migrate(site.settings, "lms").ok


@pytest.mark.parametrize("table", lms_rows.OF_SCOPE)
@pytest.mark.parametrize("scope", ["organization", "learner"])
def test_a_setting_needs_its_owner(connection: Connection, table: str, scope: str) -> None:
    organization(connection, "north")
    make = {"voice_configs": voice, "ai_model_configs": models}.get(table)
    row = make(scope, "nobody") if make else setting("x", scope, "nobody")
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match=f"{table}: there is no {scope} nobody"):
        insert(connection, table, row)
    moved = SQL("UPDATE {} SET scope_id = 'nobody' WHERE scope = %s").format(Identifier(table))
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        connection.execute(moved, [scope])
    insert(connection, table, {**row, "scope": "campus", "id": "later"})


def waits(site: Site, connection: Connection) -> bool:
    """Whether a connection's session waits for a lock."""
    with site.connect(None) as looking:
        row = looking.execute(
            "SELECT cardinality(pg_blocking_pids(%s)) AS blockers", [connection.info.backend_pid]
        ).fetchone()
    return bool(row and row["blockers"])


def test_a_setting_that_is_written_while_its_organization_goes_is_refused(site: Site, connection: Connection) -> None:
    organization(connection, "north")
    delete(connection, "voice_configs", "voice-organization-north")
    with site.connect("lms") as writer, ThreadPoolExecutor(1) as thread:
        with connection.transaction():
            delete(connection, "organizations", "north")
            written = thread.submit(insert, writer, "voice_configs", voice("organization", "north", "late"))
            eventually(lambda: waits(site, writer))
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            written.result(10)
    assert mentioning(connection, "north") == {}


def test_an_organization_that_goes_while_a_setting_is_written_takes_it_along(
    site: Site, connection: Connection
) -> None:
    organization(connection, "north")
    delete(connection, "voice_configs", "voice-organization-north")
    with site.connect("lms") as deleter, ThreadPoolExecutor(1) as thread:
        with connection.transaction():
            insert(connection, "voice_configs", voice("organization", "north", "early"))
            deleted = thread.submit(delete, deleter, "organizations", "north")
            eventually(lambda: waits(site, deleter))
        deleted.result(10)
    assert mentioning(connection, "north") == {}


def test_jobs_read_everything_but_passwords_and_write_nothing(site: Site) -> None:
    rights = (
        "SELECT relname AS name, has_table_privilege('espalier_jobs', oid, 'SELECT') AS reads,"
        " has_table_privilege('espalier_jobs', oid, 'INSERT, UPDATE, DELETE, TRUNCATE') AS writes,"
        " has_any_column_privilege('espalier_jobs', oid, 'INSERT, UPDATE') AS writes_some"
        " FROM pg_class WHERE relnamespace = 'lms'::regnamespace AND relkind = 'r'"
    )
    with site.connect("lms") as connection:
        rows = connection.execute(rights).fetchall()
    assert {row["name"] for row in rows if row["reads"]} == set(TABLES) - {"users"}
    assert [row["name"] for row in rows if row["writes"] or row["writes_some"]] == []
    with site.connect("lms", "jobs") as jobs:
        jobs.execute("SELECT id, email, role, organization_id FROM users")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            jobs.execute("SELECT password_hash FROM users")


def test_the_head_is_verified_with_data(site: Site, connection: Connection) -> None:
    two_organizations(connection)
    found = verify.inspect_domain(site.settings, "lms")
    assert found.pop("revision") == [runner.head("lms")]
    assert not any(found.values()), found


def test_a_settings_trigger_that_is_gone_blocks_what_is_downstream(site: Site, instance: DagsterInstance) -> None:
    asset = schema_asset("lms")
    resources = {"postgres": dg.ResourceDefinition.hardcoded_resource(site.postgres)}

    def failed() -> set[str]:
        run = dg.materialize([asset], resources=resources, instance=instance, raise_on_error=False)
        return {check.check_name for check in run.get_asset_check_evaluations() if not check.passed}

    assert failed() == set()
    with site.connect("lms") as connection:
        connection.execute("DROP TRIGGER settings_go_too ON learners")
    assert failed() == {"required_objects_present_and_equal"}
