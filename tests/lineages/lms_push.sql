-- What Prisma's push makes of the models of the lms application, unqualified: the search path says where.

CREATE TABLE "organizations" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "settings" JSONB,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "organizations_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "users" (
    "id" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "password_hash" TEXT,
    "name" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "organization_id" TEXT NOT NULL,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "learners" (
    "id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "organization_id" TEXT NOT NULL,
    "profile" JSONB NOT NULL,
    "mastery_map" JSONB NOT NULL DEFAULT '{}',
    "knowledge_gaps" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "preferences" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "learners_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "nuggets" (
    "id" TEXT NOT NULL,
    "organization_id" TEXT NOT NULL,
    "content" TEXT NOT NULL,
    "embedding" vector(1536),
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "image_url" TEXT,
    "audio_url" TEXT,
    "status" TEXT NOT NULL DEFAULT 'pending',
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "nuggets_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "narrative_nodes" (
    "id" TEXT NOT NULL,
    "nugget_id" TEXT NOT NULL,
    "organization_id" TEXT NOT NULL,
    "choices" JSONB NOT NULL DEFAULT '[]',
    "prerequisites" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "adapts_to" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "position" JSONB,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "narrative_nodes_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "sessions" (
    "id" TEXT NOT NULL,
    "learner_id" TEXT NOT NULL,
    "organization_id" TEXT NOT NULL,
    "current_node_id" TEXT,
    "path_history" JSONB NOT NULL DEFAULT '[]',
    "mode" TEXT NOT NULL DEFAULT 'text',
    "started_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_activity" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "completed_at" TIMESTAMP(3),

    CONSTRAINT "sessions_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "session_nodes" (
    "id" TEXT NOT NULL,
    "session_id" TEXT NOT NULL,
    "node_id" TEXT NOT NULL,
    "choice_id" TEXT,
    "visited_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "time_spent" INTEGER,

    CONSTRAINT "session_nodes_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "messages" (
    "id" TEXT NOT NULL,
    "session_id" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "content" TEXT NOT NULL,
    "tool_calls" JSONB,
    "tool_results" JSONB,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "messages_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "progress" (
    "id" TEXT NOT NULL,
    "learner_id" TEXT NOT NULL,
    "concept" TEXT NOT NULL,
    "mastery_level" INTEGER NOT NULL,
    "evidence" TEXT,
    "updated_at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "progress_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "watched_folders" (
    "id" TEXT NOT NULL,
    "organization_id" TEXT NOT NULL,
    "path" TEXT NOT NULL,
    "enabled" BOOLEAN NOT NULL DEFAULT true,
    "file_types" TEXT[] DEFAULT ARRAY['pdf', 'docx', 'txt']::TEXT[],
    "recursive" BOOLEAN NOT NULL DEFAULT true,
    "auto_process" BOOLEAN NOT NULL DEFAULT true,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "watched_folders_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "monitored_urls" (
    "id" TEXT NOT NULL,
    "organization_id" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "enabled" BOOLEAN NOT NULL DEFAULT true,
    "check_interval" INTEGER NOT NULL DEFAULT 5,
    "last_checked" TIMESTAMP(3),
    "last_modified" TIMESTAMP(3),
    "etag" TEXT,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "monitored_urls_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "ingestion_jobs" (
    "id" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "organization_id" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'pending',
    "metadata" JSONB DEFAULT '{}',
    "nugget_count" INTEGER,
    "error_message" TEXT,
    "started_at" TIMESTAMP(3),
    "completed_at" TIMESTAMP(3),
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ingestion_jobs_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "nugget_sources" (
    "id" TEXT NOT NULL,
    "nugget_id" TEXT NOT NULL,
    "source_type" TEXT NOT NULL,
    "source_path" TEXT NOT NULL,
    "ingestion_job_id" TEXT,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "nugget_sources_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "system_settings" (
    "id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "value" JSONB NOT NULL,
    "scope" TEXT,
    "scope_id" TEXT,
    "updated_at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "system_settings_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "voice_configs" (
    "id" TEXT NOT NULL,
    "scope" TEXT NOT NULL,
    "scope_id" TEXT,
    "tts_provider" TEXT NOT NULL,
    "tts_model" TEXT,
    "tts_voice" TEXT,
    "stt_provider" TEXT NOT NULL,
    "stt_model" TEXT,
    "quality_tier" TEXT NOT NULL,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "voice_configs_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "ai_model_configs" (
    "id" TEXT NOT NULL,
    "scope" TEXT NOT NULL,
    "scope_id" TEXT,
    "content_generation_model" TEXT NOT NULL DEFAULT 'gpt-5.1-mini',
    "narrative_planning_model" TEXT NOT NULL DEFAULT 'gpt-5.1-mini',
    "tutoring_model" TEXT NOT NULL DEFAULT 'gpt-5.1-mini',
    "metadata_model" TEXT NOT NULL DEFAULT 'gpt-5.1-nano',
    "embedding_model" TEXT NOT NULL DEFAULT 'text-embedding-3-small',
    "content_generation_temp" DOUBLE PRECISION DEFAULT 0.7,
    "narrative_planning_temp" DOUBLE PRECISION DEFAULT 0.8,
    "tutoring_temp" DOUBLE PRECISION DEFAULT 0.7,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "ai_model_configs_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "analytics" (
    "id" TEXT NOT NULL,
    "learner_id" TEXT,
    "organization_id" TEXT NOT NULL,
    "event_type" TEXT NOT NULL,
    "event_data" JSONB NOT NULL DEFAULT '{}',
    "timestamp" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "analytics_pkey" PRIMARY KEY ("id")
);

CREATE UNIQUE INDEX "users_email_key" ON "users"("email");
CREATE INDEX "users_email_idx" ON "users"("email");
CREATE INDEX "users_organization_id_idx" ON "users"("organization_id");
CREATE INDEX "users_role_idx" ON "users"("role");
CREATE UNIQUE INDEX "learners_user_id_key" ON "learners"("user_id");
CREATE INDEX "learners_organization_id_idx" ON "learners"("organization_id");
CREATE INDEX "learners_user_id_idx" ON "learners"("user_id");
CREATE INDEX "nuggets_organization_id_idx" ON "nuggets"("organization_id");
CREATE INDEX "nuggets_status_idx" ON "nuggets"("status");
CREATE INDEX "nuggets_created_at_idx" ON "nuggets"("created_at");
CREATE INDEX "narrative_nodes_nugget_id_idx" ON "narrative_nodes"("nugget_id");
CREATE INDEX "narrative_nodes_organization_id_idx" ON "narrative_nodes"("organization_id");
CREATE INDEX "sessions_learner_id_idx" ON "sessions"("learner_id");
CREATE INDEX "sessions_organization_id_idx" ON "sessions"("organization_id");
CREATE INDEX "sessions_current_node_id_idx" ON "sessions"("current_node_id");
CREATE INDEX "sessions_started_at_idx" ON "sessions"("started_at");
CREATE INDEX "sessions_last_activity_idx" ON "sessions"("last_activity");
CREATE INDEX "session_nodes_session_id_idx" ON "session_nodes"("session_id");
CREATE INDEX "session_nodes_node_id_idx" ON "session_nodes"("node_id");
CREATE INDEX "session_nodes_visited_at_idx" ON "session_nodes"("visited_at");
CREATE INDEX "messages_session_id_idx" ON "messages"("session_id");
CREATE INDEX "messages_created_at_idx" ON "messages"("created_at");
CREATE INDEX "messages_role_idx" ON "messages"("role");
CREATE UNIQUE INDEX "progress_learner_id_concept_key" ON "progress"("learner_id", "concept");
CREATE INDEX "progress_learner_id_idx" ON "progress"("learner_id");
CREATE INDEX "progress_concept_idx" ON "progress"("concept");
CREATE INDEX "progress_mastery_level_idx" ON "progress"("mastery_level");
CREATE INDEX "watched_folders_organization_id_idx" ON "watched_folders"("organization_id");
CREATE INDEX "watched_folders_enabled_idx" ON "watched_folders"("enabled");
CREATE INDEX "monitored_urls_organization_id_idx" ON "monitored_urls"("organization_id");
CREATE INDEX "monitored_urls_enabled_idx" ON "monitored_urls"("enabled");
CREATE INDEX "monitored_urls_last_checked_idx" ON "monitored_urls"("last_checked");
CREATE INDEX "ingestion_jobs_organization_id_idx" ON "ingestion_jobs"("organization_id");
CREATE INDEX "ingestion_jobs_status_idx" ON "ingestion_jobs"("status");
CREATE INDEX "ingestion_jobs_created_at_idx" ON "ingestion_jobs"("created_at");
CREATE INDEX "ingestion_jobs_type_idx" ON "ingestion_jobs"("type");
CREATE INDEX "nugget_sources_nugget_id_idx" ON "nugget_sources"("nugget_id");
CREATE INDEX "nugget_sources_ingestion_job_id_idx" ON "nugget_sources"("ingestion_job_id");
CREATE INDEX "nugget_sources_source_type_idx" ON "nugget_sources"("source_type");
CREATE UNIQUE INDEX "system_settings_key_key" ON "system_settings"("key");
CREATE INDEX "system_settings_scope_scope_id_idx" ON "system_settings"("scope", "scope_id");
CREATE INDEX "system_settings_key_idx" ON "system_settings"("key");
CREATE INDEX "voice_configs_scope_scope_id_idx" ON "voice_configs"("scope", "scope_id");
CREATE UNIQUE INDEX "voice_configs_scope_scope_id_key" ON "voice_configs"("scope", "scope_id");
CREATE INDEX "ai_model_configs_scope_scope_id_idx" ON "ai_model_configs"("scope", "scope_id");
CREATE UNIQUE INDEX "ai_model_configs_scope_scope_id_key" ON "ai_model_configs"("scope", "scope_id");
CREATE INDEX "analytics_learner_id_idx" ON "analytics"("learner_id");
CREATE INDEX "analytics_organization_id_idx" ON "analytics"("organization_id");
CREATE INDEX "analytics_event_type_idx" ON "analytics"("event_type");
CREATE INDEX "analytics_timestamp_idx" ON "analytics"("timestamp");

ALTER TABLE "users" ADD CONSTRAINT "users_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "learners" ADD CONSTRAINT "learners_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "learners" ADD CONSTRAINT "learners_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "nuggets" ADD CONSTRAINT "nuggets_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "narrative_nodes" ADD CONSTRAINT "narrative_nodes_nugget_id_fkey" FOREIGN KEY ("nugget_id") REFERENCES "nuggets"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "narrative_nodes" ADD CONSTRAINT "narrative_nodes_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_learner_id_fkey" FOREIGN KEY ("learner_id") REFERENCES "learners"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_current_node_id_fkey" FOREIGN KEY ("current_node_id") REFERENCES "narrative_nodes"("id") ON DELETE SET NULL ON UPDATE CASCADE;
ALTER TABLE "session_nodes" ADD CONSTRAINT "session_nodes_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "session_nodes" ADD CONSTRAINT "session_nodes_node_id_fkey" FOREIGN KEY ("node_id") REFERENCES "narrative_nodes"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "messages" ADD CONSTRAINT "messages_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "progress" ADD CONSTRAINT "progress_learner_id_fkey" FOREIGN KEY ("learner_id") REFERENCES "learners"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "watched_folders" ADD CONSTRAINT "watched_folders_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "monitored_urls" ADD CONSTRAINT "monitored_urls_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "nugget_sources" ADD CONSTRAINT "nugget_sources_nugget_id_fkey" FOREIGN KEY ("nugget_id") REFERENCES "nuggets"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "nugget_sources" ADD CONSTRAINT "nugget_sources_ingestion_job_id_fkey" FOREIGN KEY ("ingestion_job_id") REFERENCES "ingestion_jobs"("id") ON DELETE SET NULL ON UPDATE CASCADE;
