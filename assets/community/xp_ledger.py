"""The XP ledger's backfill: what points_ledger held before the sync trigger, and opening balances (seed 000, phase 3).

Rows written since are the trigger's (a migration); totals are in `assets/community/user_totals.py`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import dagster as dg
from pydantic import Field

import sql
from assets.run_config import RunConfig
from assets.table_asset import TableAsset, preview, verdict
from orchestration.failpoints import failpoint
from orchestration.partitions import as_of
from orchestration.resources import Postgres, Session, Transaction

QUERIES = sql.load("community", "xp_ledger")
XP_LEDGER = TableAsset(
    domain="community",
    table="xp_ledger",
    needs="community_0017",
    queries=QUERIES,
    reads=("points_ledger", "user_stats", "users"),
)
LEDGER_EQUALS_SOURCE = XP_LEDGER.check(
    "ledger_equals_source",
    "Every row of points_ledger is in xp_ledger with equal values, and no copy is without its source.",
    blocking=True,
)
Figures = dict[str, Any]
# What is left to do where xp_ledger is the writing side; by the phase of the hand-over.
HANDED_OVER = {
    "switched": ("compare_with_mirror", "xp_ledger is the writing side: points_ledger follows it"),
    "retired": ("count_entries", "points_ledger is retired: nothing is left to backfill"),
}


class XpLedgerConfig(RunConfig):
    """How the backfill walks."""

    batch_size: int = Field(default=5_000, ge=1, le=100_000, description="Rows copied in one transaction.")
    max_batches: int | None = Field(
        default=None, ge=1, le=1_000_000, description="Pause after so many batches; run again to go on."
    )
    full_refresh: bool = Field(default=False, description="Walk again from the first row and repair what differs.")
    dry_run: bool = Field(default=False, description="Write nothing; count what is missing.")


@dataclass(frozen=True)
class Batch:
    """What one transaction of the walk did."""

    seen: int
    written: int


@XP_LEDGER.asset(pool="community_ledger", checks=(LEDGER_EQUALS_SOURCE,))
def xp_ledger(
    context: dg.AssetExecutionContext, config: XpLedgerConfig, postgres: dg.ResourceParam[Postgres]
) -> dg.MaterializeResult[Any]:
    """Copy what points_ledger held before the sync trigger into xp_ledger, then open the balances.

    Batches by key, each with its checkpoint in one transaction: a run that was paused (`max_batches`) or killed goes
    on after the last batch that was committed. Multipliers are 1.0, base and final XP are the points. When the walk is
    complete for the first time, each user gets one OPENING_BALANCE of what `user_stats.totalPoints` holds beyond the
    ledger. Afterwards a run verifies and writes nothing; `full_refresh` walks again and repairs. Where xp_ledger has
    become the writing side there is nothing to backfill: a run compares, and where the old table is retired, counts.
    """
    phase = _phase(postgres)
    if phase in HANDED_OVER:
        return _handed_over(context, postgres, phase)
    with XP_LEDGER.session(postgres) as session:
        if config.dry_run:
            return _result(session.run(_compare, repeatable_read=True), severity=dg.AssetCheckSeverity.WARN)
        now = as_of(context)
        batches, finished = _walk(context, session, config, now)
        copied: Figures = {"batches": len(batches), "rows_copied": sum(b.written for b in batches)}
        if not finished:
            context.log.info(f"paused after {len(batches)} batches; run again to go on")
            return _result(copied | session.run(_compare, repeatable_read=True), severity=dg.AssetCheckSeverity.WARN)
        figures = session.run(lambda tx: _complete(tx, batches, now), repeatable_read=True)
        return _result(copied | figures)


def _phase(postgres: Postgres) -> str | None:
    """Tell how far the hand-over of the writing side is, without the table that it may have retired."""
    with XP_LEDGER.session(postgres, without=["points_ledger"]) as session:
        found = session.run(lambda tx: tx.all(QUERIES["find_checkpoint"]))
    return found[0]["ledger"] if found else None


def _handed_over(context: dg.AssetExecutionContext, postgres: Postgres, phase: str) -> dg.MaterializeResult[Any]:
    query, said = HANDED_OVER[phase]
    context.log.info(said)
    with XP_LEDGER.session(postgres, without=["points_ledger"] if phase == "retired" else []) as session:
        figures = session.run(lambda tx: _compare(tx, query), repeatable_read=True)
    return _result(figures | {"hand_over": said})


def _walk(
    context: dg.AssetExecutionContext, session: Session, config: XpLedgerConfig, now: datetime
) -> tuple[list[Batch], bool]:
    """Copy batch after batch; tell what was done and whether the end was reached."""
    if not session.run(lambda tx: _begin(tx, config, now)):
        return [], True
    batches: list[Batch] = []
    while config.max_batches is None or len(batches) < config.max_batches:
        batch = session.run(lambda tx: _copy_batch(tx, config.batch_size, now))
        failpoint("xp_ledger.batch_committed")
        batches.append(batch)
        if len(batches) % 25 == 0:
            context.log.info(f"{len(batches)} batches, {sum(b.seen for b in batches)} rows read")
        if batch.seen < config.batch_size:
            return batches, True
    return batches, False


def _begin(tx: Transaction, config: XpLedgerConfig, now: datetime) -> bool:
    """Open the checkpoint where there is none or a full refresh asks for it; tell whether there is a walk to do."""
    tx.lock(XP_LEDGER.lock_name)
    found = tx.all(QUERIES["find_checkpoint"])
    if not found or config.full_refresh:
        tx.execute(QUERIES["open_checkpoint"], {"as_of": now})
        return True
    return found[0]["completed_as_of"] is None


def _copy_batch(tx: Transaction, batch_size: int, now: datetime) -> Batch:
    tx.lock(XP_LEDGER.lock_name)
    tx.execute(QUERIES["keep_locks_short"])
    checkpoint = tx.one(QUERIES["find_checkpoint"])
    batch = tx.one(QUERIES["copy_batch"], {"last_key": checkpoint["last_key"], "batch_size": batch_size})
    done = {"last_key": batch["last_key"], "written": batch["written"], "as_of": now}
    tx.execute(QUERIES["move_checkpoint"], done)
    failpoint("xp_ledger.batch_written")
    return Batch(batch["seen"], batch["written"])


def _complete(tx: Transaction, batches: list[Batch], now: datetime) -> Figures:
    """Open the balances if this is the adoption, else repair what a walk cannot; compare: all in one snapshot."""
    tx.lock(XP_LEDGER.lock_name)
    if not batches:
        return _compare(tx)
    tx.execute(QUERIES["keep_locks_short"])
    adopted = tx.one(QUERIES["find_checkpoint"])["adopted_as_of"] is not None
    figures = _repair(tx) if adopted else tx.one(QUERIES["open_balances"], {"as_of": now})
    tx.execute(QUERIES["close_checkpoint"], {"as_of": now})
    return figures | _compare(tx)


def _repair(tx: Transaction) -> Figures:
    corrected = tx.execute(QUERIES["correct_differing"]).rowcount
    return {"rows_corrected": corrected, "rows_deleted": tx.execute(QUERIES["delete_unsourced"]).rowcount}


def _compare(tx: Transaction, query: str = "compare_with_source") -> Figures:
    return tx.one(QUERIES[query]) | {"by_event": preview(tx.all(QUERIES["describe_by_event"]))}


def _result(
    figures: Figures, severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR
) -> dg.MaterializeResult[Any]:
    wrong = {name: int(figures[name]) for name in ("missing", "differing", "unsourced")}
    return dg.MaterializeResult(
        metadata=figures | {"rows_written": rows_written(figures)},
        check_results=[verdict(LEDGER_EQUALS_SOURCE, not any(wrong.values()), severity, **wrong)],
    )


def rows_written(figures: Figures) -> int:
    """Add up what a run changed in the ledger, whatever its parts."""
    parts = ("rows_copied", "rows_corrected", "rows_deleted", "opening_balances")
    return sum(int(figures.get(name, 0)) for name in parts)
