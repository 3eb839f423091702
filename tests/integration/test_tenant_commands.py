"""The commands `espalier tenants`, and what they print, as the application's authentication uses it."""

import json
import time

import pytest

from migrations import tenant_keys
from orchestration.errors import EspalierError
from tests.command_line import call, done
from tests.conftest import Site


@pytest.fixture(autouse=True)
def at_the_site(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the commands work on the test's site."""
    monkeypatch.setenv("DATABASE_URL", site.server.url("jobs", site.database))
    monkeypatch.setenv("DIRECT_DATABASE_URL", site.server.url("migrator", site.database))
    monkeypatch.setenv("DAGSTER_DATABASE_URL", site.server.url("dagster", "dagster"))
    monkeypatch.setenv("ESPALIER_HOME", str(site.settings.home))


def test_a_token_is_signed_with_the_key_that_is_shown(site: Site) -> None:
    token = done("tenants", "sign", "north", "--seconds", "60").out.strip()
    shown = json.loads(done("tenants", "key", "--json").out)
    key, expires, signature, organization = token.split(".", 3)
    assert (int(key), len(signature), organization) == (shown["key"], 64, "north")
    assert 0 <= int(expires) - time.time() <= 60
    with site.connect("lms", "app") as app, app.transaction():
        rows = app.execute("SELECT espalier.enter_organization(%s) AS entered", [token]).fetchall()
    assert rows == [{"entered": "north"}]


def test_a_new_key_signs_and_the_one_before_is_no_longer_shown(site: Site) -> None:
    before = done("tenants", "key").out.split()
    assert "signs from now on" in done("tenants", "new-key").out
    after = done("tenants", "key").out.split()
    assert int(after[0]) > int(before[0])
    assert after[1] != before[1]


def test_a_database_without_keys_is_one_line(empty_site: Site) -> None:
    with pytest.raises(EspalierError, match="no keys for tenants before espalier_0002; run `espalier migrate`"):
        tenant_keys.show(empty_site.settings)


def test_a_token_for_longer_than_an_hour_is_refused() -> None:
    assert "3600" in call("tenants", "sign", "north", "--seconds", "7200").refusal
