-- The old application: one entry and nine points more, of which one is a correction of an older entry.
\set n random(1, 1000)
\set key random(1, 9000000000000000000)
\set older random(1, 20000)
BEGIN;
SELECT sum(points) FROM community.points_ledger WHERE "userId" = 'u' || :n;
INSERT INTO community.points_ledger (id, "userId", "eventType", points)
VALUES ('old-' || :key, 'u' || :n, 'UPVOTE_RECEIVED', 7), ('gone-' || :key, 'u' || :n, 'UPVOTE_RECEIVED', 5);
UPDATE community.points_ledger SET points = 8 WHERE id = 'old-' || :key;
END;
DELETE FROM community.points_ledger WHERE id = 'gone-' || :key;
UPDATE community.points_ledger SET points = points + 1 WHERE id = 'p' || :older;
