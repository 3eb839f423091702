"""The settings: precedence, the forms of a database's address, and what a wrong value is answered with."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.database_url import read_database_url
from orchestration.errors import EspalierError
from orchestration.settings import DOMAINS, PROJECT, Settings, load_settings
from orchestration.zones import day_ends_have_distinct_dates

WritePolicy = Callable[[str], Path]


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WritePolicy:
    """Write a policy file and make it the one that counts."""

    def write(text: str) -> Path:
        path = tmp_path / "espalier.toml"
        path.write_text(text)
        monkeypatch.setenv("ESPALIER_CONFIG", str(path))
        return path

    return write


def refusal(**overrides: object) -> str:
    with pytest.raises(EspalierError) as refused:
        load_settings(**overrides)
    line = str(refused.value)
    assert "\n" not in line
    return line


def test_the_file_of_the_project_is_valid_and_says_what_the_defaults_are():
    assert load_settings() == Settings.model_validate({})


def test_the_environment_wins_over_the_file(policy: WritePolicy, monkeypatch: pytest.MonkeyPatch):
    policy("[rag]\nlate_days = 7\n")
    assert load_settings().rag.late_days == 7
    monkeypatch.setenv("ESPALIER_RAG__LATE_DAYS", "5")
    assert load_settings().rag.late_days == 5


def test_a_wrong_key_is_named_with_the_nearest_one(policy: WritePolicy):
    path = policy("[rag]\nlate_day = 7\n")
    assert refusal() == f"{path}: rag.late_day: no such key; did you mean late_days?"


def test_a_wrong_value_is_shown_with_what_is_allowed(policy: WritePolicy):
    path = policy("[rag]\nlate_days = -1\n")
    line = refusal()
    assert line.startswith(f"{path}: rag.late_days: ")
    assert "greater than or equal to 0" in line
    assert "found -1" in line


def test_a_file_that_is_no_toml_is_named(policy: WritePolicy):
    path = policy("[rag\n")
    assert refusal().startswith(f"{path}: ")


def test_a_policy_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("ESPALIER_CONFIG", str(tmp_path / "none.toml"))
    assert "none.toml" in refusal()


def test_an_unknown_domain_is_shown_with_those_that_exist(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ESPALIER_DOMAINS", "rga")
    line = refusal()
    assert line.startswith("ESPALIER_DOMAINS: ")
    assert all(f"'{domain}'" in line for domain in DOMAINS)
    assert "'rga'" in line


def test_no_domain_at_all_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ESPALIER_DOMAINS", " , ")
    assert "names no domain" in refusal()


def test_a_misspelt_variable_is_not_ignored(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ESPALIER_DOMAIN", "rag")
    assert refusal() == "ESPALIER_DOMAIN: no such setting; did you mean ESPALIER_DOMAINS?"


def test_an_unknown_zone_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ESPALIER_RAG__ZONE", "Europe/Berln")
    assert "'Europe/Berln'" in refusal()


def test_a_zone_whose_days_share_a_utc_date_is_refused_for_the_metrics(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ESPALIER_RAG__ZONE", "Atlantic/Azores")
    assert "end on one UTC date" in refusal()


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_the_days_of_most_zones_end_on_dates_of_their_own(zone: str):
    assert day_ends_have_distinct_dates(zone)


def test_a_file_that_names_no_domains_enables_none_that_is_off_by_default(policy: WritePolicy):
    policy("ui_port = 3001")
    assert load_settings().domains == ("community", "rag")


def test_two_domains_in_one_schema_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ESPALIER_RAG_SCHEMA", "community")
    assert "community in community, rag in community" in refusal()


def test_our_own_schema_holds_no_domain(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ESPALIER_RAG_SCHEMA", "espalier")
    assert "is ours" in refusal()


def test_home_is_absolute_and_beside_the_project_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    assert load_settings().home == PROJECT / ".espalier"
    monkeypatch.chdir(tmp_path)
    assert load_settings(home="there").home == tmp_path / "there"


def test_without_a_server_the_way_to_one_is_named(tmp_path: Path):
    with pytest.raises(EspalierError, match="espalier up"):
        load_settings(home=tmp_path).url("jobs")


@pytest.mark.parametrize(
    ("given_url", "url", "schema", "dropped"),
    [
        ("postgres://u:p@h/db", "postgresql://u:p@h/db", None, 0),
        ("postgresql://u:p@h:6543/db?schema=public", "postgresql://u:p@h:6543/db", "public", 0),
        (
            "postgresql://u:p@h/db?schema=app&pgbouncer=true&connection_limit=1&pool_timeout=20&sslmode=require",
            "postgresql://u:p@h/db?sslmode=require",
            "app",
            3,
        ),
        (
            "postgresql://u:p@ep-x-pooler.eu.neon.tech/neondb?sslmode=require&channel_binding=require",
            "postgresql://u:p@ep-x-pooler.eu.neon.tech/neondb?sslmode=require&channel_binding=require",
            None,
            0,
        ),
        ("postgresql+psycopg://u:p@h/db", "postgresql://u:p@h/db", None, 0),
        ('"postgres://u:p@h/db"', "postgresql://u:p@h/db", None, 0),
        ("postgresql://u:p%40ss@h/db", "postgresql://u:p%40ss@h/db", None, 0),
    ],
)
def test_an_address_is_read_as_prisma_drizzle_and_neon_write_it(
    given_url: str, url: str, schema: str | None, dropped: int
):
    read = read_database_url("DATABASE_URL", given_url)
    assert (read.url, read.schema, len(read.notices)) == (url, schema, dropped)


def test_what_is_left_out_of_an_address_is_told():
    read = read_database_url("DATABASE_URL", "postgres://u:p@h/db?pgbouncer=true")
    assert read.notices == ("DATABASE_URL: pgbouncer=true is not for libpq, left out",)


@pytest.mark.parametrize(
    "wrong", ["mysql://u:hidden@h/db", "hidden", "postgres://u:hid den@h/db", "postgres://u:hidden@h:port/db"]
)
def test_a_wrong_address_is_refused_without_showing_its_password(monkeypatch: pytest.MonkeyPatch, wrong: str):
    monkeypatch.setenv("DATABASE_URL", wrong)
    line = refusal_of_url()
    assert line.startswith("DATABASE_URL: ")
    assert "hidden" not in line
    assert "hid den" not in line


def refusal_of_url() -> str:
    with pytest.raises(EspalierError) as refused:
        load_settings().url("jobs")
    return str(refused.value)


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=60))
def test_no_text_whatever_breaks_the_reading_of_an_address(text: str):
    with suppress(EspalierError):
        assert read_database_url("DATABASE_URL", text).url.startswith("postgresql:")


def test_the_schema_of_the_address_is_that_of_the_only_domain(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://u:p@h/db?schema=public")
    monkeypatch.setenv("ESPALIER_DOMAINS", "rag")
    assert load_settings().schema_of("rag") == "public"


def test_one_schema_in_the_address_cannot_stand_for_two_domains(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://u:p@h/db?schema=public")
    assert "community in public, rag in public" in refusal()


def test_the_direct_address_is_the_migrators(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://u:p@pooler/db")
    assert load_settings().url("migrator") == "postgresql://u:p@pooler/db"
    monkeypatch.setenv("DIRECT_DATABASE_URL", "postgres://u:p@direct/db")
    assert load_settings().url("migrator") == "postgresql://u:p@direct/db"
    assert load_settings().url("jobs") == "postgresql://u:p@pooler/db"


def test_passwords_do_not_show_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://u:hidden@h/db")
    assert "hidden" not in repr(load_settings())
    assert "hidden" not in str(load_settings().model_dump())
