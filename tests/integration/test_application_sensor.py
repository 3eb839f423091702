"""The application migrations sensor on a real database: silent until a tool has migrated."""

from collections.abc import Generator
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterInstance
from pydantic import SecretStr
from tenacity import stop_after_attempt

from orchestration import application_sensor, sensors
from orchestration.application_sensor import application_migrations_sensor
from orchestration.settings import Settings
from tests.conftest import Site
from tests.webhook import Webhook, listening

pytestmark = pytest.mark.parametrize("server", [18], ids=["pg18"], indirect=True)

TABLES = """
    CREATE TABLE community._prisma_migrations (id text PRIMARY KEY, finished_at timestamptz);
    CREATE SCHEMA drizzle;
    CREATE TABLE drizzle.__drizzle_migrations (id serial PRIMARY KEY, created_at bigint);
    GRANT USAGE ON SCHEMA drizzle TO espalier_jobs;
    GRANT SELECT ON drizzle.__drizzle_migrations, community._prisma_migrations TO espalier_jobs;
"""


@pytest.fixture
def webhook() -> Generator[Webhook]:
    """A webhook that listens."""
    with listening() as webhook:
        yield webhook


def test_a_migration_of_the_application_is_noticed_and_what_it_broke_is_named(
    site: Site, instance: DagsterInstance, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: Settings = site.settings.model_copy(update={"webhook_url": SecretStr(webhook.url)})
    monkeypatch.setattr(application_sensor, "load_settings", lambda: settings)
    cursor: str | None = None

    def tick() -> Any:
        nonlocal cursor
        with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
            data = application_migrations_sensor.evaluate_tick(context)
        cursor = data.cursor
        return data

    with site.connect() as connection:
        connection.execute(TABLES)
        assert tick().run_requests == []
        connection.execute("INSERT INTO _prisma_migrations VALUES ('begun', NULL)")
        assert tick().run_requests == []
        connection.execute("UPDATE _prisma_migrations SET finished_at = now()")
        (request,) = tick().run_requests
        assert webhook.messages == []
        assert "platform/community_schema" in {key.to_user_string() for key in request.asset_selection}
        connection.execute("DROP INDEX concepts_domain_idx")
        assert tick().run_requests == []
        connection.execute("INSERT INTO drizzle.__drizzle_migrations (created_at) VALUES (1)")
        webhook.answer = 404
        monkeypatch.setattr(sensors.post.retry, "stop", stop_after_attempt(1))
        (request,) = tick().run_requests  # the schema is looked at, whether the webhook is there or not
        webhook.answer = 204
        (again,) = tick().run_requests
        assert again.run_key == request.run_key  # so that Dagster starts one run
        assert tick().run_requests == []
    (message,) = webhook.messages
    assert message["differences"] == {"community": ["index concepts.concepts_domain_idx is missing"]}
