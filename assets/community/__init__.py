"""Assets of the community domain."""

from collections.abc import Sequence

import dagster as dg

from assets.community.leaderboard_entries import leaderboard_entries
from assets.community.leaderboard_snapshots import leaderboard_snapshots
from assets.community.mastery_records import mastery_records
from assets.community.reputation_ledger import reputation_ledger
from assets.community.trust_scores import trust_scores
from assets.community.user_totals import user_totals
from assets.community.vote_graph import vote_graph
from assets.community.xp_ledger import xp_ledger

ASSETS: Sequence[dg.AssetsDefinition] = (
    xp_ledger,
    reputation_ledger,
    trust_scores,
    user_totals,
    vote_graph,
    leaderboard_entries,
    leaderboard_snapshots,
    mastery_records,
)
