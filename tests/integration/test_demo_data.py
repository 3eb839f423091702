"""The demo data in a real database: loaded once, whole or not at all, and nowhere beside rows that are not its own."""

from collections.abc import Generator
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from psycopg.sql import SQL, Composed, Identifier

from migrations import runner
from orchestration import demo
from orchestration.demo import community, rag
from orchestration.demo.plan import LAST_DAY, plan
from orchestration.errors import EspalierError
from orchestration.settings import Domain, Settings
from tests import factories
from tests.conftest import Server, Site, site_settings
from tests.mastery_by_hand import derive

TABLES = {"community": community.tables, "rag": rag.tables}


@pytest.fixture(scope="module")
def demo_template(server: Server, template: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """Load the small demo once; tests that only look at it, or load again, clone the result."""
    name = "demo_template"
    server.create_database(name, template, "espalier_migrator")
    demo.generate_and_load(site_settings(server, name, tmp_path_factory.mktemp("demo")), "small")
    yield name
    server.drop_database(name)


@pytest.fixture
def demo_site(new_site: Any, demo_template: str) -> Site:
    """Give a test a database of its own that holds the small demo."""
    return new_site(demo_template)


def migrate(settings: Settings, to: dict[Domain, str] | None = None) -> None:
    for domain in settings.domains:
        runner.migrate(settings, domain, (to or {}).get(domain, "head"))


def rows_in(site: Site) -> dict[str, int]:
    counts: dict[str, int] = {}
    for domain in site.settings.domains:
        with site.connect(domain) as connection:
            for table in TABLES[domain](plan("small")):
                query = SQL("SELECT count(*) AS rows FROM {}").format(Identifier(table.name))
                counts[f"{domain}.{table.name}"] = connection.execute(query).fetchall()[0]["rows"]
    return counts


def digests(site: Site) -> dict[str, str]:
    found: dict[str, str] = {}
    for domain in site.settings.domains:
        with site.connect(domain) as connection:
            for table in TABLES[domain](plan("small")):
                query = SQL("SELECT md5(string_agg(md5(t::text), '' ORDER BY t.id)) AS digest FROM {} AS t")
                rows = connection.execute(query.format(Identifier(table.name))).fetchall()
                found[f"{domain}.{table.name}"] = rows[0]["digest"]
    return found


def scalar(site: Site, query: SQL | Composed, domain: Domain = "community") -> Any:
    with site.connect(domain) as connection:
        row = connection.execute(query).fetchone()
    assert row
    return next(iter(row.values()))


def test_the_demo_is_loaded_just_below_the_trigger_and_leaves_the_xp_ledger_to_the_backfill(empty_site: Site) -> None:
    migrate(empty_site.settings, dict(demo.LOAD_AT))
    with empty_site.connect() as connection:
        assert runner.pending(connection, "community")[0] == "community_0017"
    loaded = demo.generate_and_load(empty_site.settings, "small")
    migrate(empty_site.settings)
    assert loaded == rows_in(empty_site)
    assert loaded["community.users"] == loaded["rag.users"] == 1000
    assert scalar(empty_site, SQL("SELECT count(*) FROM xp_ledger")) == 0


def test_some_users_are_left_out_of_leaderboards(demo_site: Site) -> None:
    for column in ("isShadowBanned", "isSuspended", "leaderboardOptOut"):
        assert scalar(demo_site, SQL("SELECT count(*) FROM users WHERE {}").format(Identifier(column))) > 0


def test_attempts_give_mastery_as_people_have_it(demo_site: Site) -> None:
    found = derive(demo_site, datetime.combine(LAST_DAY + timedelta(days=1), time(2)))
    assert 0.02 < found["mastered"] / found["dagster/row_count"] < 0.2
    assert 0.2 < found["struggling"] / found["dagster/row_count"] < 0.6
    assert found["weak_for_want_of_attempts"] > 0
    assert found["checks"] == dict.fromkeys(found["checks"], True)


def test_columns_that_a_later_revision_adds_are_left_out_where_they_are_absent(site: Site) -> None:
    with site.connect() as connection:
        connection.execute('ALTER TABLE users DROP COLUMN "isShadowBanned" CASCADE, DROP COLUMN "suspendedUntil"')
    assert demo.generate_and_load(site.settings, "small")["community.users"] == 1000
    assert scalar(site, SQL('SELECT count(*) FROM users WHERE "leaderboardOptOut"')) > 0


def test_a_second_load_writes_nothing(demo_site: Site) -> None:
    before = digests(demo_site)
    assert demo.generate_and_load(demo_site.settings, "small") == {}
    assert digests(demo_site) == before


def test_two_databases_hold_equal_rows(site: Site, demo_site: Site) -> None:
    demo.generate_and_load(site.settings, "small")
    assert digests(site) == digests(demo_site)


def test_a_domain_that_lacks_its_data_gets_it_and_the_other_is_left_alone(site: Site) -> None:
    demo.generate_and_load(site.settings.model_copy(update={"domains": ("rag",)}), "small")
    loaded = demo.generate_and_load(site.settings, "small")
    assert {name.split(".")[0] for name in loaded} == {"community"}


def test_the_texts_arrive_as_they_were_written(demo_site: Site) -> None:
    assert scalar(demo_site, SQL("SELECT count(*) FROM doubts WHERE title LIKE '%C:\\\\notes\\\\week 3'")) > 0
    assert scalar(demo_site, SQL("SELECT count(*) FROM doubts WHERE content LIKE E'%\\n\\n\\t1.%'")) > 0
    assert scalar(demo_site, SQL("SELECT count(*) FROM doubts WHERE tags[1] = 'physics'")) > 0


def test_the_dirt_of_citations_arrives_as_json(demo_site: Site) -> None:
    with demo_site.connect("rag") as connection:
        query = SQL("SELECT DISTINCT jsonb_typeof(citations) AS type FROM ai_dialogue_log")
        types = {row["type"] for row in connection.execute(query)}
    assert types == {"array", "object", "string", "number", "null", None}


def test_progress_names_each_table_and_ends_at_its_rows(site: Site) -> None:
    seen: dict[str, list[int]] = {}
    loaded = demo.generate_and_load(site.settings, "small", lambda table, rows: seen.setdefault(table, []).append(rows))
    assert {table: rows[-1] for table, rows in seen.items()} == loaded
    assert all(rows[0] == 0 and rows == sorted(rows) for rows in seen.values())


def test_rows_of_an_application_are_never_mixed_with_the_demo(site: Site) -> None:
    with site.connect() as connection:
        factories.user(connection, "a-real-person")
    with pytest.raises(EspalierError, match=r"table users of schema community holds rows that are not the demo's"):
        demo.generate_and_load(site.settings, "small")
    assert scalar(site, SQL("SELECT count(*) FROM users")) == 1


def test_rows_in_any_table_are_a_reason_to_refuse(site: Site) -> None:
    with site.connect() as connection:
        factories.concept(connection, "a-real-concept")
    with pytest.raises(EspalierError, match="table concepts"):
        demo.generate_and_load(site.settings, "small")
    assert demo.loaded_scale(site.settings, "community") is None


def test_another_scale_is_refused_with_the_way_out(demo_site: Site) -> None:
    with pytest.raises(
        EspalierError, match=r"scale small, asked was medium; take --scale small, or another ESPALIER_HOME"
    ):
        demo.generate_and_load(demo_site.settings, "medium")


def test_a_database_without_the_domain_is_refused_with_the_command_to_run(empty_site: Site) -> None:
    with pytest.raises(EspalierError, match="run `espalier migrate --domain community`"):
        demo.generate_and_load(empty_site.settings, "small")


def test_a_load_that_fails_leaves_nothing(site: Site) -> None:
    def fail(table: str, rows: int) -> None:
        if table == "community.points_ledger" and rows:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo.generate_and_load(site.settings, "small", fail)
    assert set(rows_in(site).values()) == {0}
    assert demo.generate_and_load(site.settings, "small") == rows_in(site)


def test_the_loaded_scale_is_known(site: Site, empty_site: Site, demo_site: Site) -> None:
    assert demo.loaded_scale(empty_site.settings, "community") is None
    assert demo.loaded_scale(site.settings, "rag") is None
    assert demo.loaded_scale(demo_site.settings, "rag") == "small"


def test_the_last_day_is_the_callers_to_choose(site: Site) -> None:
    demo.generate_and_load(site.settings, "small", last_day=date(2026, 3, 1))
    assert scalar(site, SQL('SELECT max("createdAt")::date FROM points_ledger')) == date(2026, 3, 1) < LAST_DAY


def test_the_schema_of_a_domain_may_have_any_name(new_site: Any) -> None:
    site = new_site("espalier", community_schema="SiteData", rag_schema="public")
    migrate(site.settings)
    assert demo.generate_and_load(site.settings, "small") == rows_in(site)
    assert demo.loaded_scale(site.settings, "community") == demo.loaded_scale(site.settings, "rag") == "small"
