"""The leaderboards of a day: both metrics, four periods, against the loop, sums by user, polars and pandas."""

from collections.abc import Mapping
from datetime import date

from psycopg.sql import SQL
from sqlalchemy import create_engine

from assets.community.leaderboard_entries import period_starts, refresh_day
from benchmarks.comparison import A_FEW, NO_FIGURES, SAMPLE, Job, Side, Target, keep, require_equal, sample
from benchmarks.meter import Figures
from benchmarks.originals import leaderboards as original
from benchmarks.rivals import leaderboards as rival
from benchmarks.workbench import Workbench
from orchestration.settings import sqlalchemy_url

DAY, AGAIN = "boards of a day", "re-run, nothing new"
ORIGINAL, WAITING = "user by user, commits do not wait", "user by user, as shipped"
POLARS, PANDAS = "ranks in polars", "ranks in pandas, to_sql"
BOUND, WEEK = "sums by user", "SELECT of the weekly boards alone"
ZONE = "UTC"

_EMPTY = SQL("TRUNCATE leaderboard_entries")
_BOARDS = SQL(
    """
    SELECT metric, period, period_start, user_id, points, rank, dense_rank FROM leaderboard_entries
    """
)
# A sample of the users has ranks of its own.
_SAMPLE = SQL(
    """
    SELECT metric, period, period_start, user_id, points, rank() OVER board, dense_rank() OVER board
    FROM bench.expected
    WHERE hashtextextended(user_id, 0) & 65535 < {}
    WINDOW board AS (PARTITION BY metric, period ORDER BY points DESC)
    """
)
_VISIBLE = SQL(
    """
    SELECT count(*) AS users FROM users
    WHERE NOT "leaderboardOptOut" AND NOT "isShadowBanned" AND NOT "isSuspended"
    """
)
_SOME_USERS = SQL(
    """
    SELECT * FROM users
    WHERE NOT "leaderboardOptOut" AND NOT "isShadowBanned" AND NOT "isSuspended"
      AND hashtextextended(id, 0) & 65535 < {}
    """
)
_SUMS = SQL(
    """
    SELECT (SELECT count(*) FROM (SELECT "userId", sum("finalXP") FROM xp_ledger GROUP BY 1) AS x) AS earners,
           (SELECT count(*) FROM (SELECT "userId", sum(change) FROM reputation_ledger GROUP BY 1) AS r) AS known
    """
)


_WEEKLY = SQL(
    """
    SELECT count(place) AS places
    FROM (
        SELECT rank() OVER (PARTITION BY metric ORDER BY sum(points) DESC) AS place
        FROM (
            SELECT 'xp' AS metric, "userId" AS user_id, "finalXP" AS points
            FROM xp_ledger
            WHERE "createdAt" >= %(since)s
            UNION ALL
            SELECT 'reputation', "userId", change
            FROM reputation_ledger
            WHERE "createdAt" >= %(since)s
        ) AS entries
        JOIN users AS u ON u.id = user_id
        WHERE NOT "leaderboardOptOut" AND NOT "isShadowBanned" AND NOT "isSuspended"
        GROUP BY metric, user_id
    ) AS board
    """
)


def _prepare(bench: Workbench) -> None:
    sample(bench, _SOME_USERS.format(bench.sizes.hash_limit))


def _on(bench: Workbench) -> date:
    return bench.sizes.last_day


def _starts(bench: Workbench) -> Mapping[str, date]:
    return period_starts(_on(bench))


def _refresh(bench: Workbench) -> Figures:
    figures = bench.session.run(lambda tx: refresh_day(tx, _on(bench), ZONE), repeatable_read=True)
    return {"rows_written": figures["rows_written"]}


def _empty(bench: Workbench) -> None:
    bench.execute(_EMPTY)


def _vacuum(bench: Workbench) -> None:
    bench.vacuum("leaderboard_entries")


def _original(bench: Workbench) -> Figures:
    with bench.not_waiting():
        users = original.rank_all(bench.owner, _starts(bench), _on(bench), SAMPLE)
    return {"scale": bench.figures(_VISIBLE)["users"] / users, "sample": users}


def _original_waiting(bench: Workbench) -> Figures:
    users = original.rank_all(bench.owner, _starts(bench), _on(bench), A_FEW)
    return {"scale": bench.figures(_VISIBLE)["users"] / users, "sample": users}


def _sums(bench: Workbench) -> Figures:
    return bench.figures(_SUMS)


def _week(bench: Workbench) -> Figures:
    return bench.figures(_WEEKLY, since=_starts(bench)["WEEKLY"])


def _polars(bench: Workbench) -> Figures:
    rival.rank_in_polars(bench.owner, _starts(bench), _on(bench))
    return NO_FIGURES


def _pandas(bench: Workbench) -> Figures:
    path = {"options": f"-c search_path={bench.settings.schema_of('community')}"}
    engine = create_engine(sqlalchemy_url(bench.settings.url("migrator")), connect_args=path)
    rival.rank_in_pandas(engine, _starts(bench), _on(bench))
    engine.dispose()
    return NO_FIGURES


def _keep(bench: Workbench) -> None:
    keep(bench, _BOARDS)


def _check_same(bench: Workbench) -> None:
    require_equal(bench, AGAIN, _BOARDS)


def _check_original(bench: Workbench) -> None:
    require_equal(bench, ORIGINAL, _BOARDS, _SAMPLE.format(bench.sizes.hash_limit))


def _check_polars(bench: Workbench) -> None:
    require_equal(bench, POLARS, _BOARDS)


def _check_pandas(bench: Workbench) -> None:
    require_equal(bench, PANDAS, _BOARDS)


JOB = Job(
    title="community/leaderboard_entries",
    domain="community",
    explained="`refresh_day(tx, …)` of the asset: XP and reputation, four periods each, with the previous ranks.",
    sides=(
        Side(DAY, "platform", _refresh, before=_empty, check=_keep, watched=True),
        Side(AGAIN, "platform", _refresh, before=_vacuum, check=_check_same),
        Side(BOUND, "lower bound", _sums),
        Side(WEEK, "lower bound", _week),
        Side(POLARS, "polars + COPY", _polars, before=_empty, check=_check_polars),
        Side(PANDAS, "pandas", _pandas, before=_empty, check=_check_pandas),
        Side(ORIGINAL, "original", _original, before=_empty, check=_check_original),
        Side(WAITING, "original", _original_waiting, before=_empty),
    ),
    prepare=_prepare,
    targets=(
        Target("against the original as shipped", True, 100, lambda o: o.ratio(WAITING, DAY)),
        Target("against the original, commits not waiting", True, 100, lambda o: o.ratio(ORIGINAL, DAY)),
        Target("against pandas", True, 8, lambda o: o.ratio(PANDAS, DAY)),
        Target("against the bound", False, 9, lambda o: o.ratio(DAY, BOUND)),
    ),
)
