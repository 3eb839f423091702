"""How much demo data there is and until which day: the scales, the fixed last day, the mark by which it is known.

The mark is the host of every demo user's e-mail address, such as `small.demo.example`; nothing else tells demo rows
from those of a running application.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

Scale = Literal["small", "medium", "large"]
SCALES: tuple[Scale, ...] = get_args(Scale)
USERS: dict[Scale, int] = {"small": 1_000, "medium": 20_000, "large": 200_000}

# Fixed, so that equal commands give equal tables: the data does not follow the calendar.
LAST_DAY = date(2026, 6, 30)
HISTORY_DAYS = 540
LEDGER_DAYS = 180
DIALOGUE_DAYS = 100


@dataclass(frozen=True)
class Plan:
    """What to generate: a label (the scale, in an application), the number of users and the last day."""

    label: str
    users: int
    last_day: date = LAST_DAY

    @property
    def mail_host(self) -> str:
        """The host of the e-mail addresses of this demo's users."""
        return f"{self.label}.demo.example"


def plan(scale: Scale, last_day: date = LAST_DAY) -> Plan:
    """Give the plan of a scale."""
    return Plan(scale, USERS[scale], last_day)
