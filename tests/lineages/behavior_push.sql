-- What Prisma's push makes of the models of the behavior application, unqualified: the search path says where.

CREATE TYPE "AdaptationType" AS ENUM ('TIMING', 'DURATION', 'DIFFICULTY', 'CONTENT_SELECTION', 'SESSION_STRUCTURE', 'BREAK_SCHEDULING', 'TIME_SHIFT', 'DURATION_CHANGE', 'INTENSITY_ADJUSTMENT', 'FREQUENCY_CHANGE');
CREATE TYPE "ApplicationType" AS ENUM ('AUTO', 'MANUAL', 'REMINDER', 'GOAL');
CREATE TYPE "ArticleCategory" AS ENUM ('SPACED_REPETITION', 'ACTIVE_RECALL', 'LEARNING_STYLES', 'COGNITIVE_LOAD', 'CIRCADIAN_RHYTHMS');
CREATE TYPE "BehavioralGoalType" AS ENUM ('STUDY_TIME_CONSISTENCY', 'SESSION_DURATION', 'CONTENT_DIVERSIFICATION', 'RETENTION_IMPROVEMENT', 'CUSTOM');
CREATE TYPE "BehavioralPatternType" AS ENUM ('OPTIMAL_STUDY_TIME', 'SESSION_DURATION_PREFERENCE', 'CONTENT_TYPE_PREFERENCE', 'PERFORMANCE_PEAK', 'ATTENTION_CYCLE', 'FORGETTING_CURVE');
CREATE TYPE "BurnoutRiskLevel" AS ENUM ('LOW', 'MEDIUM', 'HIGH', 'CRITICAL');
CREATE TYPE "CompletionQuality" AS ENUM ('RUSHED', 'NORMAL', 'THOROUGH');
CREATE TYPE "EngagementLevel" AS ENUM ('LOW', 'MEDIUM', 'HIGH');
CREATE TYPE "EventType" AS ENUM ('MISSION_STARTED', 'MISSION_COMPLETED', 'CARD_REVIEWED', 'VALIDATION_COMPLETED', 'SESSION_STARTED', 'SESSION_ENDED', 'LECTURE_UPLOADED', 'SEARCH_PERFORMED', 'GRAPH_VIEWED', 'RECOMMENDATION_VIEWED', 'RECOMMENDATION_CLICKED', 'RECOMMENDATION_DISMISSED', 'RECOMMENDATION_RATED');
CREATE TYPE "ExperimentStatus" AS ENUM ('DRAFT', 'ACTIVE', 'COMPLETED', 'CANCELLED');
CREATE TYPE "ExperimentType" AS ENUM ('AB_TEST', 'MULTIVARIATE', 'MULTI_ARMED_BANDIT');
CREATE TYPE "GoalStatus" AS ENUM ('ACTIVE', 'COMPLETED', 'ABANDONED', 'PAUSED');
CREATE TYPE "IndicatorType" AS ENUM ('BEHAVIORAL', 'PERFORMANCE', 'ENGAGEMENT', 'COGNITIVE', 'LOW_RETENTION', 'PREREQUISITE_GAP', 'COMPLEXITY_MISMATCH', 'COGNITIVE_OVERLOAD', 'HISTORICAL_STRUGGLE_PATTERN');
CREATE TYPE "InsightType" AS ENUM ('STUDY_TIME_OPTIMIZATION', 'SESSION_LENGTH_ADJUSTMENT', 'CONTENT_PREFERENCE', 'RETENTION_STRATEGY');
CREATE TYPE "InterventionStatus" AS ENUM ('PENDING', 'IN_PROGRESS', 'COMPLETED', 'SKIPPED', 'FAILED');
CREATE TYPE "InterventionType" AS ENUM ('PREREQUISITE_REVIEW', 'DIFFICULTY_PROGRESSION', 'SPACING_ADJUSTMENT', 'CONTENT_VARIATION', 'BREAK_RECOMMENDATION', 'FOCUS_SESSION', 'CONTENT_FORMAT_ADAPT', 'COGNITIVE_LOAD_REDUCE', 'SPACED_REPETITION_BOOST', 'BREAK_SCHEDULE_ADJUST');
CREATE TYPE "MasteryLevel" AS ENUM ('NOT_STARTED', 'BEGINNER', 'INTERMEDIATE', 'ADVANCED', 'MASTERED');
CREATE TYPE "MissionStatus" AS ENUM ('PENDING', 'IN_PROGRESS', 'COMPLETED', 'SKIPPED');
CREATE TYPE "NotificationPriority" AS ENUM ('LOW', 'NORMAL', 'HIGH');
CREATE TYPE "NotificationType" AS ENUM ('NEW_PATTERN', 'NEW_INSIGHT', 'GOAL_CREATED', 'GOAL_PROGRESS_25', 'GOAL_PROGRESS_50', 'GOAL_PROGRESS_75', 'GOAL_ACHIEVED', 'RECOMMENDATION_AVAILABLE', 'INTERVENTION_SUGGESTED');
CREATE TYPE "ObjectiveComplexity" AS ENUM ('BASIC', 'INTERMEDIATE', 'ADVANCED');
CREATE TYPE "OutcomeType" AS ENUM ('MISSION_COMPLETED', 'SESSION_COMPLETED', 'ASSESSMENT_COMPLETED', 'CONTENT_ENGAGED');
CREATE TYPE "PersonalizationContext" AS ENUM ('MISSION', 'CONTENT', 'ASSESSMENT', 'SESSION');
CREATE TYPE "PersonalizationLevel" AS ENUM ('NONE', 'LOW', 'MEDIUM', 'HIGH');
CREATE TYPE "PredictionStatus" AS ENUM ('PENDING', 'CONFIRMED', 'FALSE_POSITIVE', 'MISSED', 'DISMISSED', 'RESOLVED');
CREATE TYPE "RecommendationStatus" AS ENUM ('PENDING', 'VIEWED', 'DISMISSED', 'RATED');
CREATE TYPE "RecommendationType" AS ENUM ('STUDY_TIME_OPTIMIZATION', 'SESSION_DURATION_ADJUSTMENT', 'CONTENT_TYPE_BALANCE', 'RETENTION_STRATEGY', 'CONSISTENCY_BUILDING', 'EXPERIMENTAL_SUGGESTION');
CREATE TYPE "Severity" AS ENUM ('LOW', 'MEDIUM', 'HIGH', 'CRITICAL');

CREATE TABLE "users" (
    "id" TEXT NOT NULL,
    "email" TEXT,
    "name" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,
    "autoGenerateMissions" BOOLEAN NOT NULL DEFAULT true,
    "defaultMissionMinutes" INTEGER NOT NULL DEFAULT 50,
    "missionDifficulty" TEXT NOT NULL DEFAULT 'AUTO',
    "preferredStudyTime" TEXT,
    "includeInAnalytics" BOOLEAN NOT NULL DEFAULT true,
    "performanceTrackingEnabled" BOOLEAN NOT NULL DEFAULT true,
    "lastMissionAdaptation" TIMESTAMP(3),
    "behavioralAnalysisEnabled" BOOLEAN NOT NULL DEFAULT true,
    "learningStyleProfilingEnabled" BOOLEAN NOT NULL DEFAULT true,
    "shareAnonymizedPatterns" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "lectures" (
    "id" TEXT NOT NULL,

    CONSTRAINT "lectures_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "learning_objectives" (
    "id" TEXT NOT NULL,
    "lectureId" TEXT NOT NULL,
    "objective" TEXT NOT NULL,
    "isHighYield" BOOLEAN NOT NULL DEFAULT false,
    "extractedBy" TEXT NOT NULL DEFAULT 'gpt-5',
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "complexity" "ObjectiveComplexity" NOT NULL DEFAULT 'INTERMEDIATE',
    "boardExamTags" TEXT[],
    "pageStart" INTEGER,
    "pageEnd" INTEGER,
    "lastStudiedAt" TIMESTAMP(3),
    "masteryLevel" "MasteryLevel" NOT NULL DEFAULT 'NOT_STARTED',
    "totalStudyTimeMs" INTEGER NOT NULL DEFAULT 0,
    "weaknessScore" DOUBLE PRECISION NOT NULL DEFAULT 0.5,

    CONSTRAINT "learning_objectives_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "missions" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "date" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "status" "MissionStatus" NOT NULL DEFAULT 'PENDING',
    "estimatedMinutes" INTEGER NOT NULL,
    "completedAt" TIMESTAMP(3),
    "reviewCardCount" INTEGER NOT NULL DEFAULT 0,
    "newContentCount" INTEGER NOT NULL DEFAULT 0,
    "actualMinutes" INTEGER,
    "completedObjectivesCount" INTEGER NOT NULL DEFAULT 0,
    "objectives" JSONB NOT NULL,
    "difficultyRating" INTEGER,
    "successScore" DOUBLE PRECISION,
    "recommendedStartTime" TIMESTAMP(3),
    "actualStartTime" TIMESTAMP(3),
    "sessionPerformanceScore" DOUBLE PRECISION,
    "recommendedDuration" INTEGER,
    "actualDuration" INTEGER,

    CONSTRAINT "missions_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "learning_articles" (
    "id" TEXT NOT NULL,
    "slug" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "category" "ArticleCategory" NOT NULL,
    "summary" TEXT NOT NULL,
    "content" TEXT NOT NULL,
    "personalizedSections" JSONB,
    "externalLinks" JSONB,
    "readingTimeMinutes" INTEGER NOT NULL DEFAULT 5,
    "difficulty" TEXT NOT NULL DEFAULT 'BEGINNER',
    "tags" TEXT[],
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,
    "publishedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "learning_articles_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "article_reads" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "articleId" TEXT NOT NULL,
    "readAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "readDurationSeconds" INTEGER,
    "completedRead" BOOLEAN NOT NULL DEFAULT false,
    "helpful" BOOLEAN,
    "rating" INTEGER,
    "feedback" TEXT,

    CONSTRAINT "article_reads_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "behavioral_events" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "eventType" "EventType" NOT NULL,
    "eventData" JSONB NOT NULL,
    "timestamp" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "completionQuality" "CompletionQuality",
    "contentType" TEXT,
    "dayOfWeek" INTEGER,
    "difficultyLevel" TEXT,
    "engagementLevel" "EngagementLevel",
    "sessionPerformanceScore" INTEGER,
    "timeOfDay" INTEGER,

    CONSTRAINT "behavioral_events_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "behavioral_patterns" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "patternType" "BehavioralPatternType" NOT NULL,
    "patternName" TEXT NOT NULL,
    "confidence" DOUBLE PRECISION NOT NULL,
    "evidence" JSONB NOT NULL,
    "detectedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "lastSeenAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "occurrenceCount" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "behavioral_patterns_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "behavioral_insights" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "insightType" "InsightType" NOT NULL,
    "title" TEXT NOT NULL,
    "description" TEXT NOT NULL,
    "actionableRecommendation" TEXT NOT NULL,
    "confidence" DOUBLE PRECISION NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "acknowledgedAt" TIMESTAMP(3),
    "applied" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "behavioral_insights_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "insight_patterns" (
    "id" TEXT NOT NULL,
    "insightId" TEXT NOT NULL,
    "patternId" TEXT NOT NULL,

    CONSTRAINT "insight_patterns_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "user_learning_profiles" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "preferredStudyTimes" JSONB NOT NULL,
    "averageSessionDuration" INTEGER NOT NULL,
    "optimalSessionDuration" INTEGER NOT NULL,
    "contentPreferences" JSONB NOT NULL,
    "learningStyleProfile" JSONB NOT NULL,
    "personalizedForgettingCurve" JSONB NOT NULL,
    "lastAnalyzedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "dataQualityScore" DOUBLE PRECISION NOT NULL DEFAULT 0.0,

    CONSTRAINT "user_learning_profiles_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "recommendations" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "recommendationType" "RecommendationType" NOT NULL,
    "title" TEXT NOT NULL,
    "description" TEXT NOT NULL,
    "actionableText" TEXT NOT NULL,
    "confidence" DOUBLE PRECISION NOT NULL,
    "estimatedImpact" DOUBLE PRECISION NOT NULL,
    "easeOfImplementation" DOUBLE PRECISION NOT NULL,
    "userReadiness" DOUBLE PRECISION NOT NULL,
    "priorityScore" DOUBLE PRECISION NOT NULL,
    "status" "RecommendationStatus" NOT NULL DEFAULT 'PENDING',
    "sourcePatternIds" TEXT[],
    "sourceInsightIds" TEXT[],
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "appliedAt" TIMESTAMP(3),
    "dismissedAt" TIMESTAMP(3),

    CONSTRAINT "recommendations_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "applied_recommendations" (
    "id" TEXT NOT NULL,
    "recommendationId" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "applicationType" "ApplicationType" NOT NULL,
    "baselineMetrics" JSONB NOT NULL,
    "currentMetrics" JSONB,
    "effectiveness" DOUBLE PRECISION,
    "appliedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "evaluatedAt" TIMESTAMP(3),

    CONSTRAINT "applied_recommendations_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "behavioral_goals" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "goalType" "BehavioralGoalType" NOT NULL,
    "title" TEXT NOT NULL,
    "description" TEXT NOT NULL,
    "targetMetric" TEXT NOT NULL,
    "currentValue" DOUBLE PRECISION NOT NULL,
    "targetValue" DOUBLE PRECISION NOT NULL,
    "deadline" TIMESTAMP(3) NOT NULL,
    "status" "GoalStatus" NOT NULL DEFAULT 'ACTIVE',
    "progressHistory" JSONB NOT NULL,
    "completedAt" TIMESTAMP(3),
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "behavioral_goals_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "insight_notifications" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "notificationType" "NotificationType" NOT NULL,
    "title" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "priority" "NotificationPriority" NOT NULL DEFAULT 'NORMAL',
    "relatedEntityId" TEXT,
    "relatedEntityType" TEXT,
    "readAt" TIMESTAMP(3),
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "insight_notifications_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "study_schedule_recommendations" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "recommendedSchedule" JSONB NOT NULL,
    "reasoning" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "study_schedule_recommendations_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "schedule_adaptations" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "adaptationType" "AdaptationType" NOT NULL,
    "adaptationDetails" JSONB NOT NULL,
    "appliedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "schedule_adaptations_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "calendar_integrations" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "calendarProvider" TEXT NOT NULL,
    "accessToken" TEXT NOT NULL,
    "refreshToken" TEXT,
    "expiresAt" TIMESTAMP(3),
    "lastSyncAt" TIMESTAMP(3),
    "syncEnabled" BOOLEAN NOT NULL DEFAULT true,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "calendar_integrations_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "session_orchestration_plans" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "missionId" TEXT,
    "planData" JSONB NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "appliedAt" TIMESTAMP(3),

    CONSTRAINT "session_orchestration_plans_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "struggle_predictions" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "learningObjectiveId" TEXT NOT NULL,
    "topicId" TEXT,
    "predictedStruggleProbability" DOUBLE PRECISION NOT NULL,
    "predictionConfidence" DOUBLE PRECISION NOT NULL,
    "predictionStatus" "PredictionStatus" NOT NULL DEFAULT 'PENDING',
    "featureVector" JSONB,
    "strugglingFactors" JSONB NOT NULL,
    "predictionDate" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "predictedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "acknowledgedAt" TIMESTAMP(3),
    "actualOutcome" BOOLEAN,
    "actualOutcomeRecordedAt" TIMESTAMP(3),
    "interventionApplied" BOOLEAN NOT NULL DEFAULT false,
    "interventionId" TEXT,

    CONSTRAINT "struggle_predictions_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "struggle_indicators" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "learningObjectiveId" TEXT NOT NULL,
    "predictionId" TEXT,
    "indicatorType" "IndicatorType" NOT NULL,
    "severity" "Severity" NOT NULL,
    "context" JSONB,
    "detectedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "struggle_indicators_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "intervention_recommendations" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "predictionId" TEXT,
    "interventionType" "InterventionType" NOT NULL,
    "description" TEXT NOT NULL,
    "reasoning" TEXT NOT NULL,
    "priority" INTEGER NOT NULL,
    "status" "InterventionStatus" NOT NULL DEFAULT 'PENDING',
    "relatedObjectiveId" TEXT,
    "appliedToMissionId" TEXT,
    "appliedAt" TIMESTAMP(3),
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "acknowledgedAt" TIMESTAMP(3),

    CONSTRAINT "intervention_recommendations_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "cognitive_load_metrics" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "sessionId" TEXT,
    "loadScore" DOUBLE PRECISION NOT NULL,
    "stressIndicators" JSONB NOT NULL,
    "confidenceLevel" DOUBLE PRECISION NOT NULL,
    "timestamp" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "cognitive_load_metrics_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "burnout_risk_assessments" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "riskScore" DOUBLE PRECISION NOT NULL,
    "riskLevel" "BurnoutRiskLevel" NOT NULL,
    "contributingFactors" JSONB NOT NULL,
    "warningSignals" JSONB,
    "recommendations" TEXT[],
    "confidence" DOUBLE PRECISION NOT NULL DEFAULT 0.7,
    "assessmentDate" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "interventionApplied" BOOLEAN NOT NULL DEFAULT false,
    "interventionId" TEXT,

    CONSTRAINT "burnout_risk_assessments_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "stress_response_patterns" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "patternData" JSONB NOT NULL,
    "confidence" DOUBLE PRECISION NOT NULL,
    "detectedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "stress_response_patterns_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "personalization_preferences" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "personalizationLevel" "PersonalizationLevel" NOT NULL DEFAULT 'MEDIUM',
    "autoAdaptEnabled" BOOLEAN NOT NULL DEFAULT true,
    "missionPersonalizationEnabled" BOOLEAN NOT NULL DEFAULT true,
    "contentPersonalizationEnabled" BOOLEAN NOT NULL DEFAULT true,
    "assessmentPersonalizationEnabled" BOOLEAN NOT NULL DEFAULT true,
    "sessionPersonalizationEnabled" BOOLEAN NOT NULL DEFAULT true,
    "disabledFeatures" TEXT[],
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,
    "lastResetAt" TIMESTAMP(3),

    CONSTRAINT "personalization_preferences_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "personalization_configs" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "preferencesId" TEXT NOT NULL,
    "context" "PersonalizationContext" NOT NULL,
    "strategyVariant" TEXT NOT NULL,
    "missionPersonalization" JSONB,
    "contentPersonalization" JSONB,
    "assessmentPersonalization" JSONB,
    "sessionPersonalization" JSONB,
    "effectivenessScore" DOUBLE PRECISION,
    "confidenceScore" DOUBLE PRECISION NOT NULL DEFAULT 0.7,
    "timesSelected" INTEGER NOT NULL DEFAULT 0,
    "totalReward" DOUBLE PRECISION NOT NULL DEFAULT 0.0,
    "avgReward" DOUBLE PRECISION NOT NULL DEFAULT 0.0,
    "isActive" BOOLEAN NOT NULL DEFAULT true,
    "activatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deactivatedAt" TIMESTAMP(3),
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "personalization_configs_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "personalization_experiments" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "preferencesId" TEXT NOT NULL,
    "experimentName" TEXT NOT NULL,
    "experimentType" "ExperimentType" NOT NULL DEFAULT 'AB_TEST',
    "context" "PersonalizationContext" NOT NULL,
    "variants" JSONB NOT NULL,
    "assignedVariant" TEXT,
    "status" "ExperimentStatus" NOT NULL DEFAULT 'ACTIVE',
    "startDate" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "endDate" TIMESTAMP(3) NOT NULL,
    "minParticipants" INTEGER NOT NULL DEFAULT 20,
    "minDuration" INTEGER NOT NULL DEFAULT 14,
    "currentParticipants" INTEGER NOT NULL DEFAULT 0,
    "variantMetrics" JSONB,
    "winningVariant" TEXT,
    "statisticalSignificance" DOUBLE PRECISION,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "completedAt" TIMESTAMP(3),

    CONSTRAINT "personalization_experiments_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "experiment_assignments" (
    "id" TEXT NOT NULL,
    "experimentId" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "variantId" TEXT NOT NULL,
    "assignedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "experiment_assignments_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "personalization_effectiveness" (
    "id" TEXT NOT NULL,
    "configId" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "startDate" TIMESTAMP(3) NOT NULL,
    "endDate" TIMESTAMP(3) NOT NULL,
    "retentionImprovement" DOUBLE PRECISION,
    "performanceImprovement" DOUBLE PRECISION,
    "completionRateChange" DOUBLE PRECISION,
    "engagementChange" DOUBLE PRECISION,
    "sampleSize" INTEGER NOT NULL,
    "correlation" DOUBLE PRECISION,
    "pValue" DOUBLE PRECISION,
    "confidenceInterval" JSONB,
    "compositeScore" DOUBLE PRECISION NOT NULL,
    "isStatisticallySignificant" BOOLEAN NOT NULL DEFAULT false,
    "calculatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "personalization_effectiveness_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "personalization_outcomes" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "configId" TEXT,
    "outcomeType" "OutcomeType" NOT NULL,
    "context" "PersonalizationContext" NOT NULL,
    "timestamp" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "retentionScore" DOUBLE PRECISION,
    "performanceScore" DOUBLE PRECISION,
    "completionRate" DOUBLE PRECISION,
    "engagementScore" DOUBLE PRECISION,
    "sessionDuration" INTEGER,
    "contentType" TEXT,
    "difficultyLevel" TEXT,
    "personalizationApplied" BOOLEAN NOT NULL DEFAULT false,
    "strategyVariant" TEXT,

    CONSTRAINT "personalization_outcomes_pkey" PRIMARY KEY ("id")
);

CREATE UNIQUE INDEX "users_email_key" ON "users"("email");
CREATE INDEX "learning_objectives_complexity_idx" ON "learning_objectives"("complexity");
CREATE INDEX "learning_objectives_isHighYield_idx" ON "learning_objectives"("isHighYield");
CREATE INDEX "learning_objectives_lectureId_idx" ON "learning_objectives"("lectureId");
CREATE INDEX "learning_objectives_masteryLevel_idx" ON "learning_objectives"("masteryLevel");
CREATE INDEX "learning_objectives_weaknessScore_idx" ON "learning_objectives"("weaknessScore");
CREATE INDEX "missions_date_idx" ON "missions"("date");
CREATE INDEX "missions_status_idx" ON "missions"("status");
CREATE INDEX "missions_userId_idx" ON "missions"("userId");
CREATE INDEX "learning_articles_category_idx" ON "learning_articles"("category");
CREATE INDEX "learning_articles_slug_idx" ON "learning_articles"("slug");
CREATE UNIQUE INDEX "learning_articles_slug_key" ON "learning_articles"("slug");
CREATE INDEX "article_reads_articleId_idx" ON "article_reads"("articleId");
CREATE INDEX "article_reads_readAt_idx" ON "article_reads"("readAt");
CREATE UNIQUE INDEX "article_reads_userId_articleId_key" ON "article_reads"("userId", "articleId");
CREATE INDEX "article_reads_userId_idx" ON "article_reads"("userId");
CREATE INDEX "behavioral_events_eventType_idx" ON "behavioral_events"("eventType");
CREATE INDEX "behavioral_events_timestamp_idx" ON "behavioral_events"("timestamp");
CREATE INDEX "behavioral_events_userId_idx" ON "behavioral_events"("userId");
CREATE INDEX "behavioral_patterns_confidence_idx" ON "behavioral_patterns"("confidence");
CREATE INDEX "behavioral_patterns_patternType_idx" ON "behavioral_patterns"("patternType");
CREATE INDEX "behavioral_patterns_userId_idx" ON "behavioral_patterns"("userId");
CREATE INDEX "behavioral_insights_acknowledgedAt_idx" ON "behavioral_insights"("acknowledgedAt");
CREATE INDEX "behavioral_insights_createdAt_idx" ON "behavioral_insights"("createdAt");
CREATE INDEX "behavioral_insights_userId_idx" ON "behavioral_insights"("userId");
CREATE INDEX "insight_patterns_insightId_idx" ON "insight_patterns"("insightId");
CREATE UNIQUE INDEX "insight_patterns_insightId_patternId_key" ON "insight_patterns"("insightId", "patternId");
CREATE INDEX "insight_patterns_patternId_idx" ON "insight_patterns"("patternId");
CREATE INDEX "user_learning_profiles_userId_idx" ON "user_learning_profiles"("userId");
CREATE UNIQUE INDEX "user_learning_profiles_userId_key" ON "user_learning_profiles"("userId");
CREATE INDEX "recommendations_priorityScore_idx" ON "recommendations"("priorityScore");
CREATE INDEX "recommendations_recommendationType_idx" ON "recommendations"("recommendationType");
CREATE INDEX "recommendations_status_idx" ON "recommendations"("status");
CREATE INDEX "recommendations_userId_idx" ON "recommendations"("userId");
CREATE INDEX "applied_recommendations_applicationType_idx" ON "applied_recommendations"("applicationType");
CREATE INDEX "applied_recommendations_recommendationId_idx" ON "applied_recommendations"("recommendationId");
CREATE INDEX "applied_recommendations_userId_idx" ON "applied_recommendations"("userId");
CREATE INDEX "behavioral_goals_deadline_idx" ON "behavioral_goals"("deadline");
CREATE INDEX "behavioral_goals_status_idx" ON "behavioral_goals"("status");
CREATE INDEX "behavioral_goals_userId_idx" ON "behavioral_goals"("userId");
CREATE INDEX "insight_notifications_notificationType_idx" ON "insight_notifications"("notificationType");
CREATE INDEX "insight_notifications_readAt_idx" ON "insight_notifications"("readAt");
CREATE INDEX "insight_notifications_userId_idx" ON "insight_notifications"("userId");
CREATE INDEX "study_schedule_recommendations_userId_idx" ON "study_schedule_recommendations"("userId");
CREATE INDEX "schedule_adaptations_userId_idx" ON "schedule_adaptations"("userId");
CREATE INDEX "calendar_integrations_userId_idx" ON "calendar_integrations"("userId");
CREATE UNIQUE INDEX "calendar_integrations_userId_key" ON "calendar_integrations"("userId");
CREATE INDEX "session_orchestration_plans_missionId_idx" ON "session_orchestration_plans"("missionId");
CREATE INDEX "session_orchestration_plans_userId_idx" ON "session_orchestration_plans"("userId");
CREATE INDEX "struggle_predictions_learningObjectiveId_idx" ON "struggle_predictions"("learningObjectiveId");
CREATE INDEX "struggle_predictions_predictedStruggleProbability_idx" ON "struggle_predictions"("predictedStruggleProbability");
CREATE INDEX "struggle_predictions_predictionDate_idx" ON "struggle_predictions"("predictionDate");
CREATE INDEX "struggle_predictions_predictionStatus_idx" ON "struggle_predictions"("predictionStatus");
CREATE INDEX "struggle_predictions_topicId_idx" ON "struggle_predictions"("topicId");
CREATE INDEX "struggle_predictions_userId_idx" ON "struggle_predictions"("userId");
CREATE INDEX "struggle_indicators_indicatorType_idx" ON "struggle_indicators"("indicatorType");
CREATE INDEX "struggle_indicators_learningObjectiveId_idx" ON "struggle_indicators"("learningObjectiveId");
CREATE INDEX "struggle_indicators_predictionId_idx" ON "struggle_indicators"("predictionId");
CREATE INDEX "struggle_indicators_severity_idx" ON "struggle_indicators"("severity");
CREATE INDEX "struggle_indicators_userId_idx" ON "struggle_indicators"("userId");
CREATE INDEX "intervention_recommendations_predictionId_idx" ON "intervention_recommendations"("predictionId");
CREATE INDEX "intervention_recommendations_priority_idx" ON "intervention_recommendations"("priority");
CREATE INDEX "intervention_recommendations_status_idx" ON "intervention_recommendations"("status");
CREATE INDEX "intervention_recommendations_userId_idx" ON "intervention_recommendations"("userId");
CREATE INDEX "cognitive_load_metrics_loadScore_idx" ON "cognitive_load_metrics"("loadScore");
CREATE INDEX "cognitive_load_metrics_sessionId_idx" ON "cognitive_load_metrics"("sessionId");
CREATE INDEX "cognitive_load_metrics_timestamp_idx" ON "cognitive_load_metrics"("timestamp");
CREATE INDEX "cognitive_load_metrics_userId_idx" ON "cognitive_load_metrics"("userId");
CREATE INDEX "burnout_risk_assessments_assessmentDate_idx" ON "burnout_risk_assessments"("assessmentDate");
CREATE INDEX "burnout_risk_assessments_riskLevel_idx" ON "burnout_risk_assessments"("riskLevel");
CREATE INDEX "burnout_risk_assessments_userId_idx" ON "burnout_risk_assessments"("userId");
CREATE INDEX "stress_response_patterns_userId_idx" ON "stress_response_patterns"("userId");
CREATE INDEX "personalization_preferences_userId_idx" ON "personalization_preferences"("userId");
CREATE UNIQUE INDEX "personalization_preferences_userId_key" ON "personalization_preferences"("userId");
CREATE INDEX "personalization_configs_context_idx" ON "personalization_configs"("context");
CREATE INDEX "personalization_configs_isActive_idx" ON "personalization_configs"("isActive");
CREATE INDEX "personalization_configs_strategyVariant_idx" ON "personalization_configs"("strategyVariant");
CREATE INDEX "personalization_configs_userId_idx" ON "personalization_configs"("userId");
CREATE INDEX "personalization_experiments_context_idx" ON "personalization_experiments"("context");
CREATE INDEX "personalization_experiments_startDate_endDate_idx" ON "personalization_experiments"("startDate", "endDate");
CREATE INDEX "personalization_experiments_status_idx" ON "personalization_experiments"("status");
CREATE INDEX "personalization_experiments_userId_idx" ON "personalization_experiments"("userId");
CREATE INDEX "experiment_assignments_experimentId_idx" ON "experiment_assignments"("experimentId");
CREATE UNIQUE INDEX "experiment_assignments_experimentId_userId_key" ON "experiment_assignments"("experimentId", "userId");
CREATE INDEX "experiment_assignments_userId_idx" ON "experiment_assignments"("userId");
CREATE INDEX "personalization_effectiveness_configId_idx" ON "personalization_effectiveness"("configId");
CREATE INDEX "personalization_effectiveness_startDate_endDate_idx" ON "personalization_effectiveness"("startDate", "endDate");
CREATE INDEX "personalization_effectiveness_userId_idx" ON "personalization_effectiveness"("userId");
CREATE INDEX "personalization_outcomes_configId_idx" ON "personalization_outcomes"("configId");
CREATE INDEX "personalization_outcomes_outcomeType_idx" ON "personalization_outcomes"("outcomeType");
CREATE INDEX "personalization_outcomes_timestamp_idx" ON "personalization_outcomes"("timestamp");
CREATE INDEX "personalization_outcomes_userId_idx" ON "personalization_outcomes"("userId");

ALTER TABLE "learning_objectives" ADD CONSTRAINT "learning_objectives_lectureId_fkey" FOREIGN KEY ("lectureId") REFERENCES "lectures"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "missions" ADD CONSTRAINT "missions_userId_fkey" FOREIGN KEY ("userId") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "article_reads" ADD CONSTRAINT "article_reads_articleId_fkey" FOREIGN KEY ("articleId") REFERENCES "learning_articles"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "insight_patterns" ADD CONSTRAINT "insight_patterns_insightId_fkey" FOREIGN KEY ("insightId") REFERENCES "behavioral_insights"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "insight_patterns" ADD CONSTRAINT "insight_patterns_patternId_fkey" FOREIGN KEY ("patternId") REFERENCES "behavioral_patterns"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "applied_recommendations" ADD CONSTRAINT "applied_recommendations_recommendationId_fkey" FOREIGN KEY ("recommendationId") REFERENCES "recommendations"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "struggle_predictions" ADD CONSTRAINT "struggle_predictions_learningObjectiveId_fkey" FOREIGN KEY ("learningObjectiveId") REFERENCES "learning_objectives"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "struggle_indicators" ADD CONSTRAINT "struggle_indicators_predictionId_fkey" FOREIGN KEY ("predictionId") REFERENCES "struggle_predictions"("id") ON DELETE SET NULL ON UPDATE CASCADE;
ALTER TABLE "intervention_recommendations" ADD CONSTRAINT "intervention_recommendations_predictionId_fkey" FOREIGN KEY ("predictionId") REFERENCES "struggle_predictions"("id") ON DELETE SET NULL ON UPDATE CASCADE;
ALTER TABLE "personalization_configs" ADD CONSTRAINT "personalization_configs_preferencesId_fkey" FOREIGN KEY ("preferencesId") REFERENCES "personalization_preferences"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "personalization_experiments" ADD CONSTRAINT "personalization_experiments_preferencesId_fkey" FOREIGN KEY ("preferencesId") REFERENCES "personalization_preferences"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "personalization_effectiveness" ADD CONSTRAINT "personalization_effectiveness_configId_fkey" FOREIGN KEY ("configId") REFERENCES "personalization_configs"("id") ON DELETE CASCADE ON UPDATE CASCADE;
