"""The daily figures of the dialogues over the whole range, against six queries a day, their bound, and polars."""

from psycopg.sql import SQL

from assets.rag.rag_metrics_history import refresh
from benchmarks.comparison import NO_FIGURES, Job, Side, Target, keep, require_equal
from benchmarks.meter import Figures
from benchmarks.originals import rag_metrics_history as original
from benchmarks.rivals import rag_metrics_history as rival
from benchmarks.sizes import ZONE
from benchmarks.workbench import Workbench

RANGE, AGAIN = "whole range", "re-run, nothing new"
ORIGINAL, WITHOUT_INDEX = "six queries a day", "the same, no index that holds created_at"
BOUND, POLARS = "unnest, distinct sources by day", "figures in polars"

_EMPTY = SQL("TRUNCATE rag_metrics_history")
_FIGURES = SQL(
    """
    SELECT (date AT TIME ZONE 'UTC' AT TIME ZONE 'Asia/Tokyo')::date AS day, citation_rate, citation_count,
           unique_sources_count, latency_p50_ms, latency_p95_ms, latency_p99_ms, cost_per_answer, total_cost,
           total_queries, unique_users, average_tokens_per_query, average_relevance_score, positive_votes_rate
    FROM rag_metrics_history
    """
)
_FIRST_DAYS = SQL("SELECT * FROM bench.expected ORDER BY day LIMIT {}")
# PostgreSQL 18 would filter the composite index, which a site of before seed 004's second step does not have either.
_DROP_INDEXES = SQL("DROP INDEX idx_ai_dialogue_created_at, idx_ai_dialogue_user_created")
_CREATE_INDEXES = (
    SQL("CREATE INDEX idx_ai_dialogue_created_at ON ai_dialogue_log (created_at)"),
    SQL("CREATE INDEX idx_ai_dialogue_user_created ON ai_dialogue_log (user_id, created_at DESC)"),
)
# With the memory that the platform gives itself.
_GIVE_MEMORY = SQL("SET work_mem TO '16MB'")
_TAKE_MEMORY = SQL("RESET work_mem")
_SOURCES = SQL(
    """
    SELECT count(*) AS pairs
    FROM (
        SELECT DISTINCT (created_at AT TIME ZONE 'UTC' AT TIME ZONE 'Asia/Tokyo')::date AS day,
                        jsonb_array_elements(citations) ->> 'source' AS source
        FROM ai_dialogue_log
    ) AS sources
    """
)


def _refresh(bench: Workbench) -> Figures:
    figures, _ = bench.session.run(
        lambda tx: refresh(tx, bench.sizes.dialogue_days, ZONE, bench.settings.rag), repeatable_read=True
    )
    return {"rows_written": figures["rows_written"]}


def _empty(bench: Workbench) -> None:
    bench.execute(_EMPTY)


def _vacuum(bench: Workbench) -> None:
    bench.vacuum("rag_metrics_history")


def _original(bench: Workbench) -> Figures:
    with bench.not_waiting():
        original.roll_up(bench.owner, bench.sizes.dialogue_days)
    return NO_FIGURES


def _original_without_index(bench: Workbench) -> Figures:
    days = bench.sizes.dialogue_days[: bench.sizes.scan_days]
    with bench.not_waiting():
        original.roll_up(bench.owner, days)
    return {"scale": bench.sizes.days / len(days), "sample": len(days)}


def _drop_indexes(bench: Workbench) -> None:
    _empty(bench)
    bench.execute(_DROP_INDEXES)


def _create_indexes(bench: Workbench) -> None:
    for statement in _CREATE_INDEXES:
        bench.execute(statement)


def _give_memory(bench: Workbench) -> None:
    bench.execute(_GIVE_MEMORY)


def _take_memory(bench: Workbench) -> None:
    bench.execute(_TAKE_MEMORY)


def _sources(bench: Workbench) -> Figures:
    return bench.figures(_SOURCES)


def _polars(bench: Workbench) -> Figures:
    rival.roll_up(bench.owner, bench.sizes.dialogue_days, ZONE)
    return NO_FIGURES


def _keep(bench: Workbench) -> None:
    keep(bench, _FIGURES)


def _check_same(bench: Workbench) -> None:
    require_equal(bench, AGAIN, _FIGURES)


def _check_original(bench: Workbench) -> None:
    require_equal(bench, ORIGINAL, _FIGURES)


def _check_first_days(bench: Workbench) -> None:
    require_equal(bench, WITHOUT_INDEX, _FIGURES, _FIRST_DAYS.format(bench.sizes.scan_days))


def _check_polars(bench: Workbench) -> None:
    require_equal(bench, POLARS, _FIGURES)


JOB = Job(
    title="rag/rag_metrics_history",
    domain="rag",
    explained="`refresh(tx, days, …)` of the asset: all days in one statement, and the two that its checks need.",
    sides=(
        Side(RANGE, "platform", _refresh, before=_empty, check=_keep, watched=True),
        Side(AGAIN, "platform", _refresh, before=_vacuum, check=_check_same),
        Side(BOUND, "lower bound", _sources, before=_give_memory, after=_take_memory),
        Side(POLARS, "polars + COPY", _polars, before=_empty, check=_check_polars),
        Side(ORIGINAL, "original", _original, before=_empty, check=_check_original),
        Side(
            WITHOUT_INDEX,
            "original",
            _original_without_index,
            before=_drop_indexes,
            check=_check_first_days,
            after=_create_indexes,
        ),
    ),
    targets=(
        Target("against the original with its index", True, 2.5, lambda o: o.ratio(ORIGINAL, RANGE)),
        Target("against the original without such an index", True, 30, lambda o: o.ratio(WITHOUT_INDEX, RANGE)),
        Target("against the bound", False, 1.7, lambda o: o.ratio(RANGE, BOUND)),
        Target("memory", False, 128, lambda o: o.memory[RANGE] / 1e6, "MB"),
    ),
)
