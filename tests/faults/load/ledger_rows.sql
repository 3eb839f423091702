-- A thousand users with twenty entries each, which the trigger copies to the new ledger.
INSERT INTO community.users (id, email, "updatedAt")
SELECT 'u' || n, n || '@test.example', now() FROM generate_series(1, 1000) AS n;
INSERT INTO community.points_ledger (id, "userId", "eventType", points)
SELECT 'p' || n, 'u' || (1 + n % 1000), 'UPVOTE_RECEIVED', 10 FROM generate_series(1, 20000) AS n;
