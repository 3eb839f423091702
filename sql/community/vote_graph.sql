-- name: give_hashes_memory
-- Lets the hash tables of a million votes spill less. Local to the transaction.
SELECT set_config('work_mem', '16MB', true);

-- name: refresh
-- Makes vote_graph equal to the votes on doubts and answers (seed 000, section 9) by writing changed rows only, so
-- that readers never see a half-built graph and an unchanged re-run writes nothing. The job's lock keeps other writers
-- away. Each pair of users is aggregated once, in canonical order, which gives both directions and their reciprocity
-- 2·min(a, b) / (a + b) without a self-join. A vote on one's own content is an edge to oneself, never reciprocal.
-- What is stored joins in once, by a FULL JOIN, and what differs is then found by ctid. No MERGE: it visits every row
-- that matches, which takes twice as long when little has changed, and PostgreSQL 16 has no NOT MATCHED BY SOURCE. New
-- rows come in the order of their largest index, which keeps its pages in memory.
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
    SELECT CASE WHEN back THEN high ELSE low END AS voter,
           CASE WHEN back THEN low ELSE high END AS target,
           CASE WHEN back THEN back_up + back_down ELSE up + down END::int AS vote_count,
           CASE WHEN back THEN back_up ELSE up END::int AS upvotes,
           CASE WHEN back THEN back_down ELSE down END::int AS downvotes,
           2.0::float8 * least(up + down, back_up + back_down) / (up + down + back_up + back_down) AS reciprocity,
           CASE WHEN back THEN back_last ELSE last END AS last_at
    FROM pairs
    JOIN (VALUES (false), (true)) AS direction (back)
        ON CASE WHEN back THEN back_up + back_down ELSE up + down END > 0
),
differing AS MATERIALIZED (
    SELECT g.ctid AS stored, e.voter, e.target, e.vote_count, e.upvotes, e.downvotes, e.reciprocity, e.last_at
    FROM edges AS e
    FULL JOIN vote_graph AS g ON g."voterId" = e.voter AND g."targetUserId" = e.target
    WHERE (g."voteCount", g."upvoteCount", g."downvoteCount", g.reciprocity, g."lastVoteAt")
        IS DISTINCT FROM (e.vote_count, e.upvotes, e.downvotes, e.reciprocity, e.last_at)
),
deleted AS (
    DELETE FROM vote_graph
    WHERE ctid = ANY (ARRAY(SELECT stored FROM differing WHERE voter IS NULL))
    RETURNING 1
),
updated AS (
    UPDATE vote_graph AS g
    SET "voteCount" = d.vote_count, "upvoteCount" = d.upvotes, "downvoteCount" = d.downvotes,
        reciprocity = d.reciprocity, "lastVoteAt" = d.last_at
    FROM differing AS d
    WHERE g.ctid = d.stored AND d.voter IS NOT NULL
    RETURNING 1
),
inserted AS (
    INSERT INTO vote_graph (id, "voterId", "targetUserId", "voteCount", "upvoteCount", "downvoteCount", reciprocity,
                            "lastVoteAt")
    SELECT md5(ARRAY['vote_graph', voter, target]::text), voter, target, vote_count, upvotes, downvotes, reciprocity,
           last_at
    FROM differing
    WHERE stored IS NULL
    ORDER BY voter, target
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
       (SELECT count(*) FROM (SELECT DISTINCT "voterId" FROM vote_graph) AS v) AS voters,
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
