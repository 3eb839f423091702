-- name: find_newest_day
-- Tells the newest day of a period for which boards are stored: a closed period shows its last day, an open one its
-- newest.
SELECT max(as_of) AS as_of
FROM leaderboard_entries
WHERE as_of BETWEEN %(first_day)s AND %(last_day)s AND metric = 'xp' AND scope = 'GLOBAL';

-- name: write_board
-- Makes the application's rows of one period equal to our XP board of a day. Changed rows only. Rows that the
-- application has made itself are updated under their own id, and never deleted; rows of ours that are no longer on the
-- board are. Points that are no integer go to quarantine.
WITH board AS MATERIALIZED (
    SELECT user_id, points, rank
    FROM leaderboard_entries
    WHERE as_of = %(as_of)s AND metric = 'xp' AND period = %(period)s AND scope = 'GLOBAL'
),
refused AS (
    INSERT INTO espalier.quarantine (domain, source_table, source_key, reason, payload, first_seen, last_seen)
    SELECT 'community', 'leaderboard_entries', user_id || ' ' || %(period)s || ' ' || %(start_key)s,
           'points out of the range of an integer', jsonb_build_object('points', points), %(recorded_at)s,
           %(recorded_at)s
    FROM board
    WHERE points NOT BETWEEN -2147483648 AND 2147483647
    ON CONFLICT (domain, source_table, source_key, reason) DO UPDATE
    SET payload = excluded.payload, last_seen = excluded.last_seen
    RETURNING 1
),
differing AS MATERIALIZED (
    SELECT b.user_id, b.points, b.rank, s.id
    FROM (SELECT * FROM board WHERE points BETWEEN -2147483648 AND 2147483647) AS b
    FULL JOIN (
        SELECT *, md5(ARRAY['leaderboard_snapshots', "userId", %(period)s, 'GLOBAL', %(start_key)s]::text) AS our_id
        FROM leaderboard_snapshots
        WHERE period = %(period)s::"LeaderboardPeriod" AND scope = 'GLOBAL' AND "periodStart" = %(starts_at)s
    ) AS s ON s."userId" = b.user_id
    WHERE (b.user_id IS NULL AND s.id = s.our_id)
       OR (b.user_id IS NOT NULL AND (s.points, s.rank, s."periodEnd", s."createdAt")
           IS DISTINCT FROM (b.points, b.rank, %(ends_at)s::timestamp, %(created_at)s::timestamp))
),
deleted AS (
    DELETE FROM leaderboard_snapshots
    WHERE id = ANY (ARRAY(SELECT id FROM differing WHERE user_id IS NULL))
    RETURNING 1
),
written AS (
    INSERT INTO leaderboard_snapshots
        (id, "userId", period, scope, points, rank, "periodStart", "periodEnd", "createdAt")
    SELECT md5(ARRAY['leaderboard_snapshots', user_id, %(period)s, 'GLOBAL', %(start_key)s]::text), user_id,
           %(period)s::"LeaderboardPeriod", 'GLOBAL', points, rank, %(starts_at)s, %(ends_at)s, %(created_at)s
    FROM differing
    WHERE user_id IS NOT NULL
    ON CONFLICT ("userId", period, scope, "periodStart") DO UPDATE
    SET points = excluded.points, rank = excluded.rank, "periodEnd" = excluded."periodEnd",
        "createdAt" = excluded."createdAt"
    RETURNING 1
)
SELECT (SELECT count(*) FROM written) AS written,
       (SELECT count(*) FROM deleted) AS deleted,
       (SELECT count(*) FROM refused) AS quarantined;

-- name: compare_with_board
-- Counts what the check compares, in the snapshot in which the board was written: users of the board whose row is
-- missing or differs, and rows of the application that no board has.
SELECT count(s.id) AS rows,
       count(*) FILTER (
           WHERE b.user_id IS NOT NULL AND (s.points, s.rank) IS DISTINCT FROM (b.points, b.rank)
       ) AS differing,
       count(*) FILTER (WHERE b.user_id IS NULL) AS foreign_rows
FROM (
    SELECT user_id, points, rank
    FROM leaderboard_entries
    WHERE as_of = %(as_of)s AND metric = 'xp' AND period = %(period)s AND scope = 'GLOBAL'
      AND points BETWEEN -2147483648 AND 2147483647
) AS b
FULL JOIN (
    SELECT id, "userId", points, rank
    FROM leaderboard_snapshots
    WHERE period = %(period)s::"LeaderboardPeriod" AND scope = 'GLOBAL' AND "periodStart" = %(starts_at)s
) AS s ON s."userId" = b.user_id;
