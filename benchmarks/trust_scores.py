"""The initialization of trust scores: one INSERT … SELECT and its re-run, against the loop and polars."""

from datetime import UTC, datetime

from psycopg.sql import SQL

from assets.community.trust_scores import QUERIES, TRUST_SCORES
from benchmarks.comparison import A_FEW, NO_FIGURES, SAMPLE, Job, Side, Target, keep, require_equal, sample
from benchmarks.meter import Figures
from benchmarks.originals import trust_scores as original
from benchmarks.rivals import trust_scores as rival
from benchmarks.workbench import Workbench
from orchestration.resources import Transaction

FIRST, AGAIN = "first run", "re-run"
ORIGINAL, WAITING = "user by user, commits do not wait", "user by user, as shipped"
BOUND, POLARS = "INSERT of constants", "anti-join in polars"
AS_OF = datetime(2026, 6, 29, tzinfo=UTC)

_SOME_USERS = SQL("SELECT * FROM users WHERE hashtextextended(id, 0) & 65535 < {}")
_EMPTY = SQL("TRUNCATE trust_scores")
_SCORES = SQL('SELECT "userId" AS id, score, "nliTrackRecord" AS nli FROM trust_scores')
_EXPECTED = SQL("SELECT id, score, nli FROM bench.expected WHERE hashtextextended(id, 0) & 65535 < {}")
_INSERT = SQL('INSERT INTO trust_scores (id, "userId", score) SELECT id, id, 0.5 FROM users')


def _prepare(bench: Workbench) -> None:
    sample(bench, _SOME_USERS.format(bench.sizes.hash_limit))


def _initialize(bench: Workbench) -> Figures:
    def work(tx: Transaction) -> int:
        tx.lock(TRUST_SCORES.lock_name)
        return tx.execute(QUERIES["initialize"], {"as_of": AS_OF, "user_ids": None}).rowcount

    return {"rows_written": bench.session.run(work, repeatable_read=True)}


def _empty(bench: Workbench) -> None:
    bench.execute(_EMPTY)


def _vacuum(bench: Workbench) -> None:
    bench.vacuum("trust_scores")


def _original(bench: Workbench) -> Figures:
    with bench.not_waiting():
        users = original.initialize_trust_scores(bench.owner, SAMPLE)
    return {"scale": bench.sizes.users / users, "sample": users}


def _original_waiting(bench: Workbench) -> Figures:
    users = original.initialize_trust_scores(bench.owner, A_FEW)
    return {"scale": bench.sizes.users / users, "sample": users}


def _constants(bench: Workbench) -> Figures:
    bench.execute(_INSERT)
    return NO_FIGURES


def _polars(bench: Workbench) -> Figures:
    rival.initialize(bench.owner)
    return NO_FIGURES


def _keep(bench: Workbench) -> None:
    keep(bench, _SCORES)


def _check_same(bench: Workbench) -> None:
    require_equal(bench, AGAIN, _SCORES)


def _check_original(bench: Workbench) -> None:
    require_equal(bench, ORIGINAL, _SCORES, _EXPECTED.format(bench.sizes.hash_limit))


def _check_polars(bench: Workbench) -> None:
    require_equal(bench, POLARS, _SCORES)


JOB = Job(
    title="community/trust_scores",
    domain="community",
    explained="the asset's statement `initialize`, under its lock.",
    sides=(
        Side(FIRST, "platform", _initialize, before=_empty, check=_keep, watched=True),
        Side(AGAIN, "platform", _initialize, before=_vacuum, check=_check_same),
        Side(BOUND, "lower bound", _constants, before=_empty),
        Side(POLARS, "polars + COPY", _polars, before=_empty, check=_check_polars),
        Side(ORIGINAL, "original", _original, before=_empty, check=_check_original),
        Side(WAITING, "original", _original_waiting, before=_empty),
    ),
    prepare=_prepare,
    targets=(
        Target("against the original, commits not waiting", True, 50, lambda o: o.ratio(ORIGINAL, FIRST)),
        Target("against the original as shipped", True, 50, lambda o: o.ratio(WAITING, FIRST)),
        Target("re-run against the first run", False, 0.2, lambda o: o.ratio(AGAIN, FIRST)),
    ),
)
