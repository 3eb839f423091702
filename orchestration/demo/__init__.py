"""The deterministic demo data: the same scale and last day give the same rows, on any machine.

The vote rings that are planted in it are known: `planted_groups` names their members.
"""

from orchestration.demo.groups import Group, planted_groups
from orchestration.demo.load import LOAD_AT, generate_and_load, loaded_scale
from orchestration.demo.plan import LAST_DAY, SCALES, USERS, Scale

__all__ = [
    "LAST_DAY",
    "LOAD_AT",
    "SCALES",
    "USERS",
    "Group",
    "Scale",
    "generate_and_load",
    "loaded_scale",
    "planted_groups",
]
