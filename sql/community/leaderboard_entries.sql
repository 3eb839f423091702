-- name: give_sorts_memory
-- Lets the totals of 100k users stay in memory while they are ranked. Local to the transaction.
SELECT set_config('work_mem', '32MB', true);

-- name: refresh_day
-- Makes the boards of one day and metric equal to the ledger by writing changed rows only; rows of other days are
-- not touched. One scan of the metric's ledger (the other half of the UNION is planned away): sums by user, FILTERed a
-- period; users are joined after that. Points count from the period's start to the end of the day; an opening balance
-- was earned at no time, so it counts for ALL_TIME only.
-- The previous rank is that of the day before, computed here from the ledger and not read from stored rows, so that
-- days backfilled in any order give equal tables.
-- No MERGE: its NOT MATCHED BY SOURCE would read every stored day. What is stored for this day joins in once, by a FULL
-- JOIN; what differs is then found by key or ctid. No plan for that can go quadratic, even before the table was ever
-- analyzed (an UPDATE … FROM did), and one statement serves PostgreSQL 16 to 18. New rows come in the order of the
-- primary key, which costs less than writing to all of it at once.
WITH sums AS (
    SELECT "userId" AS user_id,
           sum(points) AS ever,
           sum(points) FILTER (WHERE at < %(from_day)s) AS past_ever,
           sum(points) FILTER (WHERE earned AND at >= %(from_month)s) AS monthly,
           sum(points) FILTER (WHERE earned AND at >= %(from_past_month)s AND at < %(from_day)s) AS past_monthly,
           sum(points) FILTER (WHERE earned AND at >= %(from_week)s) AS weekly,
           sum(points) FILTER (WHERE earned AND at >= %(from_past_week)s AND at < %(from_day)s) AS past_weekly,
           sum(points) FILTER (WHERE earned AND at >= %(from_day)s) AS daily,
           sum(points) FILTER (WHERE earned AND at >= %(from_past_day)s AND at < %(from_day)s) AS past_daily
    FROM xp_ledger
    CROSS JOIN LATERAL (SELECT "finalXP" AS points, "createdAt" AS at, "eventType" <> 'OPENING_BALANCE' AS earned) AS e
    WHERE %(metric)s = 'xp' AND "createdAt" < %(until)s
    GROUP BY "userId"
    UNION ALL
    SELECT "userId" AS user_id,
           sum(points) AS ever,
           sum(points) FILTER (WHERE at < %(from_day)s) AS past_ever,
           sum(points) FILTER (WHERE earned AND at >= %(from_month)s) AS monthly,
           sum(points) FILTER (WHERE earned AND at >= %(from_past_month)s AND at < %(from_day)s) AS past_monthly,
           sum(points) FILTER (WHERE earned AND at >= %(from_week)s) AS weekly,
           sum(points) FILTER (WHERE earned AND at >= %(from_past_week)s AND at < %(from_day)s) AS past_weekly,
           sum(points) FILTER (WHERE earned AND at >= %(from_day)s) AS daily,
           sum(points) FILTER (WHERE earned AND at >= %(from_past_day)s AND at < %(from_day)s) AS past_daily
    FROM reputation_ledger
    CROSS JOIN LATERAL (SELECT change AS points, "createdAt" AS at, "eventType" <> 'OPENING_BALANCE' AS earned) AS e
    WHERE %(metric)s = 'reputation' AND "createdAt" < %(until)s
    GROUP BY "userId"
),
standings AS (
    SELECT p.period, s.user_id,
           CASE WHEN NOT u."isSuspended" OR u."suspendedUntil" <= %(until)s THEN p.points END AS points,
           CASE WHEN NOT u."isSuspended" OR u."suspendedUntil" <= %(from_day)s THEN p.past_points END AS past_points
    FROM sums AS s
    JOIN users AS u ON u.id = s.user_id
    CROSS JOIN LATERAL (
        VALUES (1, ever, past_ever), (2, monthly, past_monthly), (3, weekly, past_weekly), (4, daily, past_daily)
    ) AS p (period, points, past_points)
    WHERE NOT u."leaderboardOptOut" AND NOT u."isShadowBanned"
      AND (p.points IS NOT NULL OR p.past_points IS NOT NULL)
),
ranked AS (
    SELECT period, user_id, points,
           rank() OVER present AS rank,
           dense_rank() OVER present AS dense_rank,
           CASE WHEN past_points IS NOT NULL THEN rank() OVER past END AS previous_rank
    FROM standings
    WINDOW present AS (PARTITION BY period ORDER BY points DESC NULLS LAST),
           past AS (PARTITION BY period ORDER BY past_points DESC NULLS LAST)
),
board AS (
    SELECT d.period, d.period_start, r.user_id, r.points, r.rank, r.dense_rank, r.previous_rank
    FROM ranked AS r
    JOIN (
        VALUES (1, 'ALL_TIME', %(epoch)s::date), (2, 'MONTHLY', %(month)s::date),
               (3, 'WEEKLY', %(week)s::date), (4, 'DAILY', %(as_of)s::date)
    ) AS d (n, period, period_start) ON d.n = r.period
    WHERE r.points IS NOT NULL
),
differing AS MATERIALIZED (
    SELECT e.ctid AS stored, b.period, b.period_start, b.user_id, b.points, b.rank, b.dense_rank, b.previous_rank
    FROM board AS b
    FULL JOIN (
        SELECT ctid, *
        FROM leaderboard_entries
        WHERE as_of = %(as_of)s::date AND metric = %(metric)s AND scope = 'GLOBAL'
    ) AS e ON e.period = b.period AND e.user_id = b.user_id
    WHERE (b.period_start, b.points, b.rank, b.dense_rank, b.previous_rank)
        IS DISTINCT FROM (e.period_start, e.points, e.rank, e.dense_rank, e.previous_rank)
),
deleted AS (
    DELETE FROM leaderboard_entries
    WHERE ctid = ANY (ARRAY(SELECT stored FROM differing WHERE user_id IS NULL))
    RETURNING 1
),
written AS (
    INSERT INTO leaderboard_entries
        (metric, period, scope, period_start, as_of, user_id, points, rank, dense_rank, previous_rank, recorded_at)
    SELECT %(metric)s, period, 'GLOBAL', period_start, %(as_of)s::date, user_id, points, rank, dense_rank,
           previous_rank, %(recorded_at)s
    FROM differing
    WHERE user_id IS NOT NULL
    ORDER BY period, user_id
    ON CONFLICT (as_of, metric, period, scope, user_id) DO UPDATE
    SET period_start = excluded.period_start, points = excluded.points, rank = excluded.rank,
        dense_rank = excluded.dense_rank, previous_rank = excluded.previous_rank, recorded_at = excluded.recorded_at
    RETURNING 1
)
SELECT (SELECT count(*) FROM written) AS written, (SELECT count(*) FROM deleted) AS deleted;

-- name: compare_boards
-- Counts what the checks compare on the boards of a day: boards without a first place or whose dense ranks are not as
-- many as their different points, and users whom no board may show.
WITH boards AS (
    SELECT metric, period, scope, count(*) AS users,
           min(rank) <> 1 OR max(dense_rank) <> count(DISTINCT points) OR bool_or(rank < dense_rank) AS wrong
    FROM leaderboard_entries
    WHERE as_of = %(as_of)s
    GROUP BY metric, period, scope
)
SELECT coalesce(sum(users), 0)::bigint AS entries,
       count(*) AS boards,
       count(*) FILTER (WHERE wrong) AS wrong_boards,
       (SELECT count(*)
        FROM leaderboard_entries AS e
        JOIN users AS u ON u.id = e.user_id
        WHERE e.as_of = %(as_of)s AND (u."leaderboardOptOut" OR u."isShadowBanned")) AS hidden_users_shown
FROM boards;

-- name: describe_by_board
-- The preview in the UI: users and points of each board of a day. Aggregates only.
SELECT metric, period, period_start::text AS since, count(*) AS users, sum(points)::bigint AS points,
       max(points) AS most, count(*) FILTER (WHERE previous_rank IS NULL) AS newcomers
FROM leaderboard_entries
WHERE as_of = %(as_of)s
GROUP BY 1, 2, 3
ORDER BY 1 DESC, 3, 2;
