"""Comments are verified too: those on tables of ours must be there, those on adopted tables are the application's."""

from typing import Any, LiteralString

import pytest

from migrations import runner, verify
from migrations.baseline import baseline
from migrations.rollback import rollback
from tests.conftest import Connection, Site
from tests.lineages import rag
from tests.migrations.adopting import Build, adopted_and_taken_back, brown_field

pytestmark = pytest.mark.parametrize("server", [18], indirect=True, ids=["pg18"], scope="session")

EVERY = [
    *("table ai_dialogue_log", "table provenance", "table rag_metrics_history", "table plugin_registry"),
    *("column provenance.content_id", "column rag_metrics_history.date", "column rag_metrics_history.slo_compliance"),
]


def orm_without_its_index(connection: Connection) -> None:
    """Build it as the ORM does, but for the index that would stop our revisions."""
    rag.generated_by_orm(connection)
    connection.execute("DROP INDEX idx_rag_metrics_compliance")


def adopted(new_site: Any, build: Build, to: str = "head") -> Site:
    site = brown_field(new_site, "rag", "public", build)
    baseline(site.settings, "rag")
    runner.migrate(site.settings, "rag", to)
    return site


def required(site: Site) -> list[str]:
    found = verify.verify_domain(site.settings, "rag")
    return [item for check in verify.REQUIRED for item in found[check]]


def absent(site: Site) -> list[str]:
    return verify.verify_domain(site.settings, "rag")["comments_are_there"]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("COMMENT ON TABLE provenance IS NULL", "comment on table provenance is missing"),
        ("COMMENT ON COLUMN rag_metrics_history.date IS 'When'",
         "comment on column rag_metrics_history.date says something else"),
    ],
)  # fmt: skip
def test_a_comment_of_ours_that_is_gone_or_reworded_is_found_on_an_adopted_site(
    new_site: Any, statement: LiteralString, said: str
):
    site = adopted(new_site, rag.application_only)
    assert (required(site), absent(site)) == ([], [])
    with site.connect("rag") as connection:
        connection.execute(statement)
    assert required(site) == [said]
    assert rollback(site.settings, "rag", "base").ok  # words stop nobody on the way down


def test_revisions_whose_tables_we_have_made_and_completed_have_their_comments(new_site: Any):
    site = adopted(new_site, rag.with_its_own_trigger)
    assert (required(site), absent(site)) == ([], [])


def test_adopted_tables_may_say_what_they_like_and_what_they_do_not_say_is_told(new_site: Any):
    site = adopted(new_site, rag.hand_written)
    assert required(site) == []
    assert sorted(absent(site)) == sorted(name for name in EVERY if name != "table provenance")


def test_a_revision_that_ran_has_written_its_comments_on_adopted_tables_too_and_they_may_be_reworded(new_site: Any):
    site = adopted(new_site, orm_without_its_index)
    assert (required(site), absent(site)) == ([], [])
    with site.connect("rag") as connection:
        connection.execute("COMMENT ON TABLE provenance IS 'the site''s own words'")
    assert required(site) == []


def test_comments_that_are_still_to_come_are_not_missed(new_site: Any):
    site = adopted(new_site, rag.application_only, "rag_0001")
    assert (required(site), absent(site)) == ([], [])


def test_a_site_that_we_have_built_has_them_all(site: Site):
    assert absent(site) == []
    with site.connect("rag") as connection:
        connection.execute("COMMENT ON TABLE plugin_registry IS NULL")
    assert absent(site) == ["table plugin_registry"]


def test_words_of_the_sites_own_survive_a_revision_that_runs_and_the_way_back(new_site: Any):
    def in_words(connection: Connection) -> None:
        orm_without_its_index(connection)
        connection.execute("COMMENT ON TABLE provenance IS 'the site''s own words'")
        connection.execute("COMMENT ON COLUMN rag_metrics_history.date IS 'their own'")

    site = brown_field(new_site, "rag", "public", in_words)
    adopted_and_taken_back(site, "rag", "public", "rag_0000")
