-- name: describe_table
-- Estimated rows (a count would scan), bytes with indexes, and the column that tells when a row was made.
SELECT greatest(c.reltuples, 0)::bigint AS estimated_rows,
       pg_total_relation_size(c.oid) AS bytes,
       (SELECT a.attname
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attname IN ('createdAt', 'created_at') AND NOT a.attisdropped) AS time_column
FROM pg_catalog.pg_class AS c
WHERE c.oid = to_regclass(%(table)s);

-- name: find_newest
-- The time of the newest row; the names are filled in as identifiers.
SELECT max({column}) AS newest FROM {table};

-- name: find_present
-- Which of a table's names it has now, in the schema of the domain and no other: a contract may have renamed it.
SELECT c.relname AS name
FROM pg_catalog.pg_class AS c
WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relname = ANY (%(names)s)
ORDER BY array_position(%(names)s::text[], c.relname::text)
LIMIT 1;
