"""Application tables of the behavior domain about what was observed: events, patterns, insights, profiles."""

from sqlalchemy import Table

from migrations.metadata.behavior_types import (
    BEHAVIORAL_PATTERN_TYPE,
    COMPLETION_QUALITY,
    ENGAGEMENT_LEVEL,
    EVENT_TYPE,
    INSIGHT_TYPE,
    baseline,
    one_of,
)
from migrations.metadata.prisma import document, flag, index, key, moment, owner, real, unique, whole, words

behavioral_events = Table(
    "behavioral_events",
    baseline,
    words("id"),
    words("userId"),
    one_of("eventType", EVENT_TYPE),
    document("eventData"),
    moment("timestamp", now=True),
    one_of("completionQuality", COMPLETION_QUALITY, null=True),
    words("contentType", null=True),
    whole("dayOfWeek", null=True),
    words("difficultyLevel", null=True),
    one_of("engagementLevel", ENGAGEMENT_LEVEL, null=True),
    whole("sessionPerformanceScore", null=True),
    whole("timeOfDay", null=True),
    key("behavioral_events"),
    index("behavioral_events", "eventType"),
    index("behavioral_events", "timestamp"),
    index("behavioral_events", "userId"),
)

behavioral_patterns = Table(
    "behavioral_patterns",
    baseline,
    words("id"),
    words("userId"),
    one_of("patternType", BEHAVIORAL_PATTERN_TYPE),
    words("patternName"),
    real("confidence"),
    document("evidence"),
    moment("detectedAt", now=True),
    moment("lastSeenAt", now=True),
    whole("occurrenceCount", default=1),
    key("behavioral_patterns"),
    index("behavioral_patterns", "confidence"),
    index("behavioral_patterns", "patternType"),
    index("behavioral_patterns", "userId"),
)

behavioral_insights = Table(
    "behavioral_insights",
    baseline,
    words("id"),
    words("userId"),
    one_of("insightType", INSIGHT_TYPE),
    words("title"),
    words("description"),
    words("actionableRecommendation"),
    real("confidence"),
    moment("createdAt", now=True),
    moment("acknowledgedAt", null=True),
    flag("applied", default=False),
    key("behavioral_insights"),
    index("behavioral_insights", "acknowledgedAt"),
    index("behavioral_insights", "createdAt"),
    index("behavioral_insights", "userId"),
)

insight_patterns = Table(
    "insight_patterns",
    baseline,
    words("id"),
    words("insightId"),
    words("patternId"),
    key("insight_patterns"),
    owner("insight_patterns", "insightId", "behavioral_insights"),
    owner("insight_patterns", "patternId", "behavioral_patterns"),
    index("insight_patterns", "insightId"),
    unique("insight_patterns", "insightId", "patternId"),
    index("insight_patterns", "patternId"),
)

user_learning_profiles = Table(
    "user_learning_profiles",
    baseline,
    words("id"),
    words("userId"),
    document("preferredStudyTimes"),
    whole("averageSessionDuration"),
    whole("optimalSessionDuration"),
    document("contentPreferences"),
    document("learningStyleProfile"),
    document("personalizedForgettingCurve"),
    moment("lastAnalyzedAt", now=True),
    real("dataQualityScore", default=0.0),
    key("user_learning_profiles"),
    index("user_learning_profiles", "userId"),
    unique("user_learning_profiles", "userId"),
)
