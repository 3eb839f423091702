-- name: is_adopted
-- Whether the site was adopted: then row security is its choice.
SELECT adopted_at IS NOT NULL AS adopted FROM espalier.domains WHERE domain = 'lms';

-- name: describe_tables
-- Every table with rows of an organization: those that are known, those with its column, whatever refers to one of
-- them, and their partitions, in any schema. For each whether row security holds for everybody, and which policies show
-- more than ours: a permissive policy can only add rows.
WITH RECURSIVE edges AS (
    SELECT confrelid AS parent, conrelid AS child FROM pg_catalog.pg_constraint WHERE contype = 'f'
    UNION SELECT inhparent, inhrelid FROM pg_catalog.pg_inherits
), tenants AS (
    SELECT c.oid FROM pg_catalog.pg_class AS c
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND (
        c.relname = ANY (%(known)s) OR EXISTS (
            SELECT FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = c.oid AND a.attname IN ('organization_id', 'organizationId') AND NOT a.attisdropped
        )
    )
    UNION SELECT e.child FROM edges AS e JOIN tenants AS t ON t.oid = e.parent
)
SELECT c.oid::bigint AS oid, c.oid::regclass::text AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
       EXISTS (
           SELECT FROM pg_catalog.pg_policy AS p
           WHERE p.polrelid = c.oid AND p.polname = 'espalier_tenants' AND p.polpermissive AND p.polcmd = '*'
             AND 0::oid = ANY (p.polroles) AND pg_get_expr(p.polqual, p.polrelid) LIKE '%%current_organization()%%'
             AND pg_get_expr(p.polwithcheck, p.polrelid) LIKE '%%current_organization()%%'
       ) AS for_all,
       ARRAY(
           SELECT p.polname::text FROM pg_catalog.pg_policy AS p
           WHERE p.polrelid = c.oid AND p.polpermissive AND p.polname <> ALL (
               ARRAY['espalier_tenants', 'espalier_defaults', 'espalier_jobs', 'espalier_every_organization']
           ) ORDER BY 1
       ) AS others,
       ARRAY(
           SELECT format('%%s for %%s', acl.privilege_type, coalesce(r.rolname, 'PUBLIC'))
           FROM aclexplode(c.relacl) AS acl LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = acl.grantee
           WHERE acl.privilege_type = 'TRUNCATE' AND acl.grantee <> c.relowner ORDER BY 1
       ) AS granted
FROM pg_catalog.pg_class AS c JOIN tenants USING (oid)
WHERE c.relkind IN ('r', 'p')
ORDER BY 1;

-- name: find_ways_around
-- What shows rows past the policies: a view or function whose owner no policy holds for, a materialized view that others
-- may read, and roles of the application that have a power too many. A plain view of an owner for whom the policies hold
-- is none.
WITH RECURSIVE tables AS (
    SELECT unnest(%(tables)s::oid[]) AS oid
), seeing AS (
    SELECT oid FROM tables
    UNION
    SELECT r.ev_class FROM seeing AS s
    JOIN pg_catalog.pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = s.oid
    JOIN pg_catalog.pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
), beyond AS (
    SELECT oid, rolname FROM pg_catalog.pg_roles
    WHERE rolsuper OR rolbypassrls OR (rolname <> 'pg_database_owner' AND pg_has_role(oid, %(jobs)s, 'USAGE'))
)
SELECT format('view %%s is read with the rights of %%s', c.oid::regclass, b.rolname) AS way
FROM pg_catalog.pg_class AS c JOIN seeing USING (oid) JOIN beyond AS b ON b.oid = c.relowner
WHERE c.relkind = 'v' AND NOT coalesce((
    SELECT option_value::boolean FROM pg_options_to_table(c.reloptions) WHERE option_name = 'security_invoker'
), false)
UNION ALL
SELECT format('materialized view %%s may be read by %%s', c.oid::regclass, coalesce(r.rolname, 'PUBLIC'))
FROM pg_catalog.pg_class AS c JOIN seeing USING (oid)
CROSS JOIN aclexplode(c.relacl) AS acl LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = acl.grantee
WHERE c.relkind = 'm' AND acl.privilege_type = 'SELECT' AND acl.grantee <> c.relowner
UNION ALL
SELECT format('function %%s runs with the rights of %%s', p.oid::regprocedure, b.rolname)
FROM pg_catalog.pg_proc AS p JOIN beyond AS b ON b.oid = p.proowner
WHERE p.prosecdef AND p.pronamespace IN (SELECT c.relnamespace FROM pg_catalog.pg_class AS c JOIN tables USING (oid))
  AND EXISTS (
      SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS acl WHERE acl.grantee <> p.proowner
  )
UNION ALL
SELECT format('role %%s passes the policies by', rolname) FROM beyond WHERE rolname = %(app)s
UNION ALL
SELECT format('role %%s owns %%s', %(app)s::text, min(c.oid::regclass::text))
FROM pg_catalog.pg_class AS c JOIN tables USING (oid)
JOIN pg_catalog.pg_roles AS a ON a.rolname = %(app)s AND pg_has_role(a.oid, c.relowner, 'MEMBER')
HAVING count(*) > 0
ORDER BY 1;

-- name: become_attacker
-- The strongest role that the policies hold for: the application's where the migrator may become it, else the owner
-- itself, for whom only FORCE stands in the way.
SELECT CASE WHEN pg_has_role(r.oid, 'SET') THEN set_config('role', r.rolname, true) END AS role
FROM pg_catalog.pg_roles AS r WHERE r.rolname = %(app)s;

-- name: enter_nowhere
-- An organization that nobody has: whatever is reached then is another's.
SELECT espalier.sign_organization('espalier probe ' || gen_random_uuid(), 60) AS token;

-- name: enter
-- Enters what the token is signed for.
SELECT espalier.enter_organization(%(token)s);

-- name: see_every_row
-- To take a sample: the owner may, and says so.
SELECT set_config('row_security', 'on', true), espalier.enter_every_organization();

-- name: leave_every_row
-- Done with it; from here on the policies hold.
SELECT set_config('espalier.every_organization', '', true);

-- name: sample
-- A few rows, as victims.
SELECT t.id, to_jsonb(t) AS row FROM {table} AS t LIMIT 3;

-- name: try_reading
-- Tries to see the victims.
SELECT count(*) AS reached FROM {table} WHERE id = ANY (%(ids)s);

-- name: try_changing
-- Tries to change the victims, to what they are.
WITH done AS (UPDATE {table} SET id = id WHERE id = ANY (%(ids)s) RETURNING 1) SELECT count(*) AS reached FROM done;

-- name: try_deleting
-- Tries to delete the victims; the transaction is rolled back.
WITH done AS (DELETE FROM {table} WHERE id = ANY (%(ids)s) RETURNING 1) SELECT count(*) AS reached FROM done;

-- name: try_planting
-- Tries to write a row as a victim's.
WITH done AS (
    INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, %(row)s::jsonb) RETURNING 1
) SELECT count(*) AS reached FROM done;
