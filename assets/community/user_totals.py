"""The totals that users carry: XP, reputation, trust (seed 000, phase 5), and what must be complete before they are.

The entries are the ledgers'; the scores are `assets/community/trust_scores.py`'s.
"""

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

QUERIES = sql.load("community", "user_totals")
USER_TOTALS = TableAsset(
    domain="community",
    table="user_totals",
    needs="community_0017",
    queries=QUERIES,
    reads=("xp_ledger", "reputation_ledger", "trust_scores", "user_stats"),
    writes="users",
)
LEDGER_SUM_EQUALS_TOTAL = USER_TOTALS.check(
    "ledger_sum_equals_total",
    "Every user's totals are the sums of the ledgers as they were when the last pass began.",
    blocking=True,
)
TOTALS_ARE_AS_BEFORE = USER_TOTALS.check(
    "totals_are_as_before", "Totals are what the application keeps itself: user_stats.totalPoints, users.reputation."
)
PASSES = 3
Figures = dict[str, Any]


class UserTotalsConfig(RunConfig):
    """Whose totals are written, and how."""

    user_ids: list[str] | None = Field(default=None, min_length=1, max_length=10_000, description="Only these users.")
    batch_size: int = Field(default=10_000, ge=1, le=100_000, description="Users written in one transaction.")
    dry_run: bool = Field(default=False, description="Write nothing; count whose totals would change.")


@USER_TOTALS.asset(pool="community_users", checks=(LEDGER_SUM_EQUALS_TOTAL, TOTALS_ARE_AS_BEFORE))
def user_totals(
    context: dg.AssetExecutionContext, config: UserTotalsConfig, postgres: dg.ResourceParam[Postgres]
) -> dg.MaterializeResult[Any]:
    """Set totalXP, totalReputation and trustScoreCache of users whose ledger sums or trust score have changed.

    A pass computes all sums in one snapshot and keeps the users that differ; they are written in batches, each a short
    transaction, so that a killed run leaves nothing half done and the next one goes on. While more than a batch
    differs, another pass follows; the last one is computed and written in one transaction.
    """
    now = as_of(context)
    with USER_TOTALS.session(postgres) as session:
        session.run(refuse_half_ledgers)
        if config.dry_run:
            return _result(config, _count_only(session, config, now))
        figures = refresh(session, config, now)
        with session.transaction() as tx:
            return _result(config, figures | _describe(tx, now))


def refuse_half_ledgers(tx: Transaction) -> None:
    """Refuse to sum a ledger whose backfill is not complete.

    Raises:
        dagster.Failure: names the assets to materialize first.
    """
    half = [row["job"] for row in tx.all(QUERIES["find_half_ledgers"])]
    if half:
        raise dg.Failure(
            description=f"{', '.join(half)}: the backfill is not complete; materialize it until it is, then run again",
            allow_retries=False,
        )


def refresh(session: Session, config: UserTotalsConfig, now: datetime) -> Figures:
    """Write what differs, pass after pass, until nothing is left."""
    written, unsettled = 0, 0
    for number in range(1, PASSES + 1):
        at_once = number == PASSES
        done = session.run(lambda tx, at_once=at_once: _pass(tx, config, now, at_once=at_once))
        written, unsettled = written + done["written"], done["unsettled"]
        if not unsettled:
            break
        written += _write_batches(session, config)
    return {"rows_written": written, "unsettled": unsettled}


def _pass(tx: Transaction, config: UserTotalsConfig, now: datetime, *, at_once: bool) -> Figures:
    """Compute what differs, and write it here and now when it is no more than a batch."""
    changed = _collect(tx, config, now)
    if changed > config.batch_size and not at_once:
        return {"written": 0, "unsettled": changed}
    batch = tx.one(QUERIES["apply_batch"], {"batch_size": changed})
    return {"written": batch["written"], "unsettled": changed - batch["written"] + batch["differing"]}


def _collect(tx: Transaction, config: UserTotalsConfig, now: datetime) -> int:
    tx.lock(USER_TOTALS.lock_name)
    tx.execute(QUERIES["keep_locks_short"])
    tx.execute(QUERIES["clear_pending"])
    return tx.execute(QUERIES["collect_changed"], {"user_ids": config.user_ids, "as_of": now}).rowcount


def _write_batches(session: Session, config: UserTotalsConfig) -> int:
    """Write what is pending, each batch in a transaction of its own."""
    written = 0
    while (batch := session.run(lambda tx: _write_batch(tx, config)))["taken"]:
        failpoint("user_totals.batch_committed")
        written += batch["written"]
    return written


def _write_batch(tx: Transaction, config: UserTotalsConfig) -> Figures:
    tx.lock(USER_TOTALS.lock_name)
    tx.execute(QUERIES["keep_locks_short"])
    batch = tx.one(QUERIES["apply_batch"], {"batch_size": config.batch_size})
    failpoint("user_totals.batch_written")
    return batch


def _count_only(session: Session, config: UserTotalsConfig, now: datetime) -> Figures:
    """Compute what differs and undo it."""
    with session.transaction() as tx:
        with tx.connection.transaction(force_rollback=True):
            changed = _collect(tx, config, now)
        return {"rows_written": 0, "unsettled": changed} | _describe(tx, now)


def _describe(tx: Transaction, now: datetime) -> Figures:
    found = tx.one(QUERIES["compare_with_before"], {"as_of": now})
    return found | {"by_xp": preview(tx.all(QUERIES["describe_by_xp"]))}


def _result(config: UserTotalsConfig, figures: Figures) -> dg.MaterializeResult[Any]:
    severity = dg.AssetCheckSeverity.WARN if config.dry_run else dg.AssetCheckSeverity.ERROR
    moved = {name: figures[name] for name in ("xp_differs", "reputation_differs")}
    unsettled = figures["unsettled"]
    return dg.MaterializeResult(
        metadata=figures,
        check_results=[
            verdict(LEDGER_SUM_EQUALS_TOTAL, unsettled == 0, severity, unsettled=unsettled),
            verdict(TOTALS_ARE_AS_BEFORE, not any(moved.values()), dg.AssetCheckSeverity.WARN, **moved),
        ],
    )
