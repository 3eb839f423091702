"""The behavior domain: its baseline is the application's schema, and what the plan adds keeps its promises."""

from typing import Any

from migrations import catalog, runner
from migrations.connection import connect
from tests.conftest import Site
from tests.lineages import behavior as lineages


def snapshot(site: Site) -> catalog.Snapshot:
    with connect(site.settings.url("migrator")) as database:
        return catalog.snapshot(database.driver, "behavior")


def test_the_baseline_is_what_the_application_has(empty_site: Site, new_site: Any) -> None:
    runner.migrate(empty_site.settings, "behavior", "0000")
    theirs = new_site("espalier")
    with theirs.connect("behavior") as connection:
        connection.execute("CREATE SCHEMA behavior")
        lineages.build(connection, "prisma_push")
    assert snapshot(empty_site) == snapshot(theirs)
    assert len([thing for thing in snapshot(theirs) if thing.kind == "table"]) == 31
