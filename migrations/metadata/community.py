"""The community domain's schema at the head of its revisions: the application's tables, and what the plan adds.

A revision says how a site gets here, this module where "here" is; `alembic check` proves that they agree. Who may
do what with its tables stands in `migrations/grants.toml`.
"""

from pgvector.sqlalchemy import Vector
from sqlalchemy import Column, Index

from migrations.metadata import community_ledgers, community_trust
from migrations.metadata.community_application import baseline
from migrations.metadata.community_types import metadata
from migrations.metadata.prisma import flag, moment, real, whole, word_list

__all__ = ["ADDED", "baseline", "metadata"]

ADDED = (community_ledgers, community_trust)
for table in baseline.tables.values():
    table.to_metadata(metadata)

users = metadata.tables["users"]
for column in (
    real("trustScoreCache", default=0.5),
    flag("isShadowBanned", default=False),
    flag("isSuspended", default=False),
    moment("suspendedUntil", null=True),
    flag("leaderboardOptOut", default=False),
    whole("totalXP", default=0),
    whole("totalReputation", default=0),
):
    users.append_column(column)

concepts = metadata.tables["concepts"]
for column in (
    Column("embedding", Vector(384)),
    word_list("synonyms", default="'{}'::text[]"),
    word_list("keywords", default="'{}'::text[]"),
    flag("isActive", default=True),
):
    concepts.append_column(column)
Index("concepts_domain_idx", concepts.c.domain)
Index("concepts_difficulty_idx", concepts.c.difficulty)

achievement_progress = metadata.tables["achievement_progress"]
for column in (
    word_list("uniqueUsers", default="'{}'::text[]"),
    moment("firstDate", null=True),
    moment("lastDate", null=True),
    whole("daySpan", default=0),
    whole("validatedCount", default=0),
):
    achievement_progress.append_column(column)

for name, owner, column_name in (
    ("rubric_evaluations_rubricJson_idx", "rubric_evaluations", "rubricJson"),
    ("rubric_evaluations_criterionScores_idx", "rubric_evaluations", "criterionScores"),
    ("rubric_evaluations_improvementPlan_idx", "rubric_evaluations", "improvementPlan"),
    ("conversations_context_idx", "conversations", "context"),
    ("messages_metadata_idx", "messages", "metadata"),
    ("ai_recommendations_metadata_idx", "ai_recommendations", "metadata"),
    ("fact_check_logs_checks_idx", "fact_check_logs", "checks"),
    ("event_logs_metadata_idx", "event_logs", "metadata"),
):
    Index(name, metadata.tables[owner].c[column_name], postgresql_using="gin")
