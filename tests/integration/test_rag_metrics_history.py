"""The daily figures equal plain Python over the rows, are written only where they changed, and lose no dialogue."""

import json
import random
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, LiteralString

import dagster as dg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.sql import SQL

from assets.rag.rag_metrics_history import QUERIES, RAG_METRICS_HISTORY, parameters, refresh
from orchestration.partitions import Day
from tests import factories, rag_by_hand
from tests.conftest import Connection, Materialize, Site, figures
from tests.rag_dialogues import DAYS_OF_A_WEEK, TOKYO, ask, dialogues, dirty_days, learner, naive_start

KEY = "rag/rag_metrics_history"
Row = dict[str, Any]

# Days around a clock change: of 23, 25, 23.5 and 24.5 hours, and one without a midnight.
WEEKS = {
    "Europe/Berlin": (date(2026, 3, 27), date(2026, 10, 23)),
    "America/Sao_Paulo": (date(2018, 11, 2), date(2018, 2, 15)),
    "Asia/Tokyo": (date(2026, 1, 1),),
    "Australia/Lord_Howe": (date(2026, 4, 3), date(2026, 10, 2)),
}
CORRECTIONS: tuple[LiteralString, ...] = (
    "total_tokens = 5",
    "user_feedback = 1",
    "user_feedback = 0",
    "latency_ms = 7",
    "token_cost_jpy = 0",
    "relevance_score = 0.5",
    "citations = '[{\"source\": null}]'",
    'citations = \'[{"source": "a"}]\'',
    "total_tokens = NULL",
)


@pytest.fixture
def connection(site: Site) -> Iterable[Connection]:
    """A connection that sees the rag domain as its application does, with four users."""
    with site.connect("rag") as connection:
        for number in range(4):
            factories.learner(connection, learner(number))
        yield connection


def days_from(first: date, count: int, zone: str = TOKYO) -> list[Day]:
    return [Day.of(first + timedelta(days=n), zone) for n in range(count)]


def run(site: Site, days: Sequence[Day], zone: str = TOKYO, *, dry_run: bool = False) -> Row:
    with RAG_METRICS_HISTORY.session(site.postgres) as session:
        work = session.run(lambda tx: refresh(tx, days, zone, site.settings.rag, dry_run=dry_run), repeatable_read=True)
        return work[0]


def history(connection: Connection) -> list[Row]:
    return connection.execute("SELECT * FROM rag_metrics_history ORDER BY date").fetchall()


def physical(connection: Connection) -> list[Row]:
    rows = connection.execute("SELECT date, xmin::text, ctid::text FROM rag_metrics_history ORDER BY date")
    return rows.fetchall()


def quarantine(connection: Connection) -> list[Row]:
    rows = connection.execute(
        "SELECT source_table, source_key, reason, payload, first_seen, last_seen FROM espalier.quarantine"
        " WHERE domain = 'rag' ORDER BY source_table, source_key, reason"
    )
    return rows.fetchall()


def by_hand(connection: Connection, days: Sequence[Day], zone: str = TOKYO) -> list[Row]:
    rows = connection.execute("SELECT * FROM ai_dialogue_log").fetchall()
    return rag_by_hand.metrics(rows, [day.on for day in days], zone)


def without_id(rows: Iterable[Row]) -> list[Row]:
    return [{name: value for name, value in row.items() if name != "id"} for row in rows]


def forget(connection: Connection) -> None:
    connection.execute("TRUNCATE ai_dialogue_log, rag_metrics_history")
    connection.execute("DELETE FROM espalier.quarantine")
    connection.execute("DELETE FROM espalier.partition_zones")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(week=st.sampled_from([(z, d) for z, firsts in WEEKS.items() for d in firsts]), asked=st.lists(dialogues))
def test_every_figure_equals_plain_python(
    site: Site, connection: Connection, week: tuple[str, date], asked: list[Row]
) -> None:
    zone, first = week
    days = days_from(first, DAYS_OF_A_WEEK, zone)
    forget(connection)
    for row in asked:
        at = naive_start(first, zone) + timedelta(minutes=row["minute"])
        ask(connection, at, **{name: value for name, value in row.items() if name != "minute"})
    found = run(site, days, zone)
    assert without_id(history(connection)) == by_hand(connection, days, zone)
    assert found["rows_found"] == found["rows_written"] == len(days)
    assert run(site, days, zone)["rows_written"] == 0


def test_ninety_dirty_days_are_one_run_and_equal_plain_python(
    site: Site, connection: Connection, materialize: Materialize
) -> None:
    days = days_from(date(2025, 3, 1), 90)
    dirty_days(connection, days[0].on, len(days), 2000)
    keys = (days[0].on.isoformat(), days[-1].on.isoformat())
    result = materialize(KEY, days=keys)
    assert without_id(history(connection)) == by_hand(connection, days)
    assert len(result.asset_materializations_for_node(KEY.replace("/", "__"))) == 90
    assert len(materialize.instance.get_runs()) == 1
    written = physical(connection)
    again = figures(materialize(KEY, days=keys), KEY)
    assert (again["rows_written"], again["days"], again["rows_found"]) == (0, 90, 90)
    assert physical(connection) == written


def test_days_in_any_order_and_ranges_leave_equal_tables(site: Site, connection: Connection) -> None:
    days = days_from(date(2025, 3, 1), 20)
    dirty_days(connection, days[0].on, len(days), 400)
    run(site, days)
    at_once = history(connection), quarantine(connection)
    connection.execute("DELETE FROM rag_metrics_history")
    connection.execute("DELETE FROM espalier.quarantine")
    shuffled = random.Random(7).sample(days, len(days))  # noqa: S311 - repeatable order, no secret
    for day in shuffled:
        run(site, [day])
    run(site, days[5:12])
    assert (history(connection), quarantine(connection)) == at_once


def test_late_dialogues_rewrite_their_day_only(site: Site, connection: Connection) -> None:
    days = days_from(date(2025, 3, 1), 10)
    dirty_days(connection, days[0].on, len(days), 100)
    run(site, days)
    before = physical(connection)
    ask(connection, days[4].start.replace(tzinfo=None) + timedelta(hours=3), latency_ms=1)
    assert run(site, days)["rows_written"] == 1
    changed = [old["date"] for old, new in zip(before, physical(connection), strict=True) if old != new]
    assert changed == [days[4].end.replace(tzinfo=None) - timedelta(milliseconds=1)]
    assert without_id(history(connection)) == by_hand(connection, days)


def test_every_corrected_value_rewrites_its_day(site: Site, connection: Connection) -> None:
    days = days_from(date(2025, 3, 1), 1)
    ask(connection, days[0].start.replace(tzinfo=None))
    run(site, days)
    for correction in CORRECTIONS:
        connection.execute(SQL("UPDATE ai_dialogue_log SET {}").format(SQL(correction)))
        assert run(site, days)["rows_written"] == 1
        assert without_id(history(connection)) == by_hand(connection, days)


def test_a_dialogue_asked_while_the_job_runs_counts_once_in_the_next_run(site: Site, connection: Connection) -> None:
    days = days_from(date(2025, 3, 1), 3)
    noon = days[1].start.replace(tzinfo=None) + timedelta(hours=12)
    ask(connection, noon)
    with RAG_METRICS_HISTORY.session(site.postgres) as session, session.transaction(repeatable_read=True) as tx:
        ask(connection, noon)
        found, _ = refresh(tx, days, TOKYO, site.settings.rag)
    assert found["queries"] == found["dialogues_logged"] == 1
    assert run(site, days)["queries"] == 2
    assert [row["total_queries"] for row in history(connection)] == [0, 2, 0]


def test_a_dialogue_committed_after_the_run_counts_in_the_next(site: Site, connection: Connection) -> None:
    days = days_from(date(2025, 3, 1), 1)
    with site.connect("rag") as application, application.transaction():
        ask(application, days[0].start.replace(tzinfo=None))
        assert run(site, days)["queries"] == 0
    assert run(site, days)["queries"] == 1


def test_a_day_without_dialogues_has_a_row_that_neither_meets_nor_misses(site: Site, connection: Connection) -> None:
    run(site, days_from(date(2025, 3, 1), 1))
    (row,) = history(connection)
    assert row["total_queries"] == row["citation_count"] == row["unique_users"] == 0
    assert row["citation_rate"] is row["latency_p95_ms"] is row["cost_per_answer"] is None
    judged = {name: value for name, value in row["slo_compliance"].items() if name.endswith("Met")}
    assert set(judged.values()) == {None}
    assert row["slo_compliance"]["noData"] is True


def test_an_answer_that_costs_nothing_meets_the_objective(site: Site, connection: Connection) -> None:
    days = days_from(date(2025, 3, 1), 1)
    ask(connection, days[0].start.replace(tzinfo=None), token_cost_jpy=Decimal(0))
    run(site, days)
    (row,) = history(connection)
    assert row["cost_per_answer"] == 0
    assert row["slo_compliance"]["costMet"] is True


def test_objectives_are_judged_before_rounding(site: Site, connection: Connection) -> None:
    days = days_from(date(2025, 3, 1), 1)
    for cost in (Decimal("3.00"), Decimal("3.00"), Decimal("3.01")):
        ask(connection, days[0].start.replace(tzinfo=None), token_cost_jpy=cost)
    run(site, days)
    (row,) = history(connection)
    assert row["cost_per_answer"] == Decimal("3.00")
    assert row["slo_compliance"]["costMet"] is False


def test_values_that_cannot_be_true_are_quarantined_without_text_or_user(site: Site, connection: Connection) -> None:
    days = days_from(date(2025, 3, 1), 1)
    at = days[0].start.replace(tzinfo=None)
    connection.execute("ALTER TABLE ai_dialogue_log DROP CONSTRAINT ai_dialogue_log_user_feedback_check")
    ask(connection, at, latency_ms=-5, relevance_score=Decimal("1.5"))
    ask(connection, at, token_cost_jpy=Decimal("NaN"), total_tokens=-1)
    ask(connection, at, token_cost_jpy=Decimal(-2), user_feedback=5)
    ask(connection, at, latency_ms=7, relevance_score=Decimal("0.5"), citations={"source": "no array"})
    assert run(site, days)["dialogues_with_refused_values"] == 3
    found = quarantine(connection)
    assert {(row["reason"], row["payload"]["value"]) for row in found} == {
        ("latency_ms is negative", -5),
        ("relevance_score is outside 0..1", 1.5),
        ("token_cost_jpy is not a number", "NaN"),
        ("total_tokens is negative", -1),
        ("token_cost_jpy is negative", -2),
        ("user_feedback is not -1, 0 or 1", 5),
    }
    assert all(row["payload"].keys() == {"value", "created_at"} for row in found)
    (row,) = history(connection)
    assert (row["total_queries"], row["latency_p50_ms"], row["average_relevance_score"]) == (4, 7, Decimal("0.50"))


def test_figures_too_large_for_their_columns_are_left_null_and_quarantined(site: Site, connection: Connection) -> None:
    days = days_from(date(2025, 3, 1), 2)
    for _ in range(101):
        ask(connection, days[0].start.replace(tzinfo=None), token_cost_jpy=Decimal("999999.99"))
    ask(connection, days[1].start.replace(tzinfo=None), token_cost_jpy=Decimal("9999.99"))
    assert run(site, days)["figures_too_large"] == 2
    assert [(row["cost_per_answer"], row["total_cost"]) for row in history(connection)] == [
        (None, None),
        (Decimal("9999.99"), Decimal("9999.99")),
    ]
    assert {(row["source_key"], row["reason"]) for row in quarantine(connection)} == {
        ("2025-03-01", "cost_per_answer does not fit numeric(6,2)"),
        ("2025-03-01", "total_cost does not fit numeric(10,2)"),
    }


def test_a_dry_run_reports_and_writes_nothing(site: Site, connection: Connection) -> None:
    days = days_from(date(2025, 3, 1), 2)
    ask(connection, days[0].start.replace(tzinfo=None), latency_ms=-1)
    found = run(site, days, dry_run=True)
    assert (found["rows_written"], found["dialogues_with_refused_values"]) == (2, 1)
    assert history(connection) == quarantine(connection) == []
    assert connection.execute("SELECT FROM espalier.partition_zones").rowcount == 0


def test_a_row_of_the_application_for_the_same_day_is_taken_over(site: Site, connection: Connection) -> None:
    days = days_from(date(2025, 3, 1), 1)
    factories.insert(
        connection,
        "rag_metrics_history",
        {"date": datetime(2025, 3, 1, 3), "total_queries": 99, "slo_compliance": {"citationRate": {"met": True}}},
    )
    assert run(site, days)["rows_written"] == 1
    (row,) = history(connection)
    assert (row["date"], row["total_queries"]) == (datetime(2025, 3, 1, 14, 59, 59, 999000), 0)


def test_a_row_of_the_application_for_another_hour_of_a_day_does_not_count(site: Site, connection: Connection) -> None:
    first, second = days_from(date(2025, 3, 1), 2)
    factories.insert(connection, "rag_metrics_history", {"date": datetime(2025, 3, 1, 20), "total_queries": 99})
    found = run(site, [second])
    assert (found["rows_found"], found["queries"]) == (1, 0)
    run(site, [first])
    assert [row["total_queries"] for row in history(connection)] == [0, 0]


def test_the_zone_of_the_days_cannot_change_once_there_are_rows(site: Site) -> None:
    run(site, days_from(date(2025, 3, 1), 1))
    with pytest.raises(dg.Failure, match="days of Asia/Tokyo, the settings say Europe/Berlin"):
        run(site, days_from(date(2025, 3, 1), 1, "Europe/Berlin"), "Europe/Berlin")


def test_of_two_runs_at_once_one_ends_without_writing(site: Site, connection: Connection) -> None:
    days = days_from(date(2025, 3, 1), 1)
    with RAG_METRICS_HISTORY.session(site.postgres) as first, first.transaction(repeatable_read=True) as tx:
        refresh(tx, days, TOKYO, site.settings.rag)
        with pytest.raises(dg.Failure, match="another run is writing it"):
            run(site, days)
    assert len(history(connection)) == 1


def test_the_budget_of_refused_values_is_a_warning(connection: Connection, materialize: Materialize) -> None:
    ask(connection, datetime(2025, 3, 1), latency_ms=-1)
    result = materialize(KEY, partition="2025-03-01")
    verdicts = {e.check_name: (e.passed, e.severity) for e in result.get_asset_check_evaluations()}
    assert verdicts["refused_values_are_few"] == (False, dg.AssetCheckSeverity.WARN)
    assert verdicts["every_dialogue_counts"][0]
    assert verdicts["figures_are_in_range"][0]


def test_the_run_shows_aggregates_and_no_row_of_a_person(connection: Connection, materialize: Materialize) -> None:
    ask(connection, datetime(2025, 3, 1), query="my secret question")
    found = figures(materialize(KEY, partition="2025-03-01"), KEY)
    assert "2025-03-01" in found["newest_days"]
    assert "secret" not in str(found)
    assert str(learner(0)) not in str(found)


def test_yesterday_is_missed_until_it_has_its_row(site: Site, materialize: Materialize) -> None:
    def there(result: dg.ExecuteInProcessResult) -> bool:
        return next(e.passed for e in result.get_asset_check_evaluations() if e.check_name == "yesterday_is_there")

    assert not there(materialize(KEY, partition="2025-03-01"))
    run(site, days_from(date.today() - timedelta(days=3), 5))
    assert there(materialize(KEY, partition="2025-03-01"))


def test_a_days_dialogues_are_found_by_the_index_on_their_time(site: Site, connection: Connection) -> None:
    connection.execute(
        "INSERT INTO ai_dialogue_log (user_id, session_id, query, response, model_used, created_at)"
        " SELECT %s, gen_random_uuid(), repeat('q', 200), 'r', 'm', timestamp '2025-01-01' + n * interval '1 minute'"
        " FROM generate_series(0, 50000) AS n",
        [learner(0)],
    )
    connection.execute("ANALYZE ai_dialogue_log")
    with RAG_METRICS_HISTORY.session(site.postgres) as session, session.transaction() as tx:
        explain = SQL("EXPLAIN (FORMAT JSON) ") + QUERIES["roll_up"].text
        given = parameters(days_from(date(2025, 1, 5), 20), site.settings.rag)
        plan = json.dumps(tx.connection.execute(explain, given).fetchall())
    assert "idx_ai_dialogue_created_at" in plan
    assert '"Seq Scan"' not in plan
