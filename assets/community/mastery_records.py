"""Mastery: how well a user knows a concept, derived from the attempts (seed 002), pair by pair.

The statement that derives it is `sql/community/mastery_records.sql`; the graph follows by the outbox.
"""

import math
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import dagster as dg
from psycopg.types.json import Jsonb
from pydantic import Field

import sql
from assets.run_config import RunConfig
from assets.table_asset import TableAsset, preview, verdict
from orchestration.failpoints import failpoint
from orchestration.partitions import as_of
from orchestration.resources import Postgres, Session, Transaction
from orchestration.settings import GraphPolicy, MasteryPolicy, Settings

QUERIES = sql.load("community", "mastery_records")
MASTERY_RECORDS = TableAsset(
    domain="community",
    table="mastery_records",
    needs="community_0025",
    queries=QUERIES,
    reads=("concept_attempts",),
)
SCORES_ARE_SHARES = MASTERY_RECORDS.check(
    "scores_are_shares", "Scores and weights lie between 0 and 1, right attempts are no more than all.", blocking=True
)
EQUAL_TO_A_RECOMPUTATION = MASTERY_RECORDS.check(
    "equal_to_a_recomputation", "A sample of pairs, derived again from all their attempts, is equal.", blocking=True
)
ATTEMPTS_ARE_USABLE = MASTERY_RECORDS.check(
    "attempts_are_usable", "No more attempts than the quarantine's budget have hints below 0 or no finite time."
)
SAMPLE = 1_000
Figures = dict[str, Any]
Cursor = dict[str, Any]
Pair = tuple[str, str]


class MasteryRecordsConfig(RunConfig):
    """Whose mastery is derived, and how."""

    user_ids: list[str] | None = Field(default=None, min_length=1, max_length=10_000, description="Only these users.")
    full_refresh: bool = Field(default=False, description="Derive every pair again, not only those touched.")
    batch_size: int = Field(default=10_000, ge=1, le=100_000, description="Pairs derived in one transaction.")
    dry_run: bool = Field(default=False, description="Write nothing; count what would change.")


@dataclass
class Walk:
    """One run: which pairs it goes over, as of when, by which policy, and what it has done so far."""

    config: MasteryRecordsConfig
    policy: dict[str, Any]
    now: datetime
    everything: bool = False
    mark: int | None = None
    last_mark: int = 0
    figures: Figures = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))

    def add(self, counts: Figures) -> None:
        """Add what a transaction has done."""
        for name in COUNTS:
            self.figures[name] += counts[name]

    @property
    def state(self) -> Figures:
        """What a later run compares itself with: another policy or statement makes it derive everything again."""
        return {"policy": self.policy, "statements": QUERIES.version}

    @property
    def parameters(self) -> dict[str, Any]:
        """What every statement of the run is told."""
        config = self.config
        return {**self.policy, "as_of": self.now, "user_ids": config.user_ids, "batch_size": config.batch_size}


COUNTS = ("pairs", "attempts", "inserted", "updated", "deleted", "ahead", "quarantined")


@MASTERY_RECORDS.asset(
    pool="community_mastery", checks=(SCORES_ARE_SHARES, EQUAL_TO_A_RECOMPUTATION, ATTEMPTS_ARE_USABLE)
)
def mastery_records(
    context: dg.AssetExecutionContext, config: MasteryRecordsConfig, postgres: dg.ResourceParam[Postgres]
) -> dg.MaterializeResult[Any]:
    """Derive the mastery of each pair of a user and a concept whose attempts have changed, or whose decay has.

    The score is b · w. b is the lower bound (Wilson, one-sided 90 %) of the share of right attempts: one of one is no
    mastery, seven of seven is. w = 1 - min(0.3, 0.1 · mean hints) - min(0.3, 0.02 · (days - 7)), at least 0.1; days are
    whole UTC days from the last attempt to the run's time, and nothing is taken off up to the seventh. Every column is
    made from the attempts and the day of decay: deleted records come back equal. Records without attempts that were
    not derived stay as they are. Attempts ahead of the run's time are counted when it has come.
    """
    with MASTERY_RECORDS.session(postgres) as session:
        return refresh(session, postgres.settings, config, as_of(context))


def refresh(
    session: Session, settings: Settings, config: MasteryRecordsConfig, now: datetime
) -> dg.MaterializeResult[Any]:
    """Go over the pairs, batch by batch, and compare a sample with a recomputation."""
    walk = Walk(config, parameters_of(settings.community.mastery), now)
    session.run(lambda tx: _begin(tx, walk))
    for _ in _batches(session, walk):
        failpoint("mastery_records.batch_committed")
    if not config.dry_run and config.user_ids is None:
        session.run(lambda tx: _finish(tx, walk))
    described = session.run(lambda tx: _describe(tx, walk, settings.graph), repeatable_read=True)
    return _result(walk, described, settings.quarantine_budget)


def parameters_of(policy: MasteryPolicy) -> dict[str, Any]:
    """Give the policy as the statements take it, with the day from which on nothing decays any more."""
    decays = policy.decay_step > 0 and policy.decay_cap > 0
    days = math.ceil(round(policy.decay_cap / policy.decay_step, 9)) if decays else 0
    return {**policy.model_dump(), "decay_until_days": min(policy.decay_after_days + days, 2**31 - 1)}


def _begin(tx: Transaction, walk: Walk) -> None:
    """Find out what there is to do. A run of an earlier day never sets mastery back: it is as of the latest one."""
    tx.lock(MASTERY_RECORDS.lock_name)
    found = tx.one(QUERIES["find_checkpoint"])
    walk.now = max(walk.now, found["completed_as_of"] or walk.now)
    walk.everything = walk.config.full_refresh or found["everything"] or found["state"] != walk.state
    if walk.everything and walk.config.user_ids is None and not walk.config.dry_run:
        walk.mark = tx.one(QUERIES["mark_everything"])["version"]
    walk.last_mark = tx.one(QUERIES["find_last_mark"])["last_version"]


def _batches(session: Session, walk: Walk) -> Generator[None]:
    """Derive batch after batch, each in a transaction of its own."""
    if walk.everything or walk.config.user_ids is not None:
        yield from _go_over(session, walk, "find_pairs")
    else:
        yield from _go_over(session, walk, "take_marked")
        yield from _go_over(session, walk, "find_decayed")


def _go_over(session: Session, walk: Walk, source: str) -> Generator[None]:
    cursor: Cursor | None = {"after_version": 0, "after_user": None, "after_concept": None}
    while cursor is not None:
        at = cursor
        cursor, counts = session.run(lambda tx, at=at: _batch(tx, walk, source, at), repeatable_read=True)
        walk.add(counts)
        yield


def _batch(tx: Transaction, walk: Walk, source: str, cursor: Cursor) -> tuple[Cursor | None, Figures]:
    """Find the next pairs and derive them; tells where to go on, None at the end."""
    tx.lock(MASTERY_RECORDS.lock_name)
    tx.execute(QUERIES["keep_locks_short"])
    with tx.connection.transaction(force_rollback=walk.config.dry_run):
        found = tx.all(QUERIES[source], {**walk.parameters, **cursor, "last_version": walk.last_mark})
        counts = _derive(tx, walk, found, mark_again=source != "find_decayed")
    failpoint("mastery_records.batch_written")
    return (_after(found) if len(found) == walk.config.batch_size else None), counts


def _derive(tx: Transaction, walk: Walk, found: list[Figures], *, mark_again: bool) -> Figures:
    pairs = _with_those_in_the_way(tx, {(row["user_id"], row["concept_id"]) for row in found})
    if not pairs:
        return dict.fromkeys(COUNTS, 0)
    again = {"mark_again": mark_again and walk.config.user_ids is None}
    return tx.one(QUERIES["refresh"], walk.parameters | _arrays(pairs) | again)


def _with_those_in_the_way(tx: Transaction, pairs: set[Pair]) -> set[Pair]:
    """Add the pairs whose records have the ids of these, and those in the way of them."""
    new, known = pairs, pairs
    while new:
        rows = tx.all(QUERIES["find_in_the_way"], _arrays(new))
        new = {(row["user_id"], row["concept_id"]) for row in rows} - known
        known = known | new
    return known


def _arrays(pairs: set[Pair]) -> dict[str, list[str]]:
    ordered = sorted(pairs)
    return {"users": [user for user, _ in ordered], "concepts": [concept for _, concept in ordered]}


def _after(found: list[Figures]) -> Cursor:
    last = found[-1]
    version = max(row.get("version", 0) for row in found)
    return {"after_version": version, "after_user": last["user_id"], "after_concept": last["concept_id"]}


def _finish(tx: Transaction, walk: Walk) -> None:
    tx.lock(MASTERY_RECORDS.lock_name)
    if walk.mark is not None:
        tx.execute(QUERIES["unmark_everything"], {"version": walk.mark})
    tx.execute(QUERIES["close_checkpoint"], {"as_of": walk.now, "state": Jsonb(walk.state)})


def _describe(tx: Transaction, walk: Walk, policy: GraphPolicy) -> Figures:
    levels = {"mastered_from": policy.mastered_from, "weak_below": policy.weak_below}
    by_score = preview(tx.all(QUERIES["describe_by_score"]))
    return tx.one(QUERIES["describe"], levels) | {"by_score": by_score} | _compare_sample(tx, walk)


def _compare_sample(tx: Transaction, walk: Walk) -> Figures:
    """Derive a sample of pairs again, undo it, and count what would have been written."""
    pairs = [] if walk.config.dry_run else tx.all(QUERIES["sample_pairs"], {**walk.parameters, "pairs": SAMPLE})
    with tx.connection.transaction(force_rollback=True):
        counts = _derive(tx, walk, pairs, mark_again=False)
    return {"sampled": len(pairs), "sampled_and_different": _written(counts)}


def _written(counts: Figures) -> int:
    return sum(counts[name] for name in ("inserted", "updated", "deleted"))


def _result(walk: Walk, described: Figures, budget: float) -> dg.MaterializeResult[Any]:
    counts, config = walk.figures, walk.config
    written = _written(counts)
    differing = written if config.dry_run else described["sampled_and_different"]
    severity = dg.AssetCheckSeverity.WARN if config.dry_run else dg.AssetCheckSeverity.ERROR
    wrong, unusable = described["derived_out_of_range"], counts["quarantined"]
    return dg.MaterializeResult(
        metadata={**described, **counts, "rows_written": 0 if config.dry_run else written, "unsettled": differing}
        | {"as_of": walk.now.isoformat(), "everything": walk.everything},
        check_results=[
            verdict(SCORES_ARE_SHARES, wrong == 0, severity, out_of_range=wrong),
            verdict(EQUAL_TO_A_RECOMPUTATION, differing == 0, severity, differing=differing),
            verdict(ATTEMPTS_ARE_USABLE, unusable <= budget * counts["attempts"], unusable=unusable),
        ],
    )
