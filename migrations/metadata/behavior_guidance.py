"""Application tables of the behavior domain about what is proposed: recommendations, goals, notices, schedules.

`calendar_integrations` holds tokens in plain text: it is the application's alone (`migrations/grants.toml`).
"""

from sqlalchemy import Table

from migrations.metadata.behavior_types import (
    ADAPTATION_TYPE,
    APPLICATION_TYPE,
    BEHAVIORAL_GOAL_TYPE,
    GOAL_STATUS,
    NOTIFICATION_PRIORITY,
    NOTIFICATION_TYPE,
    RECOMMENDATION_STATUS,
    RECOMMENDATION_TYPE,
    baseline,
    one_of,
)
from migrations.metadata.prisma import document, flag, index, key, moment, owner, real, unique, word_list, words

recommendations = Table(
    "recommendations",
    baseline,
    words("id"),
    words("userId"),
    one_of("recommendationType", RECOMMENDATION_TYPE),
    words("title"),
    words("description"),
    words("actionableText"),
    real("confidence"),
    real("estimatedImpact"),
    real("easeOfImplementation"),
    real("userReadiness"),
    real("priorityScore"),
    one_of("status", RECOMMENDATION_STATUS, default="PENDING"),
    word_list("sourcePatternIds"),
    word_list("sourceInsightIds"),
    moment("createdAt", now=True),
    moment("appliedAt", null=True),
    moment("dismissedAt", null=True),
    key("recommendations"),
    index("recommendations", "priorityScore"),
    index("recommendations", "recommendationType"),
    index("recommendations", "status"),
    index("recommendations", "userId"),
)

applied_recommendations = Table(
    "applied_recommendations",
    baseline,
    words("id"),
    words("recommendationId"),
    words("userId"),
    one_of("applicationType", APPLICATION_TYPE),
    document("baselineMetrics"),
    document("currentMetrics", null=True),
    real("effectiveness", null=True),
    moment("appliedAt", now=True),
    moment("evaluatedAt", null=True),
    key("applied_recommendations"),
    owner("applied_recommendations", "recommendationId", "recommendations"),
    index("applied_recommendations", "applicationType"),
    index("applied_recommendations", "recommendationId"),
    index("applied_recommendations", "userId"),
)

behavioral_goals = Table(
    "behavioral_goals",
    baseline,
    words("id"),
    words("userId"),
    one_of("goalType", BEHAVIORAL_GOAL_TYPE),
    words("title"),
    words("description"),
    words("targetMetric"),
    real("currentValue"),
    real("targetValue"),
    moment("deadline"),
    one_of("status", GOAL_STATUS, default="ACTIVE"),
    document("progressHistory"),
    moment("completedAt", null=True),
    moment("createdAt", now=True),
    moment("updatedAt"),
    key("behavioral_goals"),
    index("behavioral_goals", "deadline"),
    index("behavioral_goals", "status"),
    index("behavioral_goals", "userId"),
)

insight_notifications = Table(
    "insight_notifications",
    baseline,
    words("id"),
    words("userId"),
    one_of("notificationType", NOTIFICATION_TYPE),
    words("title"),
    words("message"),
    one_of("priority", NOTIFICATION_PRIORITY, default="NORMAL"),
    words("relatedEntityId", null=True),
    words("relatedEntityType", null=True),
    moment("readAt", null=True),
    moment("createdAt", now=True),
    key("insight_notifications"),
    index("insight_notifications", "notificationType"),
    index("insight_notifications", "readAt"),
    index("insight_notifications", "userId"),
)

study_schedule_recommendations = Table(
    "study_schedule_recommendations",
    baseline,
    words("id"),
    words("userId"),
    document("recommendedSchedule"),
    words("reasoning"),
    moment("createdAt", now=True),
    key("study_schedule_recommendations"),
    index("study_schedule_recommendations", "userId"),
)

schedule_adaptations = Table(
    "schedule_adaptations",
    baseline,
    words("id"),
    words("userId"),
    one_of("adaptationType", ADAPTATION_TYPE),
    document("adaptationDetails"),
    moment("appliedAt", now=True),
    key("schedule_adaptations"),
    index("schedule_adaptations", "userId"),
)

calendar_integrations = Table(
    "calendar_integrations",
    baseline,
    words("id"),
    words("userId"),
    words("calendarProvider"),
    words("accessToken"),
    words("refreshToken", null=True),
    moment("expiresAt", null=True),
    moment("lastSyncAt", null=True),
    flag("syncEnabled", default=True),
    moment("createdAt", now=True),
    key("calendar_integrations"),
    index("calendar_integrations", "userId"),
    unique("calendar_integrations", "userId"),
)

session_orchestration_plans = Table(
    "session_orchestration_plans",
    baseline,
    words("id"),
    words("userId"),
    words("missionId", null=True),
    document("planData"),
    moment("createdAt", now=True),
    moment("appliedAt", null=True),
    key("session_orchestration_plans"),
    index("session_orchestration_plans", "missionId"),
    index("session_orchestration_plans", "userId"),
)
