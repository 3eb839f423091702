"""Values that would not fit: columns that the application has as text where a revision of ours has a length."""

from typing import Any

import pytest

from migrations import runner
from migrations.baseline import baseline
from migrations.inspection.hazards import Hazard
from orchestration.errors import EspalierError
from tests.conftest import Connection, Site
from tests.lineages import rag
from tests.migrations.adopting import brown_field, differences, inspected, whole_dump, written

pytestmark = pytest.mark.parametrize("server", [18], indirect=True, ids=["pg18"], scope="session")

TEXT = "ALTER TABLE ai_dialogue_log ALTER COLUMN model_used TYPE text"
LENGTH = "ALTER TABLE ai_dialogue_log ALTER COLUMN model_used TYPE varchar(100)"
LONG = """
    UPDATE ai_dialogue_log SET model_used = repeat('é', 100 + part.n::int)
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM ai_dialogue_log LIMIT 3) AS part
    WHERE part.id = ai_dialogue_log.id
"""


def text_for_a_length(connection: Connection) -> None:
    """Build the RAG tables by hand, with a model's name of any length."""
    rag.hand_written(connection)
    connection.execute(TEXT)


def with_long_values(connection: Connection) -> None:
    """Build the same with three names that are 101 to 103 characters long, and twice as many bytes."""
    text_for_a_length(connection)
    connection.execute(LONG)


def refused(site: Site) -> None:
    baseline(site.settings, "rag")
    before, counts = whole_dump(site, "public"), written(site, "public")
    found = r"column ai_dialogue_log\.model_used: wanted character varying\(100\) not null .*; found text not null"
    with pytest.raises(EspalierError, match=f"{found}.*nothing was changed"):
        runner.migrate(site.settings, "rag")
    assert differences(before, whole_dump(site, "public")) == []
    assert written(site, "public") == counts


def test_values_that_are_too_long_are_counted_with_the_longest_and_stop_the_migration(new_site: Any):
    site = brown_field(new_site, "rag", "public", with_long_values)
    report = inspected(site, "rag")
    what = "values do not fit character varying(100), the longest has 103 characters"
    assert report.hazards == [Hazard("rag_0001", "column ai_dialogue_log.model_used", what, 3)]
    assert "column ai_dialogue_log.model_used" in {str(obstacle.thing) for obstacle in report.obstacles}
    refused(site)
    with site.connect("rag") as connection:
        connection.execute("UPDATE ai_dialogue_log SET model_used = left(model_used, 100)")
        connection.execute(LENGTH)
    assert inspected(site, "rag").ok
    assert runner.migrate(site.settings, "rag").ok


def test_values_that_fit_are_no_hazard_but_their_column_is_still_another(new_site: Any):
    site = brown_field(new_site, "rag", "public", text_for_a_length)
    report = inspected(site, "rag")
    assert (report.hazards, report.ok) == ([], False)
    refused(site)
