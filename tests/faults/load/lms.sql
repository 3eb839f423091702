\set n random(1, 2000)
INSERT INTO lms_app.analytics (id, organization_id, event_type) VALUES (gen_random_uuid()::text, 'north', 'nugget_viewed');
SELECT count(*) FROM lms_app.nuggets WHERE organization_id = 'south' AND status = 'ready';
BEGIN;
INSERT INTO lms_app.messages (id, session_id, role, content)
VALUES (gen_random_uuid()::text, 'north-session', 'user', 'Why?');
UPDATE lms_app.voice_configs SET updated_at = now() WHERE scope = 'organization' AND scope_id = 'south';
END;
INSERT INTO lms_app.ingestion_jobs (id, type, source, organization_id)
VALUES (gen_random_uuid()::text, 'file', 'sets.pdf', 'south');
