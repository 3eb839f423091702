"""The commands `inspect`, `baseline`, `migrate --dry-run`, `verify`, `rollback` on a database made by others."""

from collections.abc import Generator
from typing import Any

import pytest

from tests.command_line import call, done
from tests.conftest import Site
from tests.lineages import rag
from tests.migrations.adopting import brown_field, whole_dump

pytestmark = pytest.mark.parametrize("server", [18], indirect=True, ids=["pg18"])


@pytest.fixture
def site(new_site: Any) -> Generator[Site]:
    """Make the environment name a database of a RAG application in public."""
    site: Site = brown_field(new_site, "rag", "public", rag.application_only)
    url = {role: site.server.url(role, site.database) for role in ("jobs", "migrator")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ESPALIER_HOME", str(site.settings.home))
        patch.setenv("ESPALIER_DOMAINS", "rag")
        patch.setenv("DATABASE_URL", f"{url['jobs']}&schema=public")
        patch.setenv("DIRECT_DATABASE_URL", url["migrator"])
        patch.setenv("DAGSTER_DATABASE_URL", site.server.url("dagster", "dagster"))
        yield site


def test_the_way_of_an_adoption_command_by_command(site: Site):
    before = whole_dump(site, "public")
    seen = done("inspect")
    assert "rag in schema public: adoptable, at rag_0000" in seen.out
    assert "to come: rag_0003 (run) A dialogue belongs to a user" in seen.out
    assert "locks SHARE ROW EXCLUSIVE on users (" in seen.out
    assert "next: espalier baseline --domain rag" in seen.out
    assert "adopted at rag_0000" in done("baseline").out
    assert "nothing was changed" in done("baseline").out
    assert "6 steps to rag_0006" in done("migrate", "--dry-run").out
    assert whole_dump(site, "public") == before
    done("migrate", "--to", "0002", "--domain", "rag")
    done("migrate")
    assert [report["ok"] for report in done("verify", "--json").json] == [True]
    assert done("rollback", "--json").json[0]["to_revision"] == "rag_0002"
    assert "would take back rag_0001" in done("migrate", "--to", "base", "--dry-run").out
    assert done("rollback", "--to", "base", "--json").json[0]["to_revision"] == "rag_0000"
    assert whole_dump(site, "public") == before
    assert "is never taken back; go down to `base`" in call("migrate", "--domain", "rag", "--to", "-1").refusal


def test_a_difference_leaves_with_1_and_is_refused_with_2(site: Site):
    with site.connect("rag") as connection:
        connection.execute("ALTER TABLE users ALTER COLUMN created_at TYPE date")
    answer = call("inspect", "--json")
    assert answer.code == 1
    (domain,) = answer.json["domains"]
    (difference,) = [d for d in domain["differences"] if d["required"]]
    assert (difference["thing"], difference["state"]) == ("column users.created_at", "differing")
    assert "column users.created_at: wanted timestamp without time zone not null" in call("baseline").refusal


def test_a_required_object_that_was_dropped_fails_the_verification(site: Site):
    done("baseline")
    done("migrate")
    with site.connect("rag") as connection:
        connection.execute("DROP INDEX idx_rag_metrics_date_unique")
    answer = call("verify")
    assert answer.code == 1
    assert "index rag_metrics_history.idx_rag_metrics_date_unique is missing" in answer.out


def test_what_cannot_be_looked_at_is_one_line(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ESPALIER_RAG_SCHEMA", "nowhere")
    (domain,) = done("inspect", "--json").json["domains"]
    assert (domain["standing"], domain["next"]) == ("empty", "espalier migrate --domain rag")
    assert "has none of its tables, there is nothing to adopt" in call("baseline").refusal
    assert "was never migrated here" in call("rollback").refusal
    monkeypatch.setenv("DIRECT_DATABASE_URL", "postgresql://nobody:x@127.0.0.1:1/nothing")
    assert "DIRECT_DATABASE_URL" in call("inspect").refusal
