-- name: set_path
-- Makes a transaction see one domain: its schema, the extensions' schema, nothing else. Local to the transaction,
-- so that a pooler in transaction mode hands no setting to the next client. A filtered read (RLS) is an error; only where
-- a policy was found to show the jobs every row are policies applied.
SELECT set_config('search_path', %(path)s, true),
       set_config('TimeZone', 'UTC', true),
       set_config('row_security', %(row_security)s, true);

-- name: find_extension_schema
-- Tells where pgvector lives: `extensions` on our sites, often `public` on others.
SELECT n.nspname AS schema
FROM pg_catalog.pg_extension AS e
JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
WHERE e.extname = 'vector';

-- name: find_absent_tables
-- Lists those of the given tables that are not in the given schema. A namesake elsewhere does not count.
SELECT wanted.name
FROM unnest(%(tables)s::text[]) AS wanted (name)
WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = wanted.name AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
)
ORDER BY wanted.name;

-- name: find_policed_tables
-- Which of the given tables are under row security for this role, and whether a policy of its own shows it every row. Where
-- the role may not pass policies by, as on managed servers, they have to be applied to it, and must hide nothing.
SELECT c.relname AS name, EXISTS (
           SELECT FROM pg_catalog.pg_policy AS p, unnest(p.polroles) AS o (role)
           WHERE p.polrelid = c.oid AND p.polpermissive AND p.polcmd = '*' AND o.role <> 0 AND pg_has_role(o.role, 'USAGE')
             AND pg_get_expr(p.polqual, p.polrelid) = 'true'
       ) AND NOT EXISTS (
           SELECT FROM pg_catalog.pg_policy AS p, unnest(p.polroles) AS o (role)
           WHERE p.polrelid = c.oid AND NOT p.polpermissive AND (o.role = 0 OR pg_has_role(o.role, 'USAGE'))
       ) AS shown
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relname = ANY (%(tables)s) AND row_security_active(c.oid)
ORDER BY c.relname;

-- name: find_namesakes
-- Names the schemas in which tables of these names do stand, for the message.
SELECT DISTINCT n.nspname AS schema
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relname = ANY (%(tables)s) AND n.nspname <> %(schema)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname NOT LIKE 'pg\_%%'
ORDER BY 1;

-- name: find_site
-- The schema that was recorded for a domain when it was created or adopted: the truth, whatever a setting says.
SELECT schema FROM espalier.domains WHERE domain = %(domain)s;

-- name: lock
-- One writer of an asset (or of one of its partitions) at a time; freed at the end of the transaction.
SELECT pg_try_advisory_xact_lock(hashtextextended(%(name)s, 20260101)) AS held;

-- name: fix_zone
-- Records the zone of a partitioned asset at its first materialization and returns the zone that holds since then.
-- A partition key means a day of that zone, so it cannot change afterwards. The no-op update returns the old row.
INSERT INTO espalier.partition_zones (asset_key, zone)
VALUES (%(asset_key)s, %(zone)s)
ON CONFLICT (asset_key) DO UPDATE SET zone = partition_zones.zone
RETURNING zone;
