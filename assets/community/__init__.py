"""Assets of the community domain."""

from assets.community.vote_graph import vote_graph

ASSETS = [vote_graph]
