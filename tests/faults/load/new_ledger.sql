-- The new application: one entry of twelve points more. What it has written before it leaves alone, as while the switch
-- is taken back nobody would tell the old ledger.
\set n random(1, 1000)
\set key random(1, 9000000000000000000)
BEGIN;
SELECT sum("finalXP") FROM community.xp_ledger WHERE "userId" = 'u' || :n;
INSERT INTO community.xp_ledger (id, "userId", "eventType", "baseXP", "finalXP", "masteryMult", reason)
VALUES ('new-' || :key, 'u' || :n, 'PEER_REVIEW', 10, 11, 1.1, ''), ('gone-' || :key, 'u' || :n, 'BADGE_EARNED', 5, 5, 1, '');
UPDATE community.xp_ledger SET "finalXP" = 12, "masteryMult" = 1.2 WHERE id = 'new-' || :key;
DELETE FROM community.xp_ledger WHERE id = 'gone-' || :key;
END;
SELECT count(*) FROM community.xp_ledger WHERE "userId" = 'u' || :n;
