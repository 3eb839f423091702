"""Tables that the plan adds to the community domain for trust, abuse, moderation and audit, as seed 000 has them."""

from pgvector.sqlalchemy import Vector
from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table
from sqlalchemy.dialects.postgresql import ENUM

from migrations.metadata.community_types import metadata
from migrations.metadata.prisma import document, flag, moment, real, reference, whole, words

ABUSE_FLAG_TYPE = ENUM(
    "SIMILARITY_HIGH",
    "VOTE_TRADING",
    "LOW_ENTROPY",
    "IP_CLUSTERING",
    "STREAK_FRAUD",
    "XP_FARMING",
    "SPAM_POSTING",
    "SOCKPUPPET",
    name="AbuseFlagType",
    create_type=False,
)

trust_scores = Table(
    "trust_scores",
    metadata,
    words("id"),
    words("userId"),
    real("score", default=0.5),
    real("masteryReliability", default=0.5),
    real("nliTrackRecord", default=0.7),
    real("communityValidation", default=0.5),
    real("accountAgeTrust", default=0.5),
    real("interactionEntropy", default=1.0),
    real("votePatternScore", default=1.0),
    whole("similarityFlags", default=0),
    whole("abuseFlags", default=0),
    real("ipClusteringRisk", default=0.0),
    moment("lastUpdated", now=True),
    real("historicalLow", default=0.5),
    real("historicalHigh", default=0.5),
    PrimaryKeyConstraint("id", name="trust_scores_pkey"),
    reference("trust_scores_userId_fkey", "userId", "users"),
    Index("trust_scores_userId_key", "userId", unique=True),
    Index("trust_scores_score_idx", "score"),
)

abuse_flags = Table(
    "abuse_flags",
    metadata,
    words("id"),
    words("userId"),
    Column("flagType", ABUSE_FLAG_TYPE, nullable=False),
    whole("severity"),
    document("details"),
    flag("autoDetected", default=True),
    words("reviewedBy", null=True),
    moment("reviewedAt", null=True),
    words("status", default="PENDING"),
    moment("createdAt", now=True),
    PrimaryKeyConstraint("id", name="abuse_flags_pkey"),
    reference("abuse_flags_userId_fkey", "userId", "users"),
    reference("abuse_flags_reviewedBy_fkey", "reviewedBy", "users", gone="SET NULL"),
    Index("abuse_flags_userId_status_idx", "userId", "status"),
    Index("abuse_flags_flagType_createdAt_idx", "flagType", "createdAt"),
    Index("abuse_flags_status_severity_idx", "status", "severity"),
)

moderation_logs = Table(
    "moderation_logs",
    metadata,
    words("id"),
    words("adminId"),
    words("targetUserId"),
    words("action"),
    words("reason"),
    document("details", null=True),
    moment("createdAt", now=True),
    PrimaryKeyConstraint("id", name="moderation_logs_pkey"),
    reference("moderation_logs_adminId_fkey", "adminId", "users", gone="RESTRICT"),
    reference("moderation_logs_targetUserId_fkey", "targetUserId", "users", gone="RESTRICT"),
    Index("moderation_logs_targetUserId_createdAt_idx", "targetUserId", "createdAt"),
    Index("moderation_logs_adminId_idx", "adminId"),
)

fact_check_logs = Table(
    "fact_check_logs",
    metadata,
    words("id"),
    words("userId", null=True),
    words("generatedText"),
    words("contextUsed"),
    whole("claimsChecked"),
    whole("entailmentCount"),
    whole("contradictionCount"),
    whole("neutralCount"),
    real("overallConfidence"),
    flag("safeToDisplay"),
    document("checks"),
    words("actionTaken", null=True),
    moment("createdAt", now=True),
    PrimaryKeyConstraint("id", name="fact_check_logs_pkey"),
    reference("fact_check_logs_userId_fkey", "userId", "users", gone="SET NULL"),
    Index("fact_check_logs_userId_createdAt_idx", "userId", "createdAt"),
    Index("fact_check_logs_safeToDisplay_idx", "safeToDisplay"),
    Index("fact_check_logs_contradictionCount_idx", "contradictionCount"),
)

event_logs = Table(
    "event_logs",
    metadata,
    words("id"),
    words("eventType"),
    words("userId", null=True),
    words("targetId", null=True),
    document("metadata"),
    moment("emittedAt", now=True),
    moment("processedAt", null=True),
    PrimaryKeyConstraint("id", name="event_logs_pkey"),
    reference("event_logs_userId_fkey", "userId", "users", gone="SET NULL"),
    Index("event_logs_eventType_emittedAt_idx", "eventType", "emittedAt"),
    Index("event_logs_userId_emittedAt_idx", "userId", "emittedAt"),
    Index("event_logs_processedAt_idx", "processedAt"),
)

content_embeddings = Table(
    "content_embeddings",
    metadata,
    words("id"),
    words("contentType"),
    words("contentId"),
    words("userId"),
    Column("embedding", Vector(384), nullable=False),
    words("text"),
    moment("createdAt", now=True),
    PrimaryKeyConstraint("id", name="content_embeddings_pkey"),
    reference("content_embeddings_userId_fkey", "userId", "users"),
    Index("content_embeddings_contentType_contentId_key", "contentType", "contentId", unique=True),
    Index("content_embeddings_userId_idx", "userId"),
)

vote_graph = Table(
    "vote_graph",
    metadata,
    words("id"),
    words("voterId"),
    words("targetUserId"),
    whole("voteCount", default=0),
    whole("upvoteCount", default=0),
    whole("downvoteCount", default=0),
    real("reciprocity", default=0.0),
    moment("lastVoteAt", now=True),
    PrimaryKeyConstraint("id", name="vote_graph_pkey"),
    reference("vote_graph_voterId_fkey", "voterId", "users"),
    reference("vote_graph_targetUserId_fkey", "targetUserId", "users"),
    Index("vote_graph_voterId_targetUserId_key", "voterId", "targetUserId", unique=True),
    Index("vote_graph_reciprocity_idx", "reciprocity"),
)
