"""The lineage in the UI is what the SQL reads: the tables that an asset's statements name, and no other."""

import re

import pytest
import sqlglot
from sqlglot import exp

import sql
from assets.community.leaderboard_entries import LEADERBOARD_ENTRIES
from assets.community.leaderboard_snapshots import LEADERBOARD_SNAPSHOTS
from assets.community.reputation_ledger import REPUTATION_LEDGER
from assets.community.trust_scores import TRUST_SCORES
from assets.community.user_totals import USER_TOTALS
from assets.community.vote_graph import VOTE_GRAPH
from assets.community.xp_ledger import XP_LEDGER
from assets.rag.rag_metrics_history import RAG_METRICS_HISTORY
from assets.table_asset import TableAsset

ASSETS = [
    XP_LEDGER,
    REPUTATION_LEDGER,
    TRUST_SCORES,
    USER_TOTALS,
    VOTE_GRAPH,
    LEADERBOARD_ENTRIES,
    LEADERBOARD_SNAPSHOTS,
    RAG_METRICS_HISTORY,
]


def named_tables(query: sql.Query) -> set[str]:
    """Give the domain's tables of a statement: unqualified names that are no CTE."""
    text = re.sub(r"%\(\w+\)s", "NULL", query.text.as_string(None)).replace("%%", "%")
    statement = sqlglot.parse_one(text, dialect="postgres")
    tables = list(statement.find_all(exp.Table))
    # FOR SHARE OF names aliases, which read like tables.
    own = {cte.alias for cte in statement.find_all(exp.CTE)} | {t.alias for t in tables}
    return {t.name for t in tables if t.name and not t.db and t.name not in own}


@pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset.lock_name)
def test_an_asset_declares_exactly_the_tables_that_it_reads(asset: TableAsset):
    named = {name for query in asset.queries.values() for name in named_tables(query)}
    written = asset.writes or asset.table
    assert named - {written} == set(asset.reads) - {written}
