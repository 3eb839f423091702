"""How many rows a run of the benchmarks is measured on, and what share of them the row-by-row originals are given."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from orchestration.partitions import Day

ZONE = "Asia/Tokyo"


@dataclass(frozen=True)
class Sizes:
    """Rows to make, and shares.

    Attributes:
        loop_share: users or pairs of users that a loop over rows is measured on; its seconds are scaled to all.
        scan_days: days that the roll-up without an index is measured on; its seconds are scaled to all.
    """

    users: int
    doubts: int
    answers: int
    votes: int
    xp_entries: int
    reputation_entries: int
    learners: int
    dialogues: int
    days: int
    loop_share: float
    scan_days: int
    last_day: date = field(default=date(2026, 6, 28))

    @property
    def new_votes(self) -> int:
        """How many votes are cast between two refreshes: 1 %."""
        return max(self.votes // 100, 1)

    @property
    def until(self) -> datetime:
        """The first instant that has no data: the end of the last day, in UTC and without a zone."""
        return Day.of(self.last_day, ZONE).end.replace(tzinfo=None)

    @property
    def dialogue_days(self) -> list[Day]:
        """The days of Tokyo that have dialogues, the last one last."""
        first = self.last_day - timedelta(days=self.days - 1)
        return [Day.of(first + timedelta(days=n), ZONE) for n in range(self.days)]

    @property
    def hash_limit(self) -> int:
        """The share as a bound for 16 bits of a hash."""
        return round(self.loop_share * 65_536)


SIZES = {
    "full": Sizes(
        users=100_000,
        doubts=100_000,
        answers=300_000,
        votes=1_000_000,
        xp_entries=400_000,
        reputation_entries=100_000,
        learners=20_000,
        dialogues=1_000_000,
        days=90,
        loop_share=0.05,
        scan_days=9,
    ),
    "small": Sizes(
        users=10_000,
        doubts=10_000,
        answers=30_000,
        votes=100_000,
        xp_entries=40_000,
        reputation_entries=10_000,
        learners=2_000,
        dialogues=90_000,
        days=90,
        loop_share=0.1,
        scan_days=9,
    ),
    "tiny": Sizes(
        users=60,
        doubts=30,
        answers=60,
        votes=900,
        xp_entries=400,
        reputation_entries=100,
        learners=20,
        dialogues=300,
        days=6,
        loop_share=1.0,
        scan_days=6,
    ),
}
