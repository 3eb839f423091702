"""The community application's schema before our plan: 30 tables and 10 enums, frozen.

A brown-field site has these when we come, so nothing here may ever change: `community_0000` builds an empty site
from it, an existing one is compared with it. What our revisions add is in `community.py`.
"""

from migrations.metadata import community_content, community_gamification, community_learning, community_people
from migrations.metadata.community_types import ENUMS, baseline

PARTS = (community_people, community_content, community_gamification, community_learning)

__all__ = ["ENUMS", "PARTS", "baseline"]
