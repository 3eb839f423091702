"""The application's own leaderboard table, fed from our boards of XP (seed 000).

Ranking is `assets/community/leaderboard_entries.py`'s; here a board of a period is chosen and written.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg

import sql
from assets.community.leaderboard_entries import EPOCH, ONE_DAY, instant, period_starts
from assets.table_asset import TableAsset, preview, verdict
from orchestration.partitions import community_days, days_of_run
from orchestration.resources import Postgres, Transaction
from orchestration.zones import day_start

QUERIES = sql.load("community", "leaderboard_snapshots")
LEADERBOARD_SNAPSHOTS = TableAsset(
    domain="community",
    table="leaderboard_snapshots",
    needs="community_0009",
    queries=QUERIES,
    reads=("leaderboard_entries",),
)
SNAPSHOTS_EQUAL_BOARDS = LEADERBOARD_SNAPSHOTS.check(
    "snapshots_equal_boards", "Each user of a board has a row with the board's points and rank."
)
Figures = dict[str, Any]


@dataclass(frozen=True, order=True)
class Period:
    """A period of a board: its kind and its first and last day."""

    kind: str
    first_day: date
    last_day: date


@LEADERBOARD_SNAPSHOTS.asset(pool="community_leaderboards", checks=(SNAPSHOTS_EQUAL_BOARDS,), partitions=community_days)
def leaderboard_snapshots(
    context: dg.AssetExecutionContext, postgres: dg.ResourceParam[Postgres]
) -> dg.MaterializeResult[Any]:
    """Write the periods that contain a day of the run into the application's table: who ranks where by XP.

    A closed period shows its last day and an open one the newest day for which boards are stored, never an older one:
    so days backfilled in any order give equal tables. Rows that the application made itself are updated, never deleted.
    """
    with LEADERBOARD_SNAPSHOTS.session(postgres) as session:
        session.run(lambda tx: tx.fix_zone(LEADERBOARD_SNAPSHOTS.lock_name, community_days.timezone))
        periods = periods_of(day.on for day in days_of_run(context))
        figures = [
            session.run(
                lambda tx, period=period: write_period(tx, period, community_days.timezone), repeatable_read=True
            )
            for period in periods
        ]
    return _result(figures)


def write_period(tx: Transaction, period: Period, zone: str) -> Figures:
    """Make the application's rows of a period equal to the newest board of it; give what was written and compared.

    Where no board of the period is stored, nobody is to be shown, and our rows of it are deleted.
    """
    tx.lock(f"{LEADERBOARD_SNAPSHOTS.lock_name}/{period.kind}/{period.first_day.isoformat()}")
    days = {"first_day": period.first_day, "last_day": period.last_day}
    newest = tx.one(QUERIES["find_newest_day"], days)["as_of"] or period.first_day
    parameters = snapshot_parameters(period, newest, zone)
    written = tx.one(QUERIES["write_board"], parameters)
    return {"period": period.kind} | written | tx.one(QUERIES["compare_with_board"], parameters)


def periods_of(days: Iterable[date]) -> list[Period]:
    """List the periods that contain any of the days, each once."""
    return sorted({_period(kind, first) for day in days for kind, first in period_starts(day).items()})


def _period(kind: str, first: date) -> Period:
    after = {
        "DAILY": first + ONE_DAY,
        "WEEKLY": first + 7 * ONE_DAY,
        "MONTHLY": (first + 31 * ONE_DAY).replace(day=1),
        "ALL_TIME": date.max,
    }
    return Period(kind, first, after[kind] - ONE_DAY)


def snapshot_parameters(period: Period, newest: date, zone: str) -> dict[str, Any]:
    """Give the parameters of a period's rows: its UTC instants, and the end of the day that it shows.

    All time begins in 1970 and ends with that day.
    """
    shown_until = instant(newest + ONE_DAY, zone)
    ever = period.kind == "ALL_TIME"
    return {
        "period": period.kind,
        "as_of": newest,
        "start_key": period.first_day.isoformat(),
        "starts_at": instant(EPOCH, "UTC") if ever else instant(period.first_day, zone),
        "ends_at": shown_until if ever else instant(period.last_day + ONE_DAY, zone),
        "created_at": shown_until,
        "recorded_at": day_start(newest + ONE_DAY, zone),
    }


def _result(figures: list[Figures]) -> dg.MaterializeResult[Any]:
    totals = {
        name: sum(int(one[name]) for one in figures)
        for name in ("rows", "written", "deleted", "quarantined", "differing", "foreign_rows")
    }
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": totals["rows"],
            "rows_written": totals["written"] + totals["deleted"],
            "periods": len(figures),
            "quarantined": totals["quarantined"],
            "rows_of_the_application_only": totals["foreign_rows"],
            "by_period": preview(figures[-4:]),
        },
        check_results=[verdict(SNAPSHOTS_EQUAL_BOARDS, totals["differing"] == 0, differing=totals["differing"])],
    )
