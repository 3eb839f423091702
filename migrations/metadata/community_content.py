"""Application tables of the community domain about content: doubts, answers, votes, communities."""

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table
from sqlalchemy.dialects.postgresql import UUID

from migrations.metadata.community_types import COMMUNITY_ROLE, SUBJECT, VOTE_TYPE, baseline
from migrations.metadata.prisma import flag, moment, reference, whole, word_list, words

doubts = Table(
    "doubts",
    baseline,
    words("id"),
    words("title"),
    words("content"),
    word_list("tags"),
    flag("isAnonymous", default=False),
    words("authorId"),
    moment("createdAt", now=True),
    moment("updatedAt"),
    words("subject", default="OTHER"),
    whole("downvotes", default=0),
    whole("upvotes", default=0),
    flag("isResolved", default=False),
    flag("isInCommunity", default=False),
    PrimaryKeyConstraint("id", name="doubts_pkey"),
    reference("doubts_authorId_fkey", "authorId", "users"),
    Index("doubts_authorId_idx", "authorId"),
    Index("doubts_createdAt_idx", "createdAt"),
    Index("doubts_isInCommunity_idx", "isInCommunity"),
    Index("doubts_subject_idx", "subject"),
)

answers = Table(
    "answers",
    baseline,
    words("id"),
    words("content"),
    words("doubtId"),
    words("authorId"),
    moment("createdAt", now=True),
    moment("updatedAt"),
    Column("isAnswered", UUID),
    flag("isAiAssisted", default=False),
    PrimaryKeyConstraint("id", name="answers_pkey"),
    reference("answers_authorId_fkey", "authorId", "users"),
    reference("answers_doubtId_fkey", "doubtId", "doubts"),
    Index("answers_authorId_idx", "authorId"),
    Index("answers_createdAt_idx", "createdAt"),
    Index("answers_doubtId_idx", "doubtId"),
    Index("answers_isAnswered_key", "isAnswered", unique=True),
)

doubt_votes = Table(
    "doubt_votes",
    baseline,
    words("id"),
    Column("type", VOTE_TYPE, nullable=False),
    words("userId"),
    words("doubtId"),
    moment("createdAt", now=True),
    PrimaryKeyConstraint("id", name="doubt_votes_pkey"),
    reference("doubt_votes_doubtId_fkey", "doubtId", "doubts"),
    reference("doubt_votes_userId_fkey", "userId", "users"),
    Index("doubt_votes_doubtId_idx", "doubtId"),
    Index("doubt_votes_userId_doubtId_key", "userId", "doubtId", unique=True),
    Index("doubt_votes_userId_idx", "userId"),
)

answer_votes = Table(
    "answer_votes",
    baseline,
    words("id"),
    Column("type", VOTE_TYPE, nullable=False),
    words("userId"),
    words("answerId"),
    moment("createdAt", now=True),
    PrimaryKeyConstraint("id", name="answer_votes_pkey"),
    reference("answer_votes_answerId_fkey", "answerId", "answers"),
    reference("answer_votes_userId_fkey", "userId", "users"),
    Index("answer_votes_answerId_idx", "answerId"),
    Index("answer_votes_userId_answerId_key", "userId", "answerId", unique=True),
    Index("answer_votes_userId_idx", "userId"),
)

communities = Table(
    "communities",
    baseline,
    words("id"),
    words("name"),
    words("description", null=True),
    Column("subject", SUBJECT),
    flag("isPublic", default=True),
    words("createdBy", null=True),
    moment("createdAt", now=True),
    moment("updatedAt"),
    PrimaryKeyConstraint("id", name="communities_pkey"),
    reference("communities_createdBy_fkey", "createdBy", "users", gone="SET NULL"),
    Index("communities_createdBy_idx", "createdBy"),
    Index("communities_isPublic_idx", "isPublic"),
    Index("communities_subject_idx", "subject"),
)

community_doubts = Table(
    "community_doubts",
    baseline,
    words("id"),
    words("communityId"),
    words("addedBy", null=True),
    moment("addedAt", now=True),
    words("doubtId"),
    PrimaryKeyConstraint("id", name="community_doubts_pkey"),
    reference("community_doubts_addedBy_fkey", "addedBy", "users", gone="SET NULL"),
    reference("community_doubts_doubtId_fkey", "doubtId", "doubts"),
    Index("community_doubts_communityId_doubtId_key", "communityId", "doubtId", unique=True),
    Index("community_doubts_communityId_idx", "communityId"),
    Index("community_doubts_doubtId_idx", "doubtId"),
)

community_members = Table(
    "community_members",
    baseline,
    words("id"),
    words("userId"),
    words("communityId"),
    Column("role", COMMUNITY_ROLE, nullable=False, server_default="MEMBER"),
    moment("joinedAt", now=True),
    PrimaryKeyConstraint("id", name="community_members_pkey"),
    reference("community_members_userId_fkey", "userId", "users"),
    Index("community_members_communityId_idx", "communityId"),
    Index("community_members_userId_communityId_key", "userId", "communityId", unique=True),
    Index("community_members_userId_idx", "userId"),
)
