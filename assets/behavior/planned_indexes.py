"""The eleven indexes of the plan (seed 001, 4): what each is over, the query that it is for, what it was to gain.

The queries are in `sql/behavior/index_report.sql`, under the names given here. The plan's gains are percent of a
query's time.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class PlannedIndex:
    """An index of the plan, under Prisma's name."""

    table: str
    columns: tuple[str, ...]
    query: str
    gain: tuple[int, int] = (20, 40)
    named: str = ""

    @property
    def name(self) -> str:
        """The name that Prisma gives it, shortened by it where that is too long."""
        return self.named or f"{self.table}_{'_'.join(self.columns)}_idx"


PLANNED = (
    PlannedIndex("behavioral_events", ("userId", "eventType", "timestamp"), "events_of_a_type"),
    PlannedIndex("behavioral_events", ("userId", "dayOfWeek"), "events_of_a_weekday", (30, 50)),
    PlannedIndex("behavioral_events", ("userId", "timeOfDay"), "events_of_an_hour", (30, 50)),
    PlannedIndex("behavioral_patterns", ("userId", "patternType", "confidence"), "sure_patterns"),
    PlannedIndex("behavioral_patterns", ("userId", "lastSeenAt"), "recent_patterns"),
    PlannedIndex(
        "struggle_predictions",
        ("userId", "predictionStatus", "predictedStruggleProbability"),
        "likely_struggles",
        named="struggle_predictions_userId_predictionStatus_predictedStrug_idx",
    ),
    PlannedIndex("struggle_predictions", ("userId", "topicId", "predictionDate"), "struggles_with_a_topic"),
    PlannedIndex("recommendations", ("userId", "status", "priorityScore"), "best_recommendations", (25, 35)),
    PlannedIndex("recommendations", ("userId", "createdAt"), "newest_recommendations"),
    PlannedIndex("personalization_configs", ("userId", "context", "isActive"), "active_config"),
    PlannedIndex("personalization_configs", ("userId", "avgReward"), "best_config"),
)
TABLES = tuple(dict.fromkeys(index.table for index in PLANNED))
