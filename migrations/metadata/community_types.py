"""The two sets of tables of the community domain, still empty, and the enums of the application's schema.

`baseline` is the application as it stands before our plan, `metadata` the head of our revisions.

An enum is created by its revision alone (`create_type=False`), never as a side effect of a table.
"""

from sqlalchemy import MetaData
from sqlalchemy.dialects.postgresql import ENUM

baseline = MetaData()
metadata = MetaData()


def _enum(name: str, labels: str) -> ENUM:
    return ENUM(*labels.split(), name=name, create_type=False)


ACHIEVEMENT_RARITY = _enum("AchievementRarity", "COMMON UNCOMMON RARE EPIC LEGENDARY")
ACHIEVEMENT_TYPE = _enum(
    "AchievementType",
    "FIRST_DOUBT FIRST_COMMENT PROBLEM_SOLVER STREAK_MASTER MENTOR TOP_CONTRIBUTOR SUBJECT_EXPERT COMMUNITY_LEADER "
    "RISING_STAR KNOWLEDGE_SEEKER",
)
BADGE_TYPE = _enum(
    "BadgeType",
    "AI_MASTER PHYSICS_GURU MATH_WIZARD CODE_NINJA BIO_EXPERT PROBLEM_SOLVER HELPER INNOVATOR TUTOR RESEARCH_STAR",
)
COMMUNITY_ROLE = _enum("CommunityRole", "ADMIN MODERATOR MEMBER")
LEADERBOARD_PERIOD = _enum("LeaderboardPeriod", "DAILY WEEKLY MONTHLY ALL_TIME")
LEADERBOARD_SCOPE = _enum(
    "LeaderboardScope",
    "GLOBAL SUBJECT_CS SUBJECT_MATH SUBJECT_PHYSICS SUBJECT_CHEMISTRY SUBJECT_BIOLOGY SUBJECT_ENGINEERING",
)
POINT_EVENT_TYPE = _enum(
    "PointEventType",
    "DOUBT_CREATED COMMENT_CREATED UPVOTE_RECEIVED DOWNVOTE_RECEIVED ANSWER_ACCEPTED DOUBT_RESOLVED DAILY_LOGIN "
    "STREAK_BONUS ACHIEVEMENT_UNLOCKED BADGE_EARNED",
)
ROLE = _enum("Role", "STUDENT TEACHER ADMIN")
SUBJECT = _enum(
    "Subject",
    "COMPUTER_SCIENCE MATHEMATICS PHYSICS CHEMISTRY BIOLOGY ENGINEERING BUSINESS LITERATURE HISTORY PSYCHOLOGY OTHER",
)
VOTE_TYPE = _enum("VoteType", "UP DOWN")

ENUMS = (
    ACHIEVEMENT_RARITY,
    ACHIEVEMENT_TYPE,
    BADGE_TYPE,
    COMMUNITY_ROLE,
    LEADERBOARD_PERIOD,
    LEADERBOARD_SCOPE,
    POINT_EVENT_TYPE,
    ROLE,
    SUBJECT,
    VOTE_TYPE,
)
