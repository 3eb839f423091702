"""The leaderboards of each day: XP and reputation by day, week, month and all time (seeds 000 and 002).

What the application reads is fed from here by `assets/community/leaderboard_snapshots.py`.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Literal, get_args

import dagster as dg

import sql
from assets.community.user_totals import refuse_half_ledgers
from assets.table_asset import TableAsset, preview, verdict
from orchestration.partitions import community_days, days_of_run
from orchestration.resources import Postgres, Transaction
from orchestration.zones import day_start

QUERIES = sql.load("community", "leaderboard_entries")
LEADERBOARD_ENTRIES = TableAsset(
    domain="community",
    table="leaderboard_entries",
    needs="community_0017",
    queries=QUERIES,
    reads=("xp_ledger", "reputation_ledger", "users"),
)
BOARDS_ARE_RANKED = LEADERBOARD_ENTRIES.check(
    "boards_are_ranked",
    "Each board has a first place, and as many dense ranks as it has different points.",
    blocking=True,
)
HIDDEN_USERS_ARE_LEFT_OUT = LEADERBOARD_ENTRIES.check(
    "hidden_users_are_left_out", "No board shows a user who opted out or is shadow-banned.", blocking=True
)
Metric = Literal["xp", "reputation"]
METRICS: tuple[Metric, ...] = get_args(Metric)
EPOCH = date(1970, 1, 1)
ONE_DAY = timedelta(days=1)
Figures = dict[str, Any]


@LEADERBOARD_ENTRIES.asset(
    pool="community_leaderboards", checks=(BOARDS_ARE_RANKED, HIDDEN_USERS_ARE_LEFT_OUT), partitions=community_days
)
def leaderboard_entries(
    context: dg.AssetExecutionContext, postgres: dg.ResourceParam[Postgres]
) -> dg.MaterializeResult[Any]:
    """Rank users by XP and by reputation, as of the end of each day: on the day's, week's, month's and all-time boards.

    A board shows the users with at least one entry in its period; those who opted out, are shadow-banned or suspended
    are left out. Equal points share a rank. The previous rank is the one on the board of the day before. Each day is a
    transaction of its own that writes changed rows only; days can be computed in any order.
    """
    with LEADERBOARD_ENTRIES.session(postgres) as session:
        session.run(refuse_half_ledgers)
        session.run(lambda tx: tx.fix_zone(LEADERBOARD_ENTRIES.lock_name, community_days.timezone))
        days = [day.on for day in days_of_run(context)]
        figures = [
            session.run(lambda tx, on=on: refresh_day(tx, on, community_days.timezone), repeatable_read=True)
            for on in days
        ]
        with session.transaction() as tx:
            boards = tx.all(QUERIES["describe_by_board"], {"as_of": days[-1]})
    return _result(figures, boards)


def refresh_day(tx: Transaction, on: date, zone: str) -> Figures:
    """Make the boards of a day equal to the ledgers; give the rows written and what the checks compare."""
    tx.lock(f"{LEADERBOARD_ENTRIES.lock_name}/{on.isoformat()}")
    tx.execute(QUERIES["give_sorts_memory"])
    written = [tx.one(QUERIES["refresh_day"], board_parameters(on, zone, metric)) for metric in METRICS]
    rows_written = sum(int(rows) for metric in written for rows in metric.values())
    return {"rows_written": rows_written} | tx.one(QUERIES["compare_boards"], {"as_of": on})


def period_starts(on: date) -> Mapping[str, date]:
    """Give the first day of each period that a day lies in; weeks begin on Monday, all time in 1970."""
    return {
        "DAILY": on,
        "WEEKLY": on - timedelta(days=on.weekday()),
        "MONTHLY": on.replace(day=1),
        "ALL_TIME": EPOCH,
    }


def instant(day: date, zone: str) -> datetime:
    """Give the start of a day as the ledgers write time: UTC, without a zone."""
    return day_start(day, zone).replace(tzinfo=None)


def board_parameters(on: date, zone: str, metric: Metric) -> dict[str, Any]:
    """Give the parameters of a day's boards: first days of its periods, and instants for it and the day before."""
    now, past = period_starts(on), period_starts(on - ONE_DAY)
    return {
        "metric": metric,
        "as_of": on,
        "recorded_at": day_start(on + ONE_DAY, zone),
        "epoch": EPOCH,
        "week": now["WEEKLY"],
        "month": now["MONTHLY"],
        "from_day": instant(on, zone),
        "from_week": instant(now["WEEKLY"], zone),
        "from_month": instant(now["MONTHLY"], zone),
        "until": instant(on + ONE_DAY, zone),
        "from_past_day": instant(on - ONE_DAY, zone),
        "from_past_week": instant(past["WEEKLY"], zone),
        "from_past_month": instant(past["MONTHLY"], zone),
    }


def _result(figures: list[Figures], boards: list[dict[str, Any]]) -> dg.MaterializeResult[Any]:
    totals = {name: sum(int(day[name]) for day in figures) for name in figures[0]}
    wrong, shown = totals["wrong_boards"], totals["hidden_users_shown"]
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": totals["entries"],
            "rows_written": totals["rows_written"],
            "days": len(figures),
            "boards": totals["boards"],
            "by_board": preview(boards),
        },
        check_results=[
            verdict(BOARDS_ARE_RANKED, wrong == 0, wrong_boards=wrong),
            verdict(HIDDEN_USERS_ARE_LEFT_OUT, shown == 0, hidden_users_shown=shown),
        ],
    )
