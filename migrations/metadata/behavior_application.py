"""The behavior application's schema before our plan: 31 tables and 28 enums, frozen.

A brown-field site has these when we come, so nothing here may ever change: `behavior_0000` builds an empty site from
it, an existing one is compared with it. What our revisions add is in `behavior.py`.
"""

from migrations.metadata import (
    behavior_guidance,
    behavior_patterns,
    behavior_people,
    behavior_personalization,
    behavior_predictions,
)
from migrations.metadata.behavior_types import ENUMS, baseline

PARTS = (behavior_people, behavior_patterns, behavior_guidance, behavior_predictions, behavior_personalization)

__all__ = ["ENUMS", "PARTS", "baseline"]
