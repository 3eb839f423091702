"""The behavior domain's schema at the head of its revisions: the application's tables, and what the plan adds.

A revision says how a site gets here, this module where "here" is; `alembic check` proves that they agree. Who may
do what with its tables stands in `migrations/grants.toml`.
"""

from sqlalchemy import Index

from migrations.metadata.behavior_application import baseline
from migrations.metadata.behavior_types import metadata
from migrations.metadata.prisma import document, moment, owner

__all__ = ["baseline", "metadata"]

for table in baseline.tables.values():
    table.to_metadata(metadata)

assignments = metadata.tables["experiment_assignments"]
assignments.append_column(document("metrics", null=True))
assignments.append_constraint(owner("experiment_assignments", "experimentId", "personalization_experiments"))

metadata.tables["study_schedule_recommendations"].append_column(moment("appliedAt", null=True))

for name, table_name, *columns in (
    ("study_schedule_recommendations_appliedAt_idx", "study_schedule_recommendations", "appliedAt"),
    ("behavioral_events_userId_eventType_timestamp_idx", "behavioral_events", "userId", "eventType", "timestamp"),
    ("behavioral_events_userId_dayOfWeek_idx", "behavioral_events", "userId", "dayOfWeek"),
    ("behavioral_events_userId_timeOfDay_idx", "behavioral_events", "userId", "timeOfDay"),
    (
        "behavioral_patterns_userId_patternType_confidence_idx",
        "behavioral_patterns",
        *("userId", "patternType", "confidence"),
    ),
    ("behavioral_patterns_userId_lastSeenAt_idx", "behavioral_patterns", "userId", "lastSeenAt"),
    (
        "struggle_predictions_userId_predictionStatus_predictedStrug_idx",
        "struggle_predictions",
        *("userId", "predictionStatus", "predictedStruggleProbability"),
    ),
    (
        "struggle_predictions_userId_topicId_predictionDate_idx",
        "struggle_predictions",
        *("userId", "topicId", "predictionDate"),
    ),
    ("recommendations_userId_status_priorityScore_idx", "recommendations", "userId", "status", "priorityScore"),
    ("recommendations_userId_createdAt_idx", "recommendations", "userId", "createdAt"),
    ("personalization_configs_userId_context_isActive_idx", "personalization_configs", "userId", "context", "isActive"),
    ("personalization_configs_userId_avgReward_idx", "personalization_configs", "userId", "avgReward"),
):
    Index(name, *(metadata.tables[table_name].c[column] for column in columns))
