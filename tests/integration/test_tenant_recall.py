"""A search by vector finds the nearest rows of an organization that has 1 % of them, behind the tenant isolation."""

from collections.abc import Generator
from typing import Any

import pytest

from benchmarks.tenant_recall import SCATTERED, TOGETHER, fill, measure, questions
from migrations import runner
from orchestration.settings import LmsPolicy
from tests.conftest import Connection, Server, Site, site_settings

ROWS = 3000


@pytest.fixture(scope="module")
def connections(server: Server, template: str, tmp_path_factory: Any) -> Generator[tuple[Connection, Connection]]:
    """The owner and the application of an isolated site with a vector index."""
    server.create_database("tenant_recall", template, "espalier_migrator")
    home = tmp_path_factory.mktemp("recall")
    site = Site(
        server, "tenant_recall", site_settings(server, "tenant_recall", home, lms=LmsPolicy(tenant_isolation=True))
    )
    runner.migrate(site.settings, "lms")
    with site.connect("lms") as owner, site.connect("lms", "app") as app:
        fill(owner, ROWS)
        yield owner, app
    server.drop_database("tenant_recall")


@pytest.mark.parametrize("organization", [SCATTERED, TOGETHER])
@pytest.mark.parametrize("forced", [False, True], ids=["as the planner likes", "by the vector index"])
def test_the_nearest_rows_are_found(
    connections: tuple[Connection, Connection], organization: str, forced: bool
) -> None:
    recall, _milliseconds = measure(*connections, organization, questions(20), scan=None, forced=forced)
    assert recall >= 0.95


def test_they_would_not_be_if_the_scan_did_not_go_on(connections: tuple[Connection, Connection]) -> None:
    recall, _milliseconds = measure(*connections, SCATTERED, questions(20), scan="off", forced=True)
    assert recall < 0.5
