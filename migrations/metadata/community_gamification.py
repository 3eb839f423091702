"""Application tables of the community domain about gamification: points, levels, achievements, badges, streaks.

`points_ledger` is the application's own ledger: the sync trigger mirrors it into `xp_ledger`. Jobs read its rows
FOR SHARE while they backfill, which Postgres permits only with the right to update some column of it.
"""

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table

from migrations.metadata.community_types import (
    ACHIEVEMENT_RARITY,
    ACHIEVEMENT_TYPE,
    BADGE_TYPE,
    LEADERBOARD_PERIOD,
    LEADERBOARD_SCOPE,
    POINT_EVENT_TYPE,
    baseline,
)
from migrations.metadata.prisma import document, moment, reference, whole, words

points_ledger = Table(
    "points_ledger",
    baseline,
    words("id"),
    words("userId"),
    Column("eventType", POINT_EVENT_TYPE, nullable=False),
    whole("points"),
    words("description", null=True),
    moment("createdAt", now=True),
    PrimaryKeyConstraint("id", name="points_ledger_pkey"),
    reference("points_ledger_userId_fkey", "userId", "users"),
    Index("points_ledger_eventType_idx", "eventType"),
    Index("points_ledger_userId_createdAt_idx", "userId", "createdAt"),
)

levels = Table(
    "levels",
    baseline,
    words("id"),
    whole("level"),
    words("name"),
    whole("minPoints"),
    whole("maxPoints", null=True),
    words("icon", null=True),
    words("color", null=True),
    moment("createdAt", now=True),
    PrimaryKeyConstraint("id", name="levels_pkey"),
    Index("levels_level_key", "level", unique=True),
    Index("levels_minPoints_idx", "minPoints"),
)

achievements = Table(
    "achievements",
    baseline,
    words("id"),
    Column("type", ACHIEVEMENT_TYPE, nullable=False),
    words("name"),
    words("description"),
    document("criteria"),
    whole("points"),
    Column("rarity", ACHIEVEMENT_RARITY, nullable=False),
    words("icon", null=True),
    moment("createdAt", now=True),
    PrimaryKeyConstraint("id", name="achievements_pkey"),
    Index("achievements_name_key", "name", unique=True),
)

achievement_unlocks = Table(
    "achievement_unlocks",
    baseline,
    words("id"),
    words("userId"),
    words("achievementId"),
    moment("unlockedAt", now=True),
    PrimaryKeyConstraint("id", name="achievement_unlocks_pkey"),
    reference("achievement_unlocks_achievementId_fkey", "achievementId", "achievements"),
    reference("achievement_unlocks_userId_fkey", "userId", "users"),
    Index("achievement_unlocks_userId_achievementId_key", "userId", "achievementId", unique=True),
    Index("achievement_unlocks_userId_unlockedAt_idx", "userId", "unlockedAt"),
)

achievement_progress = Table(
    "achievement_progress",
    baseline,
    words("id"),
    words("userId"),
    words("achievementId"),
    whole("current", default=0),
    whole("target"),
    moment("lastUpdated", now=True),
    PrimaryKeyConstraint("id", name="achievement_progress_pkey"),
    reference("achievement_progress_achievementId_fkey", "achievementId", "achievements"),
    reference("achievement_progress_userId_fkey", "userId", "users"),
    Index("achievement_progress_userId_achievementId_key", "userId", "achievementId", unique=True),
    Index("achievement_progress_userId_idx", "userId"),
)

badges = Table(
    "badges",
    baseline,
    words("id"),
    Column("type", BADGE_TYPE, nullable=False),
    words("name"),
    words("description"),
    words("icon", null=True),
    words("color", null=True),
    moment("createdAt", now=True),
    PrimaryKeyConstraint("id", name="badges_pkey"),
    Index("badges_name_key", "name", unique=True),
)

badge_grants = Table(
    "badge_grants",
    baseline,
    words("id"),
    words("userId"),
    words("badgeId"),
    moment("grantedAt", now=True),
    PrimaryKeyConstraint("id", name="badge_grants_pkey"),
    reference("badge_grants_badgeId_fkey", "badgeId", "badges"),
    reference("badge_grants_userId_fkey", "userId", "users"),
    Index("badge_grants_userId_badgeId_key", "userId", "badgeId", unique=True),
    Index("badge_grants_userId_grantedAt_idx", "userId", "grantedAt"),
)

streaks = Table(
    "streaks",
    baseline,
    words("id"),
    words("userId"),
    whole("currentStreak", default=0),
    whole("longestStreak", default=0),
    moment("lastActivityDate", null=True),
    moment("createdAt", now=True),
    moment("updatedAt"),
    PrimaryKeyConstraint("id", name="streaks_pkey"),
    reference("streaks_userId_fkey", "userId", "users"),
    Index("streaks_lastActivityDate_idx", "lastActivityDate"),
    Index("streaks_userId_key", "userId", unique=True),
)

leaderboard_snapshots = Table(
    "leaderboard_snapshots",
    baseline,
    words("id"),
    words("userId"),
    Column("period", LEADERBOARD_PERIOD, nullable=False),
    Column("scope", LEADERBOARD_SCOPE, nullable=False),
    whole("points"),
    whole("rank"),
    moment("periodStart"),
    moment("periodEnd"),
    moment("createdAt", now=True),
    PrimaryKeyConstraint("id", name="leaderboard_snapshots_pkey"),
    reference("leaderboard_snapshots_userId_fkey", "userId", "users"),
    Index("leaderboard_snapshots_period_scope_periodStart_idx", "period", "scope", "periodStart"),
    Index("leaderboard_snapshots_period_scope_rank_periodStart_idx", "period", "scope", "rank", "periodStart"),
    Index(
        "leaderboard_snapshots_userId_period_scope_periodStart_key",
        "userId",
        "period",
        "scope",
        "periodStart",
        unique=True,
    ),
)
