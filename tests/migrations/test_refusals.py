"""What stands in the way of a migration is one line that names it, what was found and what to do; nothing changes."""

import uuid
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from migrations import runner
from migrations.preflight import refuse_old_server
from orchestration.errors import EspalierError
from tests.conftest import Server, Site, site_settings
from tests.migrations.site_state import names, schema_dump


def refusal(site: Site, domain: Any = "community", to: str = "head", **changes: object) -> str:
    """Migrate, be refused, and see that the database is as before."""
    before = schema_dump(site)
    with pytest.raises(EspalierError) as refused:
        runner.migrate(site.settings.model_copy(update=changes), domain, to)
    assert schema_dump(site) == before
    line = str(refused.value)
    assert "\n" not in line
    return line


def run(site: Site, *statements: str) -> None:
    with site.connect(None, "bootstrap") as connection:
        for statement in statements:
            connection.execute(statement.encode())


def test_a_server_older_than_16_is_refused_with_its_version():
    with pytest.raises(EspalierError, match=r"app on db:5432: found PostgreSQL 15\.18, needed is 16 or later"):
        refuse_old_server(150018, "app on db:5432")
    refuse_old_server(160000, "app on db:5432")


def test_a_schema_of_our_name_that_is_not_ours_is_refused(empty_site: Site):
    run(empty_site, "CREATE SCHEMA espalier", "CREATE TABLE espalier.fruit (id int)")
    assert "a schema espalier is there that is not ours" in refusal(empty_site)


def test_tables_of_strangers_in_the_target_schema_are_named(empty_site: Site):
    run(empty_site, "CREATE TABLE public.users (id int)", "CREATE TYPE public.\"Role\" AS ENUM ('x')")
    line = refusal(empty_site, community_schema="public")
    assert "schema public of " in line
    assert "has Role, users already; nothing was changed; set ESPALIER_COMMUNITY_SCHEMA" in line


def test_an_index_of_a_stranger_under_one_of_our_names_is_named_too(empty_site: Site):
    run(empty_site, "CREATE TABLE public.people (email text)", "CREATE INDEX users_email_key ON public.people (email)")
    assert "has users_email_key already" in refusal(empty_site, community_schema="public")


def test_a_setting_that_contradicts_the_record_is_refused(site: Site):
    line = refusal(site, community_schema="elsewhere")
    assert line.startswith("community: lives in schema community of ")
    assert line.endswith("the settings say elsewhere; set ESPALIER_COMMUNITY_SCHEMA=community")


def test_a_schema_that_holds_another_domain_is_refused(empty_site: Site):
    runner.migrate(empty_site.settings, "community")
    assert "schema community holds the domain community already" in refusal(empty_site, "rag", rag_schema="community")


def test_after_base_the_domain_may_move_to_another_schema(empty_site: Site):
    runner.migrate(empty_site.settings, "rag")
    runner.migrate(empty_site.settings, "rag", "base")
    report = runner.migrate(empty_site.settings.model_copy(update={"rag_schema": "moved"}), "rag")
    assert (report.schema, report.ok) == ("moved", True)


def test_a_jobs_role_that_does_not_exist_is_refused(empty_site: Site):
    line = refusal(empty_site, jobs_role="nobody_here")
    assert "no role nobody_here; create it, or set ESPALIER_JOBS_ROLE" in line


def test_a_table_that_went_missing_stops_the_way_up(empty_site: Site):
    runner.migrate(empty_site.settings, "community", "0009")
    run(empty_site, "CREATE TABLE public.users (id int)", "DROP TABLE community.users CASCADE")
    assert "schema community has no table users although revision community_0009 is applied" in refusal(empty_site)


def test_an_unknown_revision_is_refused_with_the_known_ones(site: Site):
    assert "known are base, community_0000" in refusal(site, to="0999")


def test_a_site_of_a_newer_version_is_refused(site: Site):
    run(site, "UPDATE espalier.alembic_version_rag SET version_num = 'rag_0777'")
    assert "rag_0777, which this version of Espalier does not know" in refusal(site, "rag")


def test_a_server_that_cannot_be_reached_is_named_without_the_password(empty_site: Site, tmp_path: Path):
    url = SecretStr(f"postgresql://espalier_migrator:geheim@/espalier?host={tmp_path}")
    settings = empty_site.settings.model_copy(update={"direct_database_url": url})
    with pytest.raises(EspalierError, match="cannot connect to Postgres: ") as refused:
        runner.migrate(settings, "community")
    assert "geheim" not in str(refused.value)


def test_a_role_that_may_not_create_a_schema_is_told_so(empty_site: Site):
    line = refusal(empty_site, direct_database_url=empty_site.settings.database_url)
    assert "permission denied for database" in line


@pytest.fixture
def bare_site(server: Server, tmp_path: Path) -> Generator[Site]:
    """Give a test a database that not even the extension was made in."""
    name = f"bare_{uuid.uuid4().hex[:12]}"
    server.create_database(name, "template0", "espalier_migrator")
    yield Site(server, name, site_settings(server, name, tmp_path))
    server.drop_database(name)


def test_a_database_without_pgvector_is_refused_with_the_statement_to_run(bare_site: Site):
    line = refusal(bare_site)
    assert "pgvector " in line
    assert "is on the server, not in this database, and role espalier_migrator may not create it" in line
    assert line.endswith("CREATE EXTENSION vector SCHEMA extensions")


def test_pgvector_is_created_where_the_role_may(bare_site: Site):
    admin = SecretStr(bare_site.server.url("bootstrap", bare_site.database))
    settings = bare_site.settings.model_copy(update={"direct_database_url": admin})
    assert runner.migrate(settings, "community").ok
    with bare_site.connect(None) as connection:
        assert names(connection, "SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'vector'") == {
            "extensions"
        }


def test_pgvector_in_public_beside_strangers_is_used_where_it_is(bare_site: Site):
    run(
        bare_site,
        "CREATE EXTENSION vector SCHEMA public",
        "CREATE TABLE public.users (id int)",
        "CREATE TABLE public.points_ledger (id int)",
    )
    strangers = schema_dump(bare_site, "--schema=public")
    migrate: Callable[..., runner.MigrationReport] = runner.migrate
    assert migrate(bare_site.settings, "community").ok
    migrate(bare_site.settings, "community", "base")
    migrate(bare_site.settings, "community")
    assert schema_dump(bare_site, "--schema=public") == strangers
