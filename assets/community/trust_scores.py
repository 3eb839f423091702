"""The neutral trust score of users who have none yet (seed 000, phase 4).

Scores from evidence are not computed here; they overwrite what this asset has begun.
"""

from typing import Any

import dagster as dg
from pydantic import Field

import sql
from assets.run_config import RunConfig
from assets.table_asset import TableAsset, preview, verdict
from orchestration.partitions import as_of
from orchestration.resources import Postgres, Transaction

QUERIES = sql.load("community", "trust_scores")
TRUST_SCORES = TableAsset(
    domain="community",
    table="trust_scores",
    needs="community_0001",
    queries=QUERIES,
    reads=("users",),
)
EVERY_USER_HAS_A_SCORE = TRUST_SCORES.check(
    "every_user_has_a_score", "Each user has one trust score, and it lies between 0 and 1.", blocking=True
)


class TrustScoresConfig(RunConfig):
    """Whose scores are initialized."""

    user_ids: list[str] | None = Field(default=None, min_length=1, max_length=10_000, description="Only these users.")
    dry_run: bool = Field(default=False, description="Write nothing; count who has no score.")


@TRUST_SCORES.asset(pool="community_users", checks=(EVERY_USER_HAS_A_SCORE,))
def trust_scores(
    context: dg.AssetExecutionContext, config: TrustScoresConfig, postgres: dg.ResourceParam[Postgres]
) -> dg.MaterializeResult[Any]:
    """Give each user without a trust score the neutral 0.5, with the table's defaults for the components.

    Existing scores are not touched. Users who sign up later get theirs at the next run.
    """
    with TRUST_SCORES.session(postgres) as session:
        parameters = {"as_of": as_of(context), "user_ids": config.user_ids}

        def initialize(tx: Transaction) -> dg.MaterializeResult[Any]:
            tx.lock(TRUST_SCORES.lock_name)
            written = 0 if config.dry_run else tx.execute(QUERIES["initialize"], parameters).rowcount
            found = tx.one(QUERIES["compare_with_users"], parameters)
            return _result(config, written, found, tx.all(QUERIES["describe_by_band"]))

        return session.run(initialize, repeatable_read=True)


def _result(
    config: TrustScoresConfig, written: int, found: dict[str, Any], by_band: list[dict[str, Any]]
) -> dg.MaterializeResult[Any]:
    severity = dg.AssetCheckSeverity.WARN if config.dry_run else dg.AssetCheckSeverity.ERROR
    wrong = {name: found[name] for name in ("without_score", "out_of_range")}
    return dg.MaterializeResult(
        metadata=found | {"rows_written": written, "by_band": preview(by_band)},
        check_results=[verdict(EVERY_USER_HAS_A_SCORE, not any(wrong.values()), severity, **wrong)],
    )
