-- name: bound_memory
-- For this transaction: memory for one day's sorts and hashes, and no compiling, which costs more than it saves here.
SELECT set_config('work_mem', '16MB', true), set_config('jit', 'off', true);

-- name: roll_up
-- Computes each day's figures from its dialogues and writes the rows that differ; an unchanged day is not touched.
-- Day by day through the index on created_at: each dialogue is read once, and a day's distinct sources and users fit
-- into memory whatever the range. Values that cannot be true are left out of their figure; the dialogue still counts.
-- Objectives are judged before rounding. A figure too large for its column is left null and goes to the quarantine.
WITH day AS (
    SELECT day, starts_at, ends_at
    FROM unnest(%(days)s::date[], %(starts)s::timestamp[], %(ends)s::timestamp[]) AS given (day, starts_at, ends_at)
),
figure AS MATERIALIZED (
    SELECT day.day, day.ends_at, found.*
    FROM day
    CROSS JOIN LATERAL (
        WITH dialogue AS MATERIALIZED (
            SELECT user_id, latency_ms, token_cost_jpy, total_tokens, relevance_score, user_feedback,
                   CASE WHEN jsonb_typeof(citations) = 'array' THEN citations END AS citations
            FROM ai_dialogue_log
            WHERE created_at >= day.starts_at AND created_at < day.ends_at
        )
        SELECT count(*) AS queries,
               count(DISTINCT user_id) AS users,
               avg(CASE WHEN jsonb_array_length(citations) > 0 THEN 100 ELSE 0 END) AS citation_rate,
               coalesce(sum(jsonb_array_length(citations)), 0) AS citations,
               (SELECT count(source)
                FROM (SELECT DISTINCT jsonb_array_elements(citations) ->> 'source' AS source FROM dialogue) AS cited
               ) AS sources,
               percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY latency_ms)
                   FILTER (WHERE latency_ms >= 0) AS latency,
               avg(token_cost_jpy) FILTER (WHERE token_cost_jpy >= 0 AND token_cost_jpy <> 'NaN') AS cost,
               coalesce(
                   sum(token_cost_jpy) FILTER (WHERE token_cost_jpy >= 0 AND token_cost_jpy <> 'NaN'), 0
               ) AS total_cost,
               avg(total_tokens) FILTER (WHERE total_tokens >= 0) AS tokens,
               avg(relevance_score) FILTER (WHERE relevance_score BETWEEN 0 AND 1) AS relevance,
               avg(CASE user_feedback WHEN 1 THEN 100 WHEN -1 THEN 0 END) AS positive_votes,
               count(*) FILTER (
                   WHERE latency_ms < 0 OR token_cost_jpy < 0 OR token_cost_jpy = 'NaN' OR total_tokens < 0
                      OR relevance_score NOT BETWEEN 0 AND 1 OR user_feedback NOT BETWEEN -1 AND 1
               ) AS refused
        FROM dialogue
    ) AS found
),
judged AS (
    SELECT figure.*,
           citation_rate >= %(citation_rate_min)s::numeric AS citation_rate_met,
           latency[1] <= %(latency_p50_ms_max)s::float8
               AND latency[2] <= %(latency_p95_ms_max)s::float8 AS latency_met,
           cost <= %(cost_jpy_max)s::numeric AS cost_met,
           relevance >= %(relevance_min)s::numeric AS relevance_met
    FROM figure
),
written AS (
    INSERT INTO rag_metrics_history AS history (
        id, date, citation_rate, citation_count, unique_sources_count, latency_p50_ms, latency_p95_ms, latency_p99_ms,
        cost_per_answer, total_cost, total_queries, unique_users, average_tokens_per_query, average_relevance_score,
        positive_votes_rate, slo_compliance, created_at
    )
    SELECT md5(ARRAY['rag_metrics_history', day::text]::text)::uuid,
           ends_at - interval '1 millisecond',
           round(citation_rate, 2), citations, sources,
           round(latency[1]), round(latency[2]), round(latency[3]),
           CASE WHEN round(cost, 2) < 10000 THEN round(cost, 2) END,
           CASE WHEN round(total_cost, 2) < 100000000 THEN round(total_cost, 2) END,
           queries, users, round(tokens), round(relevance, 2), round(positive_votes, 2),
           jsonb_build_object(
               'citationRateMet', citation_rate_met,
               'latencyMet', latency_met,
               'costMet', cost_met,
               'relevanceMet', relevance_met,
               'overallMet', citation_rate_met AND latency_met AND cost_met AND relevance_met,
               'noData', queries = 0,
               'targets', jsonb_build_object(
                   'citationRateMin', %(citation_rate_min)s::numeric,
                   'latencyP50MsMax', %(latency_p50_ms_max)s::numeric,
                   'latencyP95MsMax', %(latency_p95_ms_max)s::numeric,
                   'costJpyMax', %(cost_jpy_max)s::numeric,
                   'relevanceMin', %(relevance_min)s::numeric
               ),
               'actuals', jsonb_build_object(
                   'citationRate', trim_scale(round(citation_rate, 6)),
                   'latencyP50Ms', trim_scale(round(latency[1]::numeric, 6)),
                   'latencyP95Ms', trim_scale(round(latency[2]::numeric, 6)),
                   'costJpy', trim_scale(round(cost, 6)),
                   'relevance', trim_scale(round(relevance, 6))
               )
           ),
           ends_at
    FROM judged
    ON CONFLICT ((date(date))) DO UPDATE SET
        date = excluded.date,
        citation_rate = excluded.citation_rate,
        citation_count = excluded.citation_count,
        unique_sources_count = excluded.unique_sources_count,
        latency_p50_ms = excluded.latency_p50_ms,
        latency_p95_ms = excluded.latency_p95_ms,
        latency_p99_ms = excluded.latency_p99_ms,
        cost_per_answer = excluded.cost_per_answer,
        total_cost = excluded.total_cost,
        total_queries = excluded.total_queries,
        unique_users = excluded.unique_users,
        average_tokens_per_query = excluded.average_tokens_per_query,
        average_relevance_score = excluded.average_relevance_score,
        positive_votes_rate = excluded.positive_votes_rate,
        slo_compliance = excluded.slo_compliance
    WHERE (history.date, history.citation_rate, history.citation_count, history.unique_sources_count,
           history.latency_p50_ms, history.latency_p95_ms, history.latency_p99_ms, history.cost_per_answer,
           history.total_cost, history.total_queries, history.unique_users, history.average_tokens_per_query,
           history.average_relevance_score, history.positive_votes_rate, history.slo_compliance)
        IS DISTINCT FROM
          (excluded.date, excluded.citation_rate, excluded.citation_count, excluded.unique_sources_count,
           excluded.latency_p50_ms, excluded.latency_p95_ms, excluded.latency_p99_ms, excluded.cost_per_answer,
           excluded.total_cost, excluded.total_queries, excluded.unique_users, excluded.average_tokens_per_query,
           excluded.average_relevance_score, excluded.positive_votes_rate, excluded.slo_compliance)
    RETURNING 1
),
too_large AS (
    INSERT INTO espalier.quarantine (domain, source_table, source_key, reason, payload, first_seen, last_seen)
    SELECT 'rag', 'rag_metrics_history', day::text, reason, jsonb_build_object('value', value),
           ends_at AT TIME ZONE 'UTC', ends_at AT TIME ZONE 'UTC'
    FROM figure
    CROSS JOIN LATERAL (
        VALUES ('cost_per_answer does not fit numeric(6,2)', round(cost, 2), 10000),
               ('total_cost does not fit numeric(10,2)', round(total_cost, 2), 100000000)
    ) AS wide (reason, value, bound)
    WHERE value >= bound
    ON CONFLICT (domain, source_table, source_key, reason) DO UPDATE SET payload = excluded.payload
    WHERE quarantine.payload <> excluded.payload
    RETURNING 1
)
SELECT (SELECT count(*) FROM written) AS rows_written,
       (SELECT coalesce(sum(queries), 0)::bigint FROM figure) AS dialogues,
       (SELECT coalesce(sum(refused), 0)::bigint FROM figure) AS dialogues_with_refused_values,
       (SELECT count(*) FROM figure WHERE round(cost, 2) >= 10000)
           + (SELECT count(*) FROM figure WHERE round(total_cost, 2) >= 100000000) AS figures_too_large;

-- name: quarantine_refused_values
-- Records each value that was left out of its figure: whose dialogue, which column, why. No text, no user. Times are
-- those of the dialogue's day, so that days in any order leave equal rows.
INSERT INTO espalier.quarantine (domain, source_table, source_key, reason, payload, first_seen, last_seen)
SELECT 'rag', 'ai_dialogue_log', dialogue.id::text, refused.reason,
       jsonb_build_object('value', refused.value, 'created_at', dialogue.created_at),
       day.ends_at AT TIME ZONE 'UTC', day.ends_at AT TIME ZONE 'UTC'
FROM unnest(%(starts)s::timestamp[], %(ends)s::timestamp[]) AS day (starts_at, ends_at)
JOIN ai_dialogue_log AS dialogue
    ON dialogue.created_at >= day.starts_at AND dialogue.created_at < day.ends_at
   AND (latency_ms < 0 OR token_cost_jpy < 0 OR token_cost_jpy = 'NaN' OR total_tokens < 0
        OR relevance_score NOT BETWEEN 0 AND 1 OR user_feedback NOT BETWEEN -1 AND 1)
CROSS JOIN LATERAL (
    VALUES ('latency_ms is negative', latency_ms < 0, to_jsonb(latency_ms)),
           ('token_cost_jpy is negative', token_cost_jpy < 0, to_jsonb(token_cost_jpy)),
           ('token_cost_jpy is not a number', token_cost_jpy = 'NaN', to_jsonb(token_cost_jpy)),
           ('total_tokens is negative', total_tokens < 0, to_jsonb(total_tokens)),
           ('relevance_score is outside 0..1', relevance_score NOT BETWEEN 0 AND 1, to_jsonb(relevance_score)),
           ('user_feedback is not -1, 0 or 1', user_feedback NOT BETWEEN -1 AND 1, to_jsonb(user_feedback))
) AS refused (reason, applies, value)
WHERE refused.applies
ON CONFLICT (domain, source_table, source_key, reason) DO UPDATE SET
    payload = excluded.payload, first_seen = excluded.first_seen, last_seen = excluded.last_seen
WHERE (quarantine.payload, quarantine.first_seen, quarantine.last_seen)
    IS DISTINCT FROM (excluded.payload, excluded.first_seen, excluded.last_seen);

-- name: compare_with_dialogues
-- What the checks rest on: the rows of these days, the dialogues counted a second way, and figures that cannot be.
-- A row that the application wrote for another hour of a day is not one of ours.
SELECT count(*) AS rows_found,
       coalesce(sum(total_queries), 0)::bigint AS queries,
       (SELECT count(*) FROM ai_dialogue_log WHERE created_at >= %(from)s AND created_at < %(until)s) AS dialogues_logged,
       count(*) FILTER (
           WHERE citation_rate NOT BETWEEN 0 AND 100 OR positive_votes_rate NOT BETWEEN 0 AND 100
              OR average_relevance_score NOT BETWEEN 0 AND 1
              OR latency_p50_ms < 0 OR latency_p50_ms > latency_p95_ms OR latency_p95_ms > latency_p99_ms
              OR cost_per_answer < 0 OR total_cost < 0 OR average_tokens_per_query < 0
              OR unique_users > total_queries OR unique_sources_count > citation_count
              OR (total_queries = 0) <> (slo_compliance -> 'noData')::boolean
       ) AS rows_out_of_range
FROM rag_metrics_history
WHERE date = ANY (%(dates)s::timestamp[]);

-- name: describe_days
-- The newest of these days, for the preview.
SELECT (date AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)::date AS day, total_queries, citation_rate, latency_p50_ms,
       latency_p95_ms, cost_per_answer, average_relevance_score, positive_votes_rate,
       slo_compliance ->> 'overallMet' AS objectives_met
FROM rag_metrics_history
WHERE date = ANY (%(dates)s::timestamp[])
ORDER BY date DESC
LIMIT 31;
