-- What makes a migration take its time: rows in the tables that it changes, of the four applications.
INSERT INTO public.users (id, email, "updatedAt") SELECT 'u' || n, n || '@test.example', now() FROM generate_series(1, 2000) AS n;
INSERT INTO public.user_stats (id, "userId", "totalPoints", "updatedAt")
SELECT 's' || n, 'u' || n, 100, now() FROM generate_series(1, 2000) AS n;
INSERT INTO public.concepts (id, name, domain, "createdAt", "updatedAt")
SELECT 'c' || n, 'Concept ' || n, 'algebra', now(), now() FROM generate_series(1, 50) AS n;
INSERT INTO public.points_ledger (id, "userId", "eventType", points)
SELECT 'p' || n, 'u' || (1 + n % 2000), 'UPVOTE_RECEIVED', 10 FROM generate_series(1, 100000) AS n;
INSERT INTO public.concept_attempts (id, "userId", "conceptId", "isCorrect")
SELECT 'a' || n, 'u' || (1 + n % 2000), 'c' || (1 + n % 50), n % 3 > 0 FROM generate_series(1, 100000) AS n;
INSERT INTO behavior_app.behavioral_events (id, "userId", "eventType", "eventData", "timestamp")
SELECT 'e' || n, 'bob', 'SESSION_ENDED', '{}', now() - n * interval '1 minute' FROM generate_series(1, 100000) AS n;
INSERT INTO lms_app.analytics (id, organization_id, event_type)
SELECT 'e' || n, 'north', 'nugget_viewed' FROM generate_series(1, 100000) AS n;
INSERT INTO rag_app.materials (creator_id, title)
SELECT md5((1 + n % 30)::text)::uuid, 'Étude' FROM generate_series(1, 50000) AS n;
