-- name: describe_indexes
-- Finds each wanted index by what it is over, not by its name: a site that ran the plan's SQL by hand has one of them
-- under another. With it its size, its scans, whether it is valid, which other index serves all that it serves, and
-- which narrower ones it makes needless itself.
WITH wanted AS (
    SELECT name, "table", columns FROM jsonb_to_recordset(%(wanted)s::jsonb) AS w (name text, "table" text, columns text[])
), plain AS (
    SELECT x.indexrelid, x.indrelid, t.relname::text AS "table", i.relname::text AS name, x.indisunique,
           x.indisvalid AND x.indisready AS valid, x.indkey::int2[] AS keys, x.indnkeyatts::int AS width,
           x.indclass::oid[] AS classes, x.indcollation::oid[] AS collations, x.indoption::int2[] AS options,
           (SELECT array_agg(a.attname::text ORDER BY k.place)
            FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS k (number, place)
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = x.indrelid AND a.attnum = k.number) AS columns
    FROM pg_catalog.pg_index AS x
    JOIN pg_catalog.pg_class AS t ON t.oid = x.indrelid
    JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
    JOIN pg_catalog.pg_am AS m ON m.oid = i.relam
    JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
    WHERE n.nspname = current_schema() AND m.amname = 'btree' AND x.indpred IS NULL AND x.indexprs IS NULL
), served AS (
    SELECT narrow.indexrelid AS narrow, wide.indexrelid AS wide, narrow.name AS narrow_name, wide.name AS wide_name
    FROM plain AS narrow
    JOIN plain AS wide ON wide.indrelid = narrow.indrelid AND wide.indexrelid <> narrow.indexrelid
    WHERE wide.valid AND wide.width >= narrow.width AND NOT narrow.indisunique
      AND wide.keys[0:narrow.width - 1] = narrow.keys[0:narrow.width - 1]
      AND wide.classes[0:narrow.width - 1] = narrow.classes[0:narrow.width - 1]
      AND wide.collations[0:narrow.width - 1] = narrow.collations[0:narrow.width - 1]
      AND wide.options[0:narrow.width - 1] = narrow.options[0:narrow.width - 1]
)
SELECT wanted.name AS planned, found.name AS found, found.valid, pg_get_indexdef(found.indexrelid) AS definition,
       pg_relation_size(found.indexrelid) AS bytes, s.idx_scan AS scans, s.last_idx_scan AS last_scan,
       (SELECT string_agg(wide_name, ', ' ORDER BY wide_name) FROM served WHERE narrow = found.indexrelid) AS needless_by,
       (SELECT string_agg(narrow_name, ', ' ORDER BY narrow_name) FROM served WHERE wide = found.indexrelid) AS serves_too
FROM wanted
LEFT JOIN LATERAL (
    SELECT * FROM plain WHERE plain."table" = wanted."table" AND plain.columns = wanted.columns
    ORDER BY plain.valid DESC, plain.name = wanted.name DESC, plain.name LIMIT 1
) AS found ON true
LEFT JOIN pg_catalog.pg_stat_all_indexes AS s ON s.indexrelid = found.indexrelid
ORDER BY wanted."table", wanted.name;

-- name: find_beginning
-- Since when the server has counted scans: a number without it says nothing.
SELECT stats_reset AS counted_since FROM pg_catalog.pg_stat_database WHERE datname = current_database();

-- name: events_of_a_type
-- What a person did of one kind lately, newest first.
SELECT id, "eventData", "timestamp" FROM behavioral_events
WHERE "userId" = %(userId)s AND "eventType" = %(eventType)s AND "timestamp" >= %(since)s
ORDER BY "timestamp" DESC;

-- name: events_of_a_weekday
-- How a person does on a day of the week.
SELECT count(*) AS events, avg("sessionPerformanceScore") AS score FROM behavioral_events
WHERE "userId" = %(userId)s AND "dayOfWeek" = %(dayOfWeek)s;

-- name: events_of_an_hour
-- How a person does at an hour of the day.
SELECT count(*) AS events, avg("sessionPerformanceScore") AS score FROM behavioral_events
WHERE "userId" = %(userId)s AND "timeOfDay" = %(timeOfDay)s;

-- name: sure_patterns
-- A person's patterns of one kind that are sure enough to act upon, the surest first.
SELECT id, "patternName", confidence FROM behavioral_patterns
WHERE "userId" = %(userId)s AND "patternType" = %(patternType)s AND confidence >= 0.7
ORDER BY confidence DESC;

-- name: recent_patterns
-- The patterns of a person that were seen last.
SELECT id, "patternName", "lastSeenAt" FROM behavioral_patterns
WHERE "userId" = %(userId)s
ORDER BY "lastSeenAt" DESC
LIMIT 10;

-- name: likely_struggles
-- What a person will probably struggle with, of the predictions in one state, the likeliest first.
SELECT id, "learningObjectiveId", "predictedStruggleProbability" FROM struggle_predictions
WHERE "userId" = %(userId)s AND "predictionStatus" = %(predictionStatus)s AND "predictedStruggleProbability" >= 0.7
ORDER BY "predictedStruggleProbability" DESC;

-- name: struggles_with_a_topic
-- How a person's struggle with a topic was foreseen, newest first.
SELECT id, "predictedStruggleProbability", "predictionDate" FROM struggle_predictions
WHERE "userId" = %(userId)s AND "topicId" = %(topicId)s
ORDER BY "predictionDate" DESC;

-- name: best_recommendations
-- What to recommend to a person next.
SELECT id, title, "priorityScore" FROM recommendations
WHERE "userId" = %(userId)s AND status = %(status)s
ORDER BY "priorityScore" DESC
LIMIT 5;

-- name: newest_recommendations
-- What was recommended to a person lately.
SELECT id, title, "createdAt" FROM recommendations
WHERE "userId" = %(userId)s
ORDER BY "createdAt" DESC
LIMIT 20;

-- name: active_config
-- How a person's application is adapted now, in one context.
SELECT id, "strategyVariant" FROM personalization_configs
WHERE "userId" = %(userId)s AND context = %(context)s AND "isActive";

-- name: best_config
-- Which way of adapting has served a person best.
SELECT id, "strategyVariant", "avgReward" FROM personalization_configs
WHERE "userId" = %(userId)s
ORDER BY "avgReward" DESC
LIMIT 1;
