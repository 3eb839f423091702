\set n random(1, 2000)
\set concept random(1, 50)
BEGIN;
SELECT sum(points) FROM public.points_ledger WHERE "userId" = 'u' || :n;
INSERT INTO public.points_ledger (id, "userId", "eventType", points)
VALUES (gen_random_uuid()::text, 'u' || :n, 'UPVOTE_RECEIVED', 10);
UPDATE public.user_stats SET "totalPoints" = "totalPoints" + 10, "updatedAt" = now() WHERE "userId" = 'u' || :n;
END;
INSERT INTO public.concept_attempts (id, "userId", "conceptId", "isCorrect")
VALUES (gen_random_uuid()::text, 'u' || :n, 'c' || :concept, true);
UPDATE public.users SET reputation = reputation + 1, "updatedAt" = now() WHERE id = 'u' || :n;
DELETE FROM public.points_ledger
WHERE id = (SELECT id FROM public.points_ledger WHERE "userId" = 'u' || :n ORDER BY "createdAt" DESC LIMIT 1);
