"""The outbox comes to a site that has been there for a while: what exists is covered, and nobody waits for it."""

import pytest
from alembic import command

from migrations import runner, verify
from migrations.connection import OURS, Target, connect, look_into
from migrations.revisions import configuration, history
from migrations.step import Step
from tests import factories
from tests.conftest import Connection, Site
from tests.migrations.site_state import names, schema_dump
from tests.outbox import marks, small_world, take, take_pairs

KINDS = [("kind", kind, "") for kind in ("concept", "prerequisite", "mastery")]


def back_to_before_the_graph(site: Site) -> None:
    """Take a site to where it was when there was no graph: community_0020 and espalier_0000."""
    runner.migrate(site.settings, "community", "0020")
    target = Target(OURS, OURS, "extensions")
    with connect(site.settings.url("migrator")) as database:
        for revision in reversed(history(OURS)[1:]):
            look_into(database, target)
            config = configuration(OURS)
            step = Step(target, revision, "down", site.settings.home)
            config.attributes.update(target=target, database=database, step=step)
            command.downgrade(config, revision.previous or "base")


def indexes_of_the_outbox(connection: Connection) -> set[str]:
    return names(connection, "SELECT indexname FROM pg_indexes WHERE tablename IN ('graph_outbox', 'mastery_dirty')")


@pytest.fixture
def community_alone(empty_site: Site) -> Site:
    """Give a site on which no other domain stands on what is ours."""
    runner.migrate(empty_site.settings, "community")
    return empty_site


def test_a_site_from_before_the_graph_goes_up_and_is_as_a_new_one(community_alone: Site):
    site = community_alone
    before = schema_dump(site)
    back_to_before_the_graph(site)
    with site.connect() as connection:
        factories.users(connection, "ann")
        factories.attempt(connection, "ann", factories.concept(connection))
    report = runner.migrate(site.settings, "community")
    assert [step.revision for step in report.steps] == [
        *(revision.id for revision in history(OURS)[1:]),
        *(f"community_{number:04}" for number in range(21, 26)),
    ]
    assert report.ok
    assert schema_dump(site) == before
    assert verify.inspect_domain(site.settings, "community")["required_objects_present_and_equal"] == []


def test_rows_that_exist_are_covered_by_one_mark_a_kind_and_not_copied(site: Site):
    with site.connect() as connection:
        small_world(connection)
        runner.migrate(site.settings, "community", "0020")
        connection.execute("UPDATE concepts SET name = 'unseen' WHERE id = 'c1'")
        assert take(connection) == set()
        runner.migrate(site.settings, "community")
        assert marks(connection) == KINDS
        assert take_pairs(connection) == {(None, None)}


def test_what_is_marked_survives_the_way_down(site: Site):
    with site.connect() as connection:
        small_world(connection)
        connection.execute("UPDATE concepts SET name = 'seen' WHERE id = 'c1'")
        runner.migrate(site.settings, "community", "0020")
        assert marks(connection) == [("concept", "c1", "")]


def test_a_graph_that_is_made_again_has_another_epoch(community_alone: Site):
    site = community_alone
    with site.connect() as connection:
        old = names(connection, "SELECT epoch FROM espalier.graph_state")
        back_to_before_the_graph(site)
        runner.migrate(site.settings, "community")
        new = names(connection, "SELECT epoch FROM espalier.graph_state")
        assert len(old) == len(new) == 1
        assert old != new


def test_no_index_over_the_keys_can_refuse_a_write(site: Site):
    with site.connect() as connection:
        assert indexes_of_the_outbox(connection) == {"graph_outbox_pkey", "mastery_dirty_pkey"}
