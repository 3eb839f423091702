"""The totals of users: resumable batches against the loop, one UPDATE of a constant, and polars."""

from datetime import UTC, datetime

from psycopg.sql import SQL

from assets.community.user_totals import UserTotalsConfig, refresh
from benchmarks.comparison import A_FEW, NO_FIGURES, SAMPLE, Job, Outcome, Side, Target, keep, require_equal, sample
from benchmarks.meter import Figures
from benchmarks.originals import user_totals as original
from benchmarks.rivals import user_totals as rival
from benchmarks.workbench import Workbench

BATCHES, AGAIN = "batches of 10,000", "re-run, nothing new"
ORIGINAL, WAITING = "user by user, commits do not wait", "user by user, as shipped"
BOUND, POLARS = "UPDATE of a constant", "sums in polars"
AS_OF = datetime(2026, 6, 29, tzinfo=UTC)

_SOME_USERS = SQL("SELECT * FROM users WHERE hashtextextended(id, 0) & 65535 < {}")
_SCORE = SQL('INSERT INTO trust_scores (id, "userId", score) SELECT id, id, 0.5 FROM users ON CONFLICT DO NOTHING')
_SET_WRONG = SQL('UPDATE users SET "totalXP" = -1, "totalReputation" = -1, "trustScoreCache" = 0.4')
_TOTALS = SQL('SELECT id, "totalXP" AS xp, "totalReputation" AS reputation, "trustScoreCache" AS trust FROM users')
# Seed 000's loop does not sum the reputation ledger.
_XP_AND_TRUST = SQL('SELECT id, "totalXP", "trustScoreCache" FROM users')
_EXPECTED = SQL("SELECT id, xp, trust FROM bench.expected")
_IN_SAMPLE = SQL(" WHERE hashtextextended(id, 0) & 65535 < {}")
_EMPTY_COPY = SQL("DROP TABLE IF EXISTS bench.user_totals")


def _prepare(bench: Workbench) -> None:
    bench.execute(_SCORE)
    bench.vacuum("trust_scores")
    sample(bench, _SOME_USERS.format(bench.sizes.hash_limit))


def _refresh(bench: Workbench) -> Figures:
    bench.session.seconds.clear()
    figures = refresh(bench.session, UserTotalsConfig(), AS_OF)
    first, *others = bench.session.seconds
    *batches, last = others or [first]
    return {
        "rows_written": figures["rows_written"],
        "transactions": len(others) + 1,
        "first_pass_s": first,
        "longest_batch_s": max(batches, default=0),
        "last_pass_s": last,
    }


def _set_wrong(bench: Workbench) -> None:
    """Let every user's totals be wrong, so that all ways have to write every user."""
    bench.execute(_SET_WRONG)
    bench.vacuum("users")


def _vacuum(bench: Workbench) -> None:
    bench.vacuum("users")


def _original(bench: Workbench) -> Figures:
    with bench.not_waiting():
        users = original.compute_totals(bench.owner, SAMPLE)
    return {"scale": bench.sizes.users / users, "sample": users}


def _original_waiting(bench: Workbench) -> Figures:
    users = original.compute_totals(bench.owner, A_FEW)
    return {"scale": bench.sizes.users / users, "sample": users}


def _constant(bench: Workbench) -> Figures:
    bench.execute(_SET_WRONG)
    return NO_FIGURES


def _prepare_polars(bench: Workbench) -> None:
    _set_wrong(bench)
    bench.execute(_EMPTY_COPY)
    bench.execute(rival.CREATE)


def _polars(bench: Workbench) -> Figures:
    rival.refresh(bench.owner)
    return NO_FIGURES


def _keep(bench: Workbench) -> None:
    keep(bench, _TOTALS)


def _check_same(bench: Workbench) -> None:
    require_equal(bench, AGAIN, _TOTALS)


def _check_original(bench: Workbench) -> None:
    sample = _IN_SAMPLE.format(bench.sizes.hash_limit)
    require_equal(bench, ORIGINAL, _XP_AND_TRUST + sample, _EXPECTED + sample)


def _check_polars(bench: Workbench) -> None:
    require_equal(bench, POLARS, _TOTALS)


def _longest_transaction(outcome: Outcome) -> float:
    return max(outcome.highest(BATCHES, name) for name in ("first_pass_s", "longest_batch_s", "last_pass_s"))


JOB = Job(
    title="community/user_totals",
    domain="community",
    explained="`refresh(session, …)` of the asset: sums of both ledgers and the trust scores, every user rewritten.",
    sides=(
        Side(BATCHES, "platform", _refresh, before=_set_wrong, check=_keep, watched=True),
        Side(AGAIN, "platform", _refresh, before=_vacuum, check=_check_same),
        Side(BOUND, "lower bound", _constant, before=_set_wrong),
        Side(POLARS, "polars + COPY", _polars, before=_prepare_polars, check=_check_polars),
        Side(ORIGINAL, "original", _original, before=_set_wrong, check=_check_original),
        Side(WAITING, "original", _original_waiting, before=_set_wrong),
    ),
    prepare=_prepare,
    targets=(
        Target("against the original, commits not waiting", True, 45, lambda o: o.ratio(ORIGINAL, BATCHES)),
        Target("against the original as shipped", True, 45, lambda o: o.ratio(WAITING, BATCHES)),
        Target("against the bound", False, 1.25, lambda o: o.ratio(BATCHES, BOUND)),
        Target("longest batch", False, 0.25, lambda o: o.highest(BATCHES, "longest_batch_s"), "s"),
        Target("longest transaction", False, 0.25, _longest_transaction, "s"),
    ),
)
