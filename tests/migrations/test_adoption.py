"""From a database that others have built, through every command, and back: nothing of theirs is different."""

from typing import Any

import pytest

from migrations import runner, verify
from migrations.baseline import baseline
from migrations.inspection.site import DomainReport, inspect
from migrations.rollback import rollback
from orchestration.errors import EspalierError
from orchestration.settings import Domain
from tests.conftest import Site
from tests.lineages import rag
from tests.migrations.adopting import Build, brown_field, nothing_above_access_share, whole_dump, written


def inspected(site: Site, domain: Domain) -> DomainReport:
    return inspect(site.settings, [domain])[1][0]


def adopted_and_taken_back(site: Site, domain: Domain, schema: str, stamped: str) -> None:
    """Inspect, baseline, migrate, verify, roll back, and compare."""
    before, counts = whole_dump(site, schema), written(site, schema)
    with nothing_above_access_share(site, schema):
        assert inspected(site, domain).ok
        assert baseline(site.settings, domain).revision == stamped
        assert baseline(site.settings, domain).already
    assert (whole_dump(site, schema), written(site, schema)) == (before, counts)
    up = runner.migrate(site.settings, domain)
    assert (up.ok, up.to_revision) == (True, runner.head(domain))
    found = verify.verify_domain(site.settings, domain)
    assert {check: found[check] for check in verify.REQUIRED} == {check: [] for check in verify.REQUIRED}
    assert found["no_pending_revisions"] == []
    down = rollback(site.settings, domain, "base", yes_delete_data=True)
    assert (down.ok, down.to_revision) == (True, stamped)
    assert whole_dump(site, schema) == before


@pytest.mark.parametrize(
    ("build", "schema", "stamped"),
    [(rag.application_only, "public", "rag_0000"), (rag.hand_written, "public", "rag_0006")],
)
def test_a_rag_site_comes_back_as_it_was(new_site: Any, build: Build, schema: str, stamped: str):
    site = brown_field(new_site, "rag", schema, build)
    adopted_and_taken_back(site, "rag", schema, stamped)


def test_a_rag_site_of_the_orm_stops_at_the_index_that_is_another_and_goes_on_when_it_is_renamed(new_site: Any):
    site = brown_field(new_site, "rag", "Schüle", rag.generated_by_orm)
    report = inspected(site, "rag")
    (obstacle,) = report.obstacles
    assert str(obstacle.thing) == "index rag_metrics_history.idx_rag_metrics_compliance"
    assert ("USING gin" in obstacle.wanted, "USING btree" in obstacle.found) == (True, True)
    with site.connect("rag") as connection:
        connection.execute("ALTER INDEX idx_rag_metrics_compliance RENAME TO compliance_of_the_orm")
    adopted_and_taken_back(site, "rag", "Schüle", "rag_0000")


def test_a_differing_object_stops_a_migration_before_it_changes_anything(new_site: Any):
    site = brown_field(new_site, "rag", "public", rag.generated_by_orm)
    baseline(site.settings, "rag")
    before = whole_dump(site, "public")
    with pytest.raises(EspalierError, match=r"rag_0001: index .* gin .*; found .* btree .*nothing was changed"):
        runner.migrate(site.settings, "rag")
    assert whole_dump(site, "public") == before
