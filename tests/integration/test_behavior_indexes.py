"""The benchmark of the behavior plan's indexes, on data so small that nothing is measured: it must not rot."""

from collections.abc import Iterator

import pytest
from psycopg.sql import SQL, Identifier

from assets.behavior.planned_indexes import PLANNED, TABLES
from benchmarks import behavior_tables
from benchmarks.behavior_indexes import Bench, open_bench, read_all, refuse_other_rows, run, sides, sizes, write_all
from benchmarks.behavior_tables import ALL, NONE, Read
from tests.conftest import Site

one_server = pytest.mark.parametrize("server", [18], ids=["pg18"], indirect=True)


@pytest.fixture
def bench(empty_site: Site) -> Iterator[Bench]:
    """Give a bench with a thousand events and all that goes with them."""
    admin = empty_site.server.url("bootstrap", empty_site.database)
    with open_bench(empty_site.settings, admin, 4000, 1, 3) as bench:
        yield bench


@one_server
def test_every_index_and_every_write_is_measured_on_all_sides_and_nothing_is_left_behind(bench: Bench):
    told: list[str] = []
    before = {table: count(bench, table) for table in TABLES}
    reads, writes = read_all(bench, told.append), write_all(bench, told.append)
    assert {name: set(measured) for name, measured in reads.items()} == {i.name: {ALL, i.name, NONE} for i in PLANNED}
    assert {table for table, kind in writes if kind == "insert"} == set(TABLES)
    assert {kind for table, kind in writes if table == "behavioral_events"} == {"insert"}
    for (table, _), measured in writes.items():
        assert set(measured) == set(sides(table))
        assert measured[ALL][0].wal > measured[NONE][0].wal  # an index cannot be kept for nothing
    assert {table: count(bench, table) for table in TABLES} == before
    assert set(sizes(bench)) == {index.name for index in PLANNED}
    assert len(told) == 11 + 9


@one_server
def test_an_update_of_an_indexed_column_loses_its_place(bench: Bench):
    """What was cheap before the plan: when a pattern was last seen stood in no index."""
    found = write_all(bench, lambda _: None)["behavioral_patterns", "update"]
    assert (found[NONE][0].hot > 0, found[ALL][0].hot) == (True, 0)


@one_server
def test_the_report_has_a_line_for_each_index_and_each_write(bench: Bench):
    text = run(bench, lambda _: None)
    assert all(text.count(f"| `{index.name}` |") == 2 for index in PLANNED)
    assert all(f"| `{table}`, insert |" in text for table in TABLES)
    assert "All eleven take" in text


def test_sides_that_find_other_rows_end_the_run():
    reads = {ALL: [Read(1, 1, 5, 1)], NONE: [Read(1, 1, 4, 0)]}
    with pytest.raises(AssertionError, match="events_of_a_type: the sides found different rows"):
        refuse_other_rows(PLANNED[0], reads)


@pytest.mark.parametrize(
    ("saved", "said"), [(-3, "**no gain**"), (0, "**no gain**"), (19, "**less**"), (20, "as said"), (41, "more")]
)
def test_a_gain_is_told_beside_what_was_promised(saved: float, said: str):
    assert behavior_tables.verdict(saved, (20, 40)) == said


def count(bench: Bench, table: str) -> int:
    row = bench.owner.execute(SQL("SELECT count(*) AS rows FROM {}").format(Identifier(table))).fetchone()
    return row["rows"] if row else 0
