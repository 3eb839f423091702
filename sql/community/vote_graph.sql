-- name: refresh_with_merge
-- Makes vote_graph equal to the votes on doubts and answers (seed 000, section 9) by writing changed rows only, so
-- that readers never see a half-built graph and an unchanged re-run writes nothing. Needs PostgreSQL 17.
-- Each pair of users is aggregated once, in canonical order, which gives both directions and their reciprocity
-- 2·min(a, b) / (a + b) without a self-join. A vote on one's own content is an edge to oneself, never reciprocal.
WITH votes AS (
    SELECT v."userId" AS voter, d."authorId" AS target, v.type, v."createdAt" AS at
    FROM doubt_votes AS v
    JOIN doubts AS d ON d.id = v."doubtId"
    UNION ALL
    SELECT v."userId", a."authorId", v.type, v."createdAt"
    FROM answer_votes AS v
    JOIN answers AS a ON a.id = v."answerId"
),
pairs AS (
    SELECT least(voter, target) AS low,
           greatest(voter, target) AS high,
           count(*) FILTER (WHERE voter <= target AND type = 'UP') AS up,
           count(*) FILTER (WHERE voter <= target AND type = 'DOWN') AS down,
           max(at) FILTER (WHERE voter <= target) AS last,
           count(*) FILTER (WHERE voter > target AND type = 'UP') AS back_up,
           count(*) FILTER (WHERE voter > target AND type = 'DOWN') AS back_down,
           max(at) FILTER (WHERE voter > target) AS back_last
    FROM votes
    GROUP BY 1, 2
),
edges AS (
    SELECT e.*, 2.0::float8 * least(up + down, back_up + back_down) / (up + down + back_up + back_down) AS reciprocity
    FROM pairs
    CROSS JOIN LATERAL (
        VALUES (low, high, (up + down)::int, up::int, down::int, last),
               (high, low, (back_up + back_down)::int, back_up::int, back_down::int, back_last)
    ) AS e (voter, target, vote_count, upvotes, downvotes, last_at)
    WHERE e.vote_count > 0
),
merged AS (
    MERGE INTO vote_graph AS g
    USING edges AS e ON g."voterId" = e.voter AND g."targetUserId" = e.target
    WHEN MATCHED AND (g."voteCount", g."upvoteCount", g."downvoteCount", g.reciprocity, g."lastVoteAt")
        IS DISTINCT FROM (e.vote_count, e.upvotes, e.downvotes, e.reciprocity, e.last_at) THEN
        UPDATE SET "voteCount" = e.vote_count, "upvoteCount" = e.upvotes, "downvoteCount" = e.downvotes,
                   reciprocity = e.reciprocity, "lastVoteAt" = e.last_at
    WHEN NOT MATCHED THEN
        INSERT (id, "voterId", "targetUserId", "voteCount", "upvoteCount", "downvoteCount", reciprocity, "lastVoteAt")
        VALUES (md5(ARRAY['vote_graph', e.voter, e.target]::text), e.voter, e.target, e.vote_count, e.upvotes,
                e.downvotes, e.reciprocity, e.last_at)
    WHEN NOT MATCHED BY SOURCE THEN
        DELETE
    RETURNING merge_action() AS action
)
SELECT count(*) FILTER (WHERE action = 'INSERT') AS inserted,
       count(*) FILTER (WHERE action = 'UPDATE') AS updated,
       count(*) FILTER (WHERE action = 'DELETE') AS deleted
FROM merged;

-- name: refresh_without_merge
-- The same for PostgreSQL 16, which has no NOT MATCHED BY SOURCE: update, insert and delete of one statement, all of
-- which see the graph as it was when the statement began. The job's lock keeps other writers away.
WITH votes AS (
    SELECT v."userId" AS voter, d."authorId" AS target, v.type, v."createdAt" AS at
    FROM doubt_votes AS v
    JOIN doubts AS d ON d.id = v."doubtId"
    UNION ALL
    SELECT v."userId", a."authorId", v.type, v."createdAt"
    FROM answer_votes AS v
    JOIN answers AS a ON a.id = v."answerId"
),
pairs AS (
    SELECT least(voter, target) AS low,
           greatest(voter, target) AS high,
           count(*) FILTER (WHERE voter <= target AND type = 'UP') AS up,
           count(*) FILTER (WHERE voter <= target AND type = 'DOWN') AS down,
           max(at) FILTER (WHERE voter <= target) AS last,
           count(*) FILTER (WHERE voter > target AND type = 'UP') AS back_up,
           count(*) FILTER (WHERE voter > target AND type = 'DOWN') AS back_down,
           max(at) FILTER (WHERE voter > target) AS back_last
    FROM votes
    GROUP BY 1, 2
),
edges AS MATERIALIZED (
    SELECT e.*, 2.0::float8 * least(up + down, back_up + back_down) / (up + down + back_up + back_down) AS reciprocity
    FROM pairs
    CROSS JOIN LATERAL (
        VALUES (low, high, (up + down)::int, up::int, down::int, last),
               (high, low, (back_up + back_down)::int, back_up::int, back_down::int, back_last)
    ) AS e (voter, target, vote_count, upvotes, downvotes, last_at)
    WHERE e.vote_count > 0
),
updated AS (
    UPDATE vote_graph AS g
    SET "voteCount" = e.vote_count, "upvoteCount" = e.upvotes, "downvoteCount" = e.downvotes,
        reciprocity = e.reciprocity, "lastVoteAt" = e.last_at
    FROM edges AS e
    WHERE g."voterId" = e.voter AND g."targetUserId" = e.target
      AND (g."voteCount", g."upvoteCount", g."downvoteCount", g.reciprocity, g."lastVoteAt")
          IS DISTINCT FROM (e.vote_count, e.upvotes, e.downvotes, e.reciprocity, e.last_at)
    RETURNING 1
),
inserted AS (
    INSERT INTO vote_graph (id, "voterId", "targetUserId", "voteCount", "upvoteCount", "downvoteCount", reciprocity,
                            "lastVoteAt")
    SELECT md5(ARRAY['vote_graph', e.voter, e.target]::text), e.voter, e.target, e.vote_count, e.upvotes, e.downvotes,
           e.reciprocity, e.last_at
    FROM edges AS e
    WHERE NOT EXISTS (SELECT FROM vote_graph AS g WHERE g."voterId" = e.voter AND g."targetUserId" = e.target)
    RETURNING 1
),
deleted AS (
    DELETE FROM vote_graph AS g
    WHERE NOT EXISTS (SELECT FROM edges AS e WHERE e.voter = g."voterId" AND e.target = g."targetUserId")
    RETURNING 1
)
SELECT (SELECT count(*) FROM inserted) AS inserted,
       (SELECT count(*) FROM updated) AS updated,
       (SELECT count(*) FROM deleted) AS deleted;

-- name: compare_with_votes
-- Counts what the checks compare: votes cast against votes in the graph, and edges that contradict themselves.
SELECT (SELECT count(*) FROM doubt_votes) + (SELECT count(*) FROM answer_votes) AS votes,
       coalesce(sum("voteCount"), 0)::bigint AS votes_in_graph,
       count(*) AS edges,
       count(DISTINCT "voterId") AS voters,
       coalesce(sum("downvoteCount"), 0)::bigint AS downvotes,
       count(*) FILTER (WHERE "voterId" = "targetUserId") AS self_edges,
       count(*) FILTER (WHERE reciprocity >= 0.8) AS reciprocal_edges,
       count(*) FILTER (
           WHERE "voteCount" <> "upvoteCount" + "downvoteCount" OR reciprocity NOT BETWEEN 0 AND 1
       ) AS contradictions
FROM vote_graph;

-- name: describe_by_reciprocity
-- The preview in the UI: edges and votes by tenth of reciprocity. Aggregates only.
SELECT width_bucket(reciprocity, 0, 1.0000001, 10) / 10.0 AS reciprocity_up_to,
       count(*) AS edges,
       sum("voteCount") AS votes,
       sum("downvoteCount") AS downvotes
FROM vote_graph
GROUP BY 1
ORDER BY 1;
