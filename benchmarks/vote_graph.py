"""The vote graph: first build, re-run, refresh after 1 % new votes and under readers, against its rivals and bounds."""

from psycopg.sql import SQL

from assets.community.vote_graph import refresh
from benchmarks import data
from benchmarks.comparison import A_FEW, NO_FIGURES, SAMPLE, Job, Outcome, Side, Target, keep, require_equal, sample
from benchmarks.meter import Figures
from benchmarks.originals import vote_graph as original
from benchmarks.readers import Readers
from benchmarks.rivals import vote_graph as rival
from benchmarks.workbench import Workbench

FIRST, AGAIN, NEWER, READ = "first build", "re-run, nothing new", "re-run, 1 % new votes", "the same, under readers"
ORIGINAL, WAITING = "upsert by upsert, commits do not wait", "upsert by upsert, as shipped"
BOUND, POLARS = "GROUP BY voter, target", "group_by in polars"

_EMPTY = SQL("TRUNCATE vote_graph")
_EDGES = SQL(
    """
    SELECT "voterId" AS voter, "targetUserId" AS target, "voteCount" AS votes, "upvoteCount" AS up,
           "downvoteCount" AS down, reciprocity, "lastVoteAt" AS last_at
    FROM vote_graph
    """
)
_SAMPLE = SQL(
    """
    SELECT * FROM bench.expected
    WHERE hashtextextended(least(voter, target) || greatest(voter, target), 0) & 65535 < {}
    """
)
# All votes between two users, or none.
_SOME_VOTES = SQL(
    """
    WITH votes AS (
        SELECT v."userId" AS voter, d."authorId" AS target, v.type, v."createdAt" AS at
        FROM doubt_votes AS v
        JOIN doubts AS d ON d.id = v."doubtId"
        UNION ALL
        SELECT v."userId", a."authorId", v.type, v."createdAt"
        FROM answer_votes AS v
        JOIN answers AS a ON a.id = v."answerId"
    )
    SELECT voter, target, (type = 'UP')::int AS up, (type = 'DOWN')::int AS down, at
    FROM votes
    WHERE hashtextextended(least(voter, target) || greatest(voter, target), 0) & 65535 < {}
    """
)
_COUNT_VOTES = SQL("SELECT (SELECT count(*) FROM doubt_votes) + (SELECT count(*) FROM answer_votes) AS votes")
_GROUP = SQL(
    """
    SELECT count(*) AS edges
    FROM (
        SELECT voter, target, count(*)
        FROM (
            SELECT v."userId" AS voter, d."authorId" AS target
            FROM doubt_votes AS v
            JOIN doubts AS d ON d.id = v."doubtId"
            UNION ALL
            SELECT v."userId", a."authorId"
            FROM answer_votes AS v
            JOIN answers AS a ON a.id = v."answerId"
        ) AS votes
        GROUP BY voter, target
    ) AS edges
    """
)


def _refresh(bench: Workbench) -> Figures:
    result = refresh(bench.session)
    metadata = result.metadata or {}
    return {"rows_written": float(str(metadata["rows_written"]))}


def _refresh_under_readers(bench: Workbench) -> Figures:
    with Readers(bench) as readers:
        figures = _refresh(bench)
    return {**figures, **readers.figures()}


def _prepare(bench: Workbench) -> None:
    sample(bench, _SOME_VOTES.format(bench.sizes.hash_limit))


def _empty(bench: Workbench) -> None:
    bench.execute(_EMPTY)


def _vacuum(bench: Workbench) -> None:
    bench.vacuum("vote_graph")


def _cast_votes(bench: Workbench) -> None:
    data.cast_new_votes(bench.owner, bench.sizes)
    bench.vacuum("vote_graph", "answer_votes")


def _forget_votes(bench: Workbench) -> None:
    data.forget_new_votes(bench.owner)
    bench.vacuum("answer_votes")
    refresh(bench.session)


def _original(bench: Workbench) -> Figures:
    with bench.not_waiting():
        votes = original.refresh(bench.owner, SAMPLE)
    return {"scale": bench.figures(_COUNT_VOTES)["votes"] / votes, "sample": votes}


def _original_waiting(bench: Workbench) -> Figures:
    votes = original.refresh(bench.owner, A_FEW)
    return {"scale": bench.figures(_COUNT_VOTES)["votes"] / votes, "sample": votes}


def _group(bench: Workbench) -> Figures:
    return bench.figures(_GROUP)


def _polars(bench: Workbench) -> Figures:
    rival.refresh(bench.owner)
    return NO_FIGURES


def _keep(bench: Workbench) -> None:
    keep(bench, _EDGES)


def _check_same(bench: Workbench) -> None:
    require_equal(bench, AGAIN, _EDGES)


def _check_newer(bench: Workbench) -> None:
    """A refresh must equal a build from nothing."""
    bench.execute(SQL("CREATE TEMP TABLE refreshed AS {}").format(_EDGES))
    _empty(bench)
    refresh(bench.session)
    require_equal(bench, NEWER, SQL("SELECT * FROM refreshed"), _EDGES)
    bench.execute(SQL("DROP TABLE refreshed"))


def _check_original(bench: Workbench) -> None:
    require_equal(bench, ORIGINAL, _EDGES, _SAMPLE.format(bench.sizes.hash_limit))


def _check_polars(bench: Workbench) -> None:
    require_equal(bench, POLARS, _EDGES)


def _longest_read(outcome: Outcome) -> float:
    return outcome.highest(READ, "longest_read_ms")


JOB = Job(
    title="community/vote_graph",
    domain="community",
    explained="`refresh(session)` of the asset: the statement that writes, and the two that its checks need.",
    sides=(
        Side(FIRST, "platform", _refresh, before=_empty, check=_keep, watched=True),
        Side(AGAIN, "platform", _refresh, before=_vacuum, check=_check_same, watched=True),
        Side(NEWER, "platform", _refresh, before=_cast_votes, check=_check_newer, after=_forget_votes, watched=True),
        Side(READ, "platform", _refresh_under_readers, before=_cast_votes, after=_forget_votes),
        Side(BOUND, "lower bound", _group),
        Side(POLARS, "polars + COPY", _polars, before=_empty, check=_check_polars),
        Side(ORIGINAL, "original", _original, before=_empty, check=_check_original),
        Side(WAITING, "original", _original_waiting, before=_empty),
    ),
    prepare=_prepare,
    targets=(
        Target("full refresh, 1 % new, against the original as shipped", True, 100, lambda o: o.ratio(WAITING, NEWER)),
        Target("the same, commits not waiting", True, 100, lambda o: o.ratio(ORIGINAL, NEWER)),
        Target("full refresh, 1 % new, against the bound", False, 3.5, lambda o: o.ratio(NEWER, BOUND)),
        Target("first build against the original as shipped", True, 100, lambda o: o.ratio(WAITING, FIRST)),
        Target("first build against the bound", False, 3.5, lambda o: o.ratio(FIRST, BOUND)),
        Target("memory of the first build", False, 256, lambda o: o.memory[FIRST] / 1e6, "MB"),
        Target("memory of a refresh", False, 256, lambda o: o.memory[NEWER] / 1e6, "MB"),
        Target("rows written by an unchanged re-run", False, 0, lambda o: o.highest(AGAIN, "rows_written"), "rows"),
        Target("wrong reads during a refresh", False, 0, lambda o: o.highest(READ, "wrong_reads"), "reads"),
        Target("longest read during a refresh", False, 150, _longest_read, "ms"),
    ),
)
