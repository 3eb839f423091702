"""Application tables of the community domain about people: accounts, users, their documents and conversations.

The OAuth tokens and verification tokens are no job's business: the jobs role is granted nothing on them.
"""

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table

from migrations.metadata.community_types import ROLE, baseline
from migrations.metadata.prisma import document, flag, moment, reference, whole, words

accounts = Table(
    "Account",
    baseline,
    words("id"),
    words("userId"),
    words("type"),
    words("provider"),
    words("providerAccountId"),
    words("refresh_token", null=True),
    words("access_token", null=True),
    whole("expires_at", null=True),
    words("token_type", null=True),
    words("scope", null=True),
    words("id_token", null=True),
    words("session_state", null=True),
    PrimaryKeyConstraint("id", name="Account_pkey"),
    reference("Account_userId_fkey", "userId", "users"),
    Index("Account_provider_providerAccountId_key", "provider", "providerAccountId", unique=True),
)

verification_tokens = Table(
    "VerificationToken",
    baseline,
    words("identifier"),
    words("token"),
    moment("expires"),
    Index("VerificationToken_identifier_token_key", "identifier", "token", unique=True),
    Index("VerificationToken_token_key", "token", unique=True),
)

users = Table(
    "users",
    baseline,
    words("id"),
    words("name", null=True),
    words("email"),
    moment("emailVerified", null=True),
    words("image", null=True),
    Column("role", ROLE, nullable=False, server_default="STUDENT"),
    words("bio", null=True),
    words("university", null=True),
    words("course", null=True),
    whole("year", null=True),
    whole("reputation", default=0),
    whole("credits", default=100),
    words("subscriptionTier", default="FREE"),
    whole("documentCount", default=0),
    moment("createdAt", now=True),
    moment("updatedAt"),
    words("tier", default="INITIATE"),
    PrimaryKeyConstraint("id", name="users_pkey"),
    Index("users_createdAt_idx", "createdAt"),
    Index("users_email_key", "email", unique=True),
)

user_stats = Table(
    "user_stats",
    baseline,
    words("id"),
    words("userId"),
    whole("totalPoints", default=0),
    whole("currentLevel", default=1),
    whole("doubtsAsked", default=0),
    whole("doubtsResolved", default=0),
    whole("commentsPosted", default=0),
    whole("acceptedAnswers", default=0),
    whole("upvotesReceived", default=0),
    whole("downvotesReceived", default=0),
    moment("createdAt", now=True),
    moment("updatedAt"),
    PrimaryKeyConstraint("id", name="user_stats_pkey"),
    reference("user_stats_userId_fkey", "userId", "users"),
    Index("user_stats_currentLevel_idx", "currentLevel"),
    Index("user_stats_totalPoints_idx", "totalPoints"),
    Index("user_stats_userId_key", "userId", unique=True),
)

user_discounts = Table(
    "user_discounts",
    baseline,
    words("id"),
    words("userId"),
    whole("discountPercent"),
    flag("isActive", default=True),
    moment("unlockedAt", now=True),
    moment("expiresAt", null=True),
    words("source", null=True),
    PrimaryKeyConstraint("id", name="user_discounts_pkey"),
    reference("user_discounts_userId_fkey", "userId", "users"),
    Index("user_discounts_userId_idx", "userId"),
)

documents = Table(
    "documents",
    baseline,
    words("id"),
    words("userId"),
    words("title"),
    words("type", default="PDF"),
    whole("size", default=0),
    whole("pageCount", default=0),
    words("url", null=True),
    words("pineconeId", null=True),
    moment("createdAt", now=True),
    moment("updatedAt"),
    PrimaryKeyConstraint("id", name="documents_pkey"),
    reference("documents_userId_fkey", "userId", "users"),
    Index("documents_userId_idx", "userId"),
)

conversations = Table(
    "conversations",
    baseline,
    words("id"),
    words("userId"),
    words("title", null=True),
    document("context", null=True),
    moment("createdAt", now=True),
    moment("updatedAt"),
    PrimaryKeyConstraint("id", name="conversations_pkey"),
    reference("conversations_userId_fkey", "userId", "users"),
    Index("conversations_userId_createdAt_idx", "userId", "createdAt"),
)

messages = Table(
    "messages",
    baseline,
    words("id"),
    words("conversationId"),
    words("role"),
    words("content"),
    document("metadata", null=True),
    moment("createdAt", now=True),
    PrimaryKeyConstraint("id", name="messages_pkey"),
    reference("messages_conversationId_fkey", "conversationId", "conversations"),
    Index("messages_conversationId_createdAt_idx", "conversationId", "createdAt"),
)

ai_recommendations = Table(
    "ai_recommendations",
    baseline,
    words("id"),
    words("userId"),
    words("type"),
    document("metadata", null=True),
    moment("createdAt", now=True),
    words("content"),
    PrimaryKeyConstraint("id", name="ai_recommendations_pkey"),
    reference("ai_recommendations_userId_fkey", "userId", "users"),
    Index("ai_recommendations_userId_idx", "userId"),
)
