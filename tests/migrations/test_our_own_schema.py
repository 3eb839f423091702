"""Our own schema goes down and up a revision at a time, with generated rows, and keeps what it keeps.

No command takes it back; Alembic can, where no domain is there any more.
"""

from itertools import count

import pytest
from alembic import command
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from migrations import runner
from migrations.connection import OURS, Target, connect, look_into
from migrations.metadata import METADATA
from migrations.revisions import configuration, history
from orchestration.settings import DOMAINS
from tests.conftest import Connection, Site
from tests.generated_rows import Draw, Drawing, Filler, Tally, reflect
from tests.migrations.site_state import Columns, applied, columns, hashes

pytestmark = pytest.mark.parametrize("server", [18], indirect=True, ids=["pg18"], scope="session")


def test_each_revision_goes_down_and_up_with_generated_rows(site: Site):
    for domain in DOMAINS:
        runner.migrate(site.settings, domain, "base")
    tally = Tally()
    with site.connect(None, "bootstrap") as connection:
        connection.execute("SELECT set_config('search_path', 'espalier,extensions', false)")

        @seed(1)
        @settings(
            max_examples=4,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
        )
        @given(st.data())
        def down_and_up(data: st.DataObject) -> None:
            go(site, "head")
            for revision in reversed(history(OURS)[1:]):
                over(site, connection, revision.id, data.draw, tally)

        down_and_up()
    has_its_one_row = {"graph_state"}
    assert METADATA[OURS].tables.keys() - has_its_one_row <= tally.rows.keys()


def over(site: Site, connection: Connection, revision: str, draw: Draw, tally: Tally) -> None:
    """Go down from a revision, up to it and down again, with new rows on either side."""
    fill(site, connection, draw, tally)
    above = hashes(connection, tables_of(connection))
    go(site, "-1")
    kept = tables_of(connection)
    assert hashes(connection, kept) == {table: above[table] for table in kept}, revision
    fill(site, connection, draw, tally)
    below = hashes(connection, kept)
    go(site, "+1")
    assert applied(site, OURS) == revision
    assert hashes(connection, kept) == below, revision
    go(site, "-1")


def fill(site: Site, connection: Connection, draw: Draw, tally: Tally) -> None:
    ours = [table for table in reflect(site, OURS) if table.name in METADATA[OURS].tables]
    Filler(OURS, ours, tally).fill(connection, Drawing(draw, turns=count(sum(tally.rows.values()))))


def tables_of(connection: Connection) -> Columns:
    """List the tables with their columns, without those in which Alembic keeps where it is."""
    return {table: names for table, names in columns(connection).items() if table in METADATA[OURS].tables}


def go(site: Site, to: str) -> None:
    with connect(site.settings.url("migrator")) as database:
        target = Target(OURS, OURS, "extensions")
        look_into(database, target)
        config = configuration(OURS)
        config.attributes.update(target=target, database=database)
        (command.downgrade if to.startswith("-") else command.upgrade)(config, to)
