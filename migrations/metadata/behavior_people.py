"""Application tables of the behavior domain about people and what they study: objectives, missions, articles.

Of `lectures` only the key is known: objectives refer to it. No `userId` is a foreign key to `users`, but that of
missions; what may be computed about a person, their three privacy flags say.
"""

from sqlalchemy import Boolean, Column, Table

from migrations.metadata.behavior_types import (
    ARTICLE_CATEGORY,
    MASTERY_LEVEL,
    MISSION_STATUS,
    OBJECTIVE_COMPLEXITY,
    baseline,
    one_of,
)
from migrations.metadata.prisma import document, flag, index, key, moment, owner, real, unique, whole, word_list, words

users = Table(
    "users",
    baseline,
    words("id"),
    words("email", null=True),
    words("name", null=True),
    moment("createdAt", now=True),
    moment("updatedAt"),
    flag("autoGenerateMissions", default=True),
    whole("defaultMissionMinutes", default=50),
    words("missionDifficulty", default="AUTO"),
    words("preferredStudyTime", null=True),
    flag("includeInAnalytics", default=True),
    flag("performanceTrackingEnabled", default=True),
    moment("lastMissionAdaptation", null=True),
    flag("behavioralAnalysisEnabled", default=True),
    flag("learningStyleProfilingEnabled", default=True),
    flag("shareAnonymizedPatterns", default=False),
    key("users"),
    unique("users", "email"),
)

lectures = Table(
    "lectures",
    baseline,
    words("id"),
    key("lectures"),
)

learning_objectives = Table(
    "learning_objectives",
    baseline,
    words("id"),
    words("lectureId"),
    words("objective"),
    flag("isHighYield", default=False),
    words("extractedBy", default="gpt-5"),
    moment("createdAt", now=True),
    one_of("complexity", OBJECTIVE_COMPLEXITY, default="INTERMEDIATE"),
    word_list("boardExamTags"),
    whole("pageStart", null=True),
    whole("pageEnd", null=True),
    moment("lastStudiedAt", null=True),
    one_of("masteryLevel", MASTERY_LEVEL, default="NOT_STARTED"),
    whole("totalStudyTimeMs", default=0),
    real("weaknessScore", default=0.5),
    key("learning_objectives"),
    owner("learning_objectives", "lectureId", "lectures"),
    index("learning_objectives", "complexity"),
    index("learning_objectives", "isHighYield"),
    index("learning_objectives", "lectureId"),
    index("learning_objectives", "masteryLevel"),
    index("learning_objectives", "weaknessScore"),
)

missions = Table(
    "missions",
    baseline,
    words("id"),
    words("userId"),
    moment("date", now=True),
    one_of("status", MISSION_STATUS, default="PENDING"),
    whole("estimatedMinutes"),
    moment("completedAt", null=True),
    whole("reviewCardCount", default=0),
    whole("newContentCount", default=0),
    whole("actualMinutes", null=True),
    whole("completedObjectivesCount", default=0),
    document("objectives"),
    whole("difficultyRating", null=True),
    real("successScore", null=True),
    moment("recommendedStartTime", null=True),
    moment("actualStartTime", null=True),
    real("sessionPerformanceScore", null=True),
    whole("recommendedDuration", null=True),
    whole("actualDuration", null=True),
    key("missions"),
    owner("missions", "userId", "users"),
    index("missions", "date"),
    index("missions", "status"),
    index("missions", "userId"),
)

learning_articles = Table(
    "learning_articles",
    baseline,
    words("id"),
    words("slug"),
    words("title"),
    one_of("category", ARTICLE_CATEGORY),
    words("summary"),
    words("content"),
    document("personalizedSections", null=True),
    document("externalLinks", null=True),
    whole("readingTimeMinutes", default=5),
    words("difficulty", default="BEGINNER"),
    word_list("tags"),
    moment("createdAt", now=True),
    moment("updatedAt"),
    moment("publishedAt", now=True),
    key("learning_articles"),
    index("learning_articles", "category"),
    index("learning_articles", "slug"),
    unique("learning_articles", "slug"),
)

article_reads = Table(
    "article_reads",
    baseline,
    words("id"),
    words("userId"),
    words("articleId"),
    moment("readAt", now=True),
    whole("readDurationSeconds", null=True),
    flag("completedRead", default=False),
    Column("helpful", Boolean),
    whole("rating", null=True),
    words("feedback", null=True),
    key("article_reads"),
    owner("article_reads", "articleId", "learning_articles"),
    index("article_reads", "articleId"),
    index("article_reads", "readAt"),
    unique("article_reads", "userId", "articleId"),
    index("article_reads", "userId"),
)
