-- The plan's own SQL, run by hand before anybody asked: the key does not follow an id that changes, and Postgres itself
-- has cut the longest name, at 63 bytes, where Prisma would have kept `_idx`.

ALTER TABLE "experiment_assignments" ADD COLUMN "metrics" JSONB;
ALTER TABLE "experiment_assignments" ADD CONSTRAINT "experiment_assignments_experimentId_fkey" FOREIGN KEY ("experimentId") REFERENCES "personalization_experiments"("id") ON DELETE CASCADE;
ALTER TABLE "study_schedule_recommendations" ADD COLUMN "appliedAt" TIMESTAMP(3);
CREATE INDEX "study_schedule_recommendations_appliedAt_idx" ON "study_schedule_recommendations"("appliedAt");

CREATE INDEX "behavioral_events_userId_eventType_timestamp_idx" ON "behavioral_events"("userId", "eventType", "timestamp");
CREATE INDEX "behavioral_events_userId_dayOfWeek_idx" ON "behavioral_events"("userId", "dayOfWeek");
CREATE INDEX "behavioral_events_userId_timeOfDay_idx" ON "behavioral_events"("userId", "timeOfDay");
CREATE INDEX "behavioral_patterns_userId_patternType_confidence_idx" ON "behavioral_patterns"("userId", "patternType", "confidence");
CREATE INDEX "behavioral_patterns_userId_lastSeenAt_idx" ON "behavioral_patterns"("userId", "lastSeenAt");
CREATE INDEX "struggle_predictions_userId_predictionStatus_predictedStruggleProbability_idx" ON "struggle_predictions"("userId", "predictionStatus", "predictedStruggleProbability");
CREATE INDEX "struggle_predictions_userId_topicId_predictionDate_idx" ON "struggle_predictions"("userId", "topicId", "predictionDate");
CREATE INDEX "recommendations_userId_status_priorityScore_idx" ON "recommendations"("userId", "status", "priorityScore");
CREATE INDEX "recommendations_userId_createdAt_idx" ON "recommendations"("userId", "createdAt");
CREATE INDEX "personalization_configs_userId_context_isActive_idx" ON "personalization_configs"("userId", "context", "isActive");
CREATE INDEX "personalization_configs_userId_avgReward_idx" ON "personalization_configs"("userId", "avgReward");
