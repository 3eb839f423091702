"""The vote graph: who voted on whose content, how often, and how mutual it is (seed 000, section 9)."""

from typing import Any

import dagster as dg

import sql
from assets.table_asset import TableAsset, preview, verdict
from orchestration.resources import Postgres, Session, Transaction

QUERIES = sql.load("community", "vote_graph")
VOTE_GRAPH = TableAsset(
    domain="community",
    table="vote_graph",
    needs="community_0008",
    queries=QUERIES,
    reads=("doubt_votes", "doubts", "answer_votes", "answers"),
)
EVERY_VOTE_COUNTS = VOTE_GRAPH.check(
    "every_vote_counts", "The votes of all edges add up to the votes cast: none lost, none doubled.", blocking=True
)
EDGES_ARE_CONSISTENT = VOTE_GRAPH.check(
    "edges_are_consistent", "Votes are upvotes plus downvotes, and reciprocity lies between 0 and 1.", blocking=True
)


@VOTE_GRAPH.asset(pool="community_vote_graph", checks=(EVERY_VOTE_COUNTS, EDGES_ARE_CONSISTENT))
def vote_graph(context: dg.AssetExecutionContext, postgres: dg.ResourceParam[Postgres]) -> dg.MaterializeResult[Any]:
    """Derive the graph of votes between users from the votes on doubts and answers.

    One row a voter and author of voted content: counts of votes, upvotes and downvotes, time of the last vote (UTC),
    and reciprocity 2·min(a, b) / (a + b), where a and b are the votes in either direction: 1 is perfectly mutual.
    Only changed rows are written; edges whose votes are gone are deleted. Refresh and checks see one snapshot.
    """
    with VOTE_GRAPH.session(postgres) as session:
        return refresh(session)


def refresh(session: Session) -> dg.MaterializeResult[Any]:
    """Refresh the graph and count what the checks compare, in one transaction and snapshot."""

    def work(tx: Transaction) -> dg.MaterializeResult[Any]:
        tx.lock(VOTE_GRAPH.lock_name)
        tx.execute(QUERIES["give_hashes_memory"])
        written = tx.one(QUERIES["refresh"])
        return _result(written, tx.one(QUERIES["compare_with_votes"]), tx.all(QUERIES["describe_by_reciprocity"]))

    return session.run(work, repeatable_read=True)


def _result(
    written: dict[str, Any], found: dict[str, Any], by_reciprocity: list[dict[str, Any]]
) -> dg.MaterializeResult[Any]:
    figures = {name: int(value) for name, value in (written | found).items()}
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": figures["edges"],
            "rows_written": sum(int(n) for n in written.values()),
            **figures,
            "by_reciprocity": preview(by_reciprocity),
        },
        check_results=[
            verdict(
                EVERY_VOTE_COUNTS,
                figures["votes"] == figures["votes_in_graph"],
                votes=figures["votes"],
                votes_in_graph=figures["votes_in_graph"],
            ),
            verdict(EDGES_ARE_CONSISTENT, figures["contradictions"] == 0, contradictions=figures["contradictions"]),
        ],
    )
