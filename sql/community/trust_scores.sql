-- name: initialize
-- Gives each user without a trust score the neutral one (seed 000, phase 4): 0.5, and the defaults of the table for the
-- components. Scores that exist are left alone.
INSERT INTO trust_scores (id, "userId", score, "lastUpdated")
SELECT md5(ARRAY['trust_scores', u.id]::text), u.id, 0.5, %(as_of)s AT TIME ZONE 'UTC'
FROM users AS u
WHERE (%(user_ids)s::text[] IS NULL OR u.id = ANY (%(user_ids)s))
  AND NOT EXISTS (SELECT FROM trust_scores AS t WHERE t."userId" = u.id)
ON CONFLICT DO NOTHING;

-- name: compare_with_users
-- Counts what the checks compare: users without a score, and scores outside 0 to 1.
SELECT (SELECT count(*) FROM trust_scores) AS "dagster/row_count",
       (SELECT count(*) FROM users AS u
        WHERE (%(user_ids)s::text[] IS NULL OR u.id = ANY (%(user_ids)s))
          AND NOT EXISTS (SELECT FROM trust_scores AS t WHERE t."userId" = u.id)) AS without_score,
       (SELECT count(*) FROM trust_scores WHERE score NOT BETWEEN 0 AND 1) AS out_of_range;

-- name: describe_by_band
-- The preview in the UI: users by band of the action matrix. Aggregates only.
SELECT CASE WHEN score < 0.2 THEN '1 banned (< 0.2)'
            WHEN score < 0.3 THEN '2 suspect (< 0.3)'
            WHEN score < 0.5 THEN '3 low (< 0.5)'
            WHEN score < 0.7 THEN '4 good (< 0.7)'
            WHEN score < 0.9 THEN '5 high (< 0.9)'
            ELSE '6 expert' END AS band,
       count(*) AS users,
       round(avg(score)::numeric, 3)::float8 AS mean_score
FROM trust_scores
GROUP BY 1
ORDER BY 1;
