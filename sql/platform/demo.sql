-- name: lock
-- One loader of demo data at a time; the second waits, then finds the data there.
SELECT pg_advisory_xact_lock(hashtextextended('espalier demo', 20260101));

-- name: find_hosts
-- The hosts of the users' addresses that are a demo's: they say which demo is here. The name is filled in.
SELECT DISTINCT split_part(email, '@', 2) AS host
FROM {table}
WHERE email LIKE %(pattern)s;

-- name: find_row
-- Tells whether a table holds any row, whosever it is. The name is filled in.
SELECT EXISTS (SELECT FROM {table}) AS found;

-- name: find_columns
-- The columns of a table of the search path: some come with a later revision only. None: there is no such table.
SELECT a.attname AS name
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relname = %(table)s AND a.attnum > 0 AND NOT a.attisdropped;
