"""Application tables of the community domain about learning: concepts, attempts, mastery, rubric evaluations."""

from sqlalchemy import Index, PrimaryKeyConstraint, Table

from migrations.metadata.community_types import baseline
from migrations.metadata.prisma import document, flag, moment, real, reference, whole, words

concepts = Table(
    "concepts",
    baseline,
    words("id"),
    words("name"),
    words("description", null=True),
    words("domain", null=True),
    whole("difficulty", default=1),
    moment("createdAt", now=True),
    moment("updatedAt"),
    PrimaryKeyConstraint("id", name="concepts_pkey"),
    Index("concepts_name_key", "name", unique=True),
)

concept_prerequisites = Table(
    "concept_prerequisites",
    baseline,
    words("id"),
    words("conceptId"),
    words("prerequisiteId"),
    PrimaryKeyConstraint("id", name="concept_prerequisites_pkey"),
    reference("concept_prerequisites_conceptId_fkey", "conceptId", "concepts"),
    reference("concept_prerequisites_prerequisiteId_fkey", "prerequisiteId", "concepts"),
    Index("concept_prerequisites_conceptId_prerequisiteId_key", "conceptId", "prerequisiteId", unique=True),
)

concept_attempts = Table(
    "concept_attempts",
    baseline,
    words("id"),
    words("userId"),
    words("conceptId"),
    flag("isCorrect"),
    whole("timeTakenSeconds", null=True),
    whole("hintsUsed", default=0),
    real("masteryScoreBefore", default=0),
    real("masteryScoreAfter", default=0),
    moment("createdAt", now=True),
    PrimaryKeyConstraint("id", name="concept_attempts_pkey"),
    reference("concept_attempts_conceptId_fkey", "conceptId", "concepts"),
    reference("concept_attempts_userId_fkey", "userId", "users"),
    Index("concept_attempts_userId_conceptId_idx", "userId", "conceptId"),
)

mastery_records = Table(
    "mastery_records",
    baseline,
    words("id"),
    words("userId"),
    words("conceptId"),
    whole("totalAttempts", default=0),
    whole("correctAttempts", default=0),
    real("masteryScore", default=0),
    real("confidenceWeight", default=1),
    moment("lastSeen", null=True),
    moment("createdAt", now=True),
    moment("updatedAt"),
    PrimaryKeyConstraint("id", name="mastery_records_pkey"),
    reference("mastery_records_conceptId_fkey", "conceptId", "concepts"),
    reference("mastery_records_userId_fkey", "userId", "users"),
    Index("mastery_records_userId_conceptId_key", "userId", "conceptId", unique=True),
    Index("mastery_records_userId_idx", "userId"),
)

rubric_evaluations = Table(
    "rubric_evaluations",
    baseline,
    words("id"),
    words("userId"),
    words("concept", null=True),
    words("submission"),
    document("rubricJson"),
    document("criterionScores"),
    real("weightedTotal"),
    words("gradeLevel"),
    words("overallFeedback"),
    document("improvementPlan"),
    moment("createdAt", now=True),
    PrimaryKeyConstraint("id", name="rubric_evaluations_pkey"),
    reference("rubric_evaluations_userId_fkey", "userId", "users"),
    Index("rubric_evaluations_userId_idx", "userId"),
)
