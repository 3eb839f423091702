-- What a site has that ran the application's own SQL after the push: its indexes, the needless one among them, and a
-- vector index on a table without rows.

CREATE INDEX nuggets_content_fts_idx ON nuggets USING gin(to_tsvector('english', content));
CREATE INDEX sessions_learner_activity_idx ON sessions(learner_id, last_activity DESC);
CREATE INDEX messages_session_created_idx ON messages(session_id, created_at);
CREATE INDEX progress_learner_concept_idx ON progress(learner_id, concept);
CREATE INDEX nuggets_ready_idx ON nuggets(organization_id, created_at) WHERE status = 'ready';
CREATE INDEX ingestion_jobs_pending_idx ON ingestion_jobs(organization_id, created_at) WHERE status = 'pending';
CREATE INDEX nuggets_embedding_idx ON nuggets USING ivfflat (embedding vector_cosine_ops) WITH (lists = 100);
