"""The reputation ledger's opening balances (seed 000, section 7).

Events are entered by whoever decides about reputation; totals are in `assets/community/user_totals.py`.
"""

from typing import Any

import dagster as dg

import sql
from assets.table_asset import TableAsset, preview, verdict
from orchestration.partitions import as_of
from orchestration.resources import Postgres, Transaction

QUERIES = sql.load("community", "reputation_ledger")
REPUTATION_LEDGER = TableAsset(
    domain="community",
    table="reputation_ledger",
    needs="community_0006",
    queries=QUERIES,
    reads=("users",),
)
OPENED_ONCE = REPUTATION_LEDGER.check(
    "balances_opened_once",
    "No user has two opening balances; at adoption they explain all reputation that users had.",
    blocking=True,
)


@REPUTATION_LEDGER.asset(pool="community_ledger", checks=(OPENED_ONCE,))
def reputation_ledger(
    context: dg.AssetExecutionContext, postgres: dg.ResourceParam[Postgres]
) -> dg.MaterializeResult[Any]:
    """Open the reputation ledger: one OPENING_BALANCE of `users.reputation` for each user who has any at adoption.

    The first run is the adoption; later runs open nothing, so that reputation is never counted twice.
    """
    with REPUTATION_LEDGER.session(postgres) as session:
        parameters = {"as_of": as_of(context)}

        def open_balances(tx: Transaction) -> dg.MaterializeResult[Any]:
            tx.lock(REPUTATION_LEDGER.lock_name)
            opened = tx.one(QUERIES["open_balances"], parameters)
            found = tx.one(QUERIES["compare_with_users"], parameters)
            return _result(opened, found, tx.all(QUERIES["describe_by_event"]))

        return session.run(open_balances, repeatable_read=True)


def _result(opened: dict[str, Any], found: dict[str, Any], by_event: list[dict[str, Any]]) -> dg.MaterializeResult[Any]:
    unexplained = int(found["unexplained"]) if opened["adopted"] else 0
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": found["dagster/row_count"],
            "rows_written": opened["opening_balances"],
            "opening_reputation": int(opened["opening_reputation"]),
            "by_event": preview(by_event),
        },
        check_results=[
            verdict(
                OPENED_ONCE,
                found["opened_twice"] == 0 and unexplained == 0,
                opened_twice=found["opened_twice"],
                unexplained=unexplained,
            )
        ],
    )
