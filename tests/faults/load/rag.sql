\set n random(1, 30)
INSERT INTO rag_app.materials (creator_id, title) VALUES (md5((:n)::text)::uuid, 'Scales');
BEGIN;
SELECT title FROM rag_app.materials WHERE creator_id = md5((:n)::text)::uuid LIMIT 20;
UPDATE rag_app.users SET bio = 'Plays', updated_at = now() WHERE id = md5((:n)::text)::uuid;
END;
