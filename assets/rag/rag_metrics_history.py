"""The daily figures of the dialogues with the assistant, and whether they met the objectives (seed 004).

What is computed is in `sql/rag/rag_metrics_history.sql`; here: for which days, under which targets, what is reported.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
from pydantic import Field

import sql
from assets.run_config import RunConfig
from assets.table_asset import TableAsset, preview, verdict
from orchestration.partitions import Day, days_of_run, rag_days
from orchestration.resources import Postgres, Transaction
from orchestration.settings import RagPolicy
from orchestration.zones import zone_info

QUERIES = sql.load("rag", "rag_metrics_history")
RAG_METRICS_HISTORY = TableAsset(
    domain="rag",
    table="rag_metrics_history",
    needs="rag_0002",
    queries=QUERIES,
    reads=("ai_dialogue_log",),
)
EVERY_DIALOGUE_COUNTS = RAG_METRICS_HISTORY.check(
    "every_dialogue_counts",
    "Each day has one row, and their queries add up to the dialogues logged: none lost, none doubled.",
    blocking=True,
)
FIGURES_ARE_IN_RANGE = RAG_METRICS_HISTORY.check(
    "figures_are_in_range", "Rates lie between 0 and 100, percentiles rise, nothing is negative.", blocking=True
)
REFUSED_VALUES_ARE_FEW = RAG_METRICS_HISTORY.check(
    "refused_values_are_few", "Dialogues with a value that cannot be true stay within the quarantine's budget."
)
Figures = dict[str, Any]


class RagMetricsHistoryConfig(RunConfig):
    """How the days of a run are computed; which they are is said by its partitions."""

    dry_run: bool = Field(default=False, description="Write nothing; report what would be written.")


@RAG_METRICS_HISTORY.asset(
    pool="rag_metrics",
    checks=(EVERY_DIALOGUE_COUNTS, FIGURES_ARE_IN_RANGE, REFUSED_VALUES_ARE_FEW),
    partitions=rag_days,
)
def rag_metrics_history(
    context: dg.AssetExecutionContext, config: RagMetricsHistoryConfig, postgres: dg.ResourceParam[Postgres]
) -> dg.MaterializeResult[Any]:
    """Roll each day's dialogues up: citations, latency percentiles, cost, volume, quality, objectives met.

    A day is one of the site's zone (Asia/Tokyo by default) and has one row, also when nobody asked anything. All days
    of a run are one statement and one transaction; only days whose figures changed are written, so late dialogues
    rewrite their own day. Values that cannot be true, such as a negative latency, are left out of their figure and
    go to the quarantine. Objectives are judged before rounding; a day without dialogues neither meets nor misses them.
    """
    days = days_of_run(context)
    with RAG_METRICS_HISTORY.session(postgres) as session:
        figures, newest = session.run(
            lambda tx: refresh(tx, days, rag_days.timezone, postgres.settings.rag, dry_run=config.dry_run),
            repeatable_read=True,
        )
    return _result(figures, newest, postgres.settings.quarantine_budget)


def refresh(
    tx: Transaction, days: Sequence[Day], zone: str, policy: RagPolicy, *, dry_run: bool = False
) -> tuple[Figures, list[Figures]]:
    """Make the rows of some days equal to their dialogues; give what was done and the newest of the days.

    With `dry_run` all of it is done and taken back, so that the figures are the true ones.
    """
    tx.lock(RAG_METRICS_HISTORY.lock_name)
    with tx.connection.transaction(force_rollback=dry_run):
        tx.fix_zone(RAG_METRICS_HISTORY.lock_name, zone)
        tx.execute(QUERIES["bound_memory"])
        figures: Figures = {"days": len(days)} | tx.one(QUERIES["roll_up"], parameters(days, policy))
        if figures["dialogues_with_refused_values"]:
            tx.execute(QUERIES["quarantine_refused_values"], parameters(days, policy))
        found = tx.one(QUERIES["compare_with_dialogues"], rows_of(days))
        return figures | found, tx.all(QUERIES["describe_days"], rows_of(days) | {"zone": zone})


def parameters(days: Sequence[Day], policy: RagPolicy) -> dict[str, Any]:
    """Give the parameters of the roll-up: the days with their instants, and the targets."""
    return {
        "days": [day.on for day in days],
        "starts": [_naive(day.start) for day in days],
        "ends": [_naive(day.end) for day in days],
        **policy.slo.model_dump(),
    }


def rows_of(days: Sequence[Day]) -> dict[str, Any]:
    """Give the parameters that name the rows of some days, and the time that these span."""
    dates = [_naive(day.end) - timedelta(milliseconds=1) for day in days]
    return {"dates": dates, "from": _naive(days[0].start), "until": _naive(days[-1].end)}


def _naive(instant: datetime) -> datetime:
    """Give an instant as the application writes it: UTC, without a zone."""
    return instant.astimezone(UTC).replace(tzinfo=None)


def _result(figures: Figures, newest: list[Figures], budget: float) -> dg.MaterializeResult[Any]:
    counted = {name: figures[name] for name in ("days", "rows_found", "queries", "dialogues_logged")}
    refused, wrong = figures["dialogues_with_refused_values"], figures["rows_out_of_range"]
    whole = figures["days"] == figures["rows_found"] and figures["queries"] == figures["dialogues_logged"]
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": figures["rows_found"],
            **figures,
            "newest_days": preview(newest),
        },
        check_results=[
            verdict(EVERY_DIALOGUE_COUNTS, whole, **counted),
            verdict(FIGURES_ARE_IN_RANGE, wrong == 0, rows_out_of_range=wrong),
            verdict(
                REFUSED_VALUES_ARE_FEW,
                refused <= budget * figures["dialogues"],
                dg.AssetCheckSeverity.WARN,
                dialogues_with_refused_values=refused,
                budget=budget,
            ),
        ],
    )


@dg.asset_check(
    asset=RAG_METRICS_HISTORY.key,
    name="yesterday_is_there",
    description="The newest day that has ended has its row: freshness knows assets, not days.",
)
def yesterday_is_there(postgres: dg.ResourceParam[Postgres]) -> dg.AssetCheckResult:
    """Look for the row of yesterday in the zone of the days, by the clock."""
    yesterday = (datetime.now(zone_info(rag_days.timezone)) - timedelta(days=1)).date()
    with RAG_METRICS_HISTORY.session(postgres) as session, session.transaction() as tx:
        day = rows_of([Day.of(yesterday, rag_days.timezone)])
        found = tx.one(QUERIES["compare_with_dialogues"], day)["rows_found"]
    return dg.AssetCheckResult(
        passed=found == 1, severity=dg.AssetCheckSeverity.WARN, metadata={"day": yesterday.isoformat()}
    )
