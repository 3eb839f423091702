"""More migrations that would hurt a running site: what they do to rows, rights and names."""

from tests.migrations.planted_unsafe import CLOSED, DEFINER, NEW_TABLE, TIMEOUTS, Planted, alone, do, step

FORCED = "ALTER TABLE notes ENABLE ROW LEVEL SECURITY; ALTER TABLE notes FORCE ROW LEVEL SECURITY"
FIXED = DEFINER.format("SET search_path = pg_catalog, pg_temp")
ORG = "nullif(current_setting('app.org', true), '')::bigint"

UNSAFE_ROWS: dict[str, Planted] = {
    "an update of every row": Planted("full-table-update", step("UPDATE users SET points = 0")),
    "an update of every row that is always true": Planted(
        "full-table-update", step("UPDATE users SET points = 0 WHERE 1 = 1")
    ),
    "an update of every row in a common table expression": Planted(
        "full-table-update", step("WITH u AS (UPDATE users SET points = 0 RETURNING id) SELECT count(*) FROM u")
    ),
    "a trigger that updates every row": Planted(
        "full-table-update",
        step(
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN UPDATE totals SET n = n + 1; RETURN NULL; END $$"
        ),
    ),
    "a delete of every row": Planted("full-table-delete", step("DELETE FROM answers")),
    "a delete of every row in a DO block": Planted("full-table-delete", do("DELETE FROM answers;")),
    "a backfill in one transaction": Planted(
        "backfill-in-migration", step("UPDATE users SET points = 0 WHERE points IS NULL")
    ),
    "a backfill row by row": Planted(
        "backfill-in-migration",
        step(
            "DO $$ DECLARE c CURSOR FOR SELECT id FROM users; BEGIN "
            "FOR r IN c LOOP UPDATE users SET points = 0 WHERE id = 'a'; END LOOP; END $$"
        ),
    ),
    "a backfill of all that are alike": Planted(
        "backfill-in-migration", step("UPDATE users SET points = 0 WHERE role = 'student'")
    ),
    "a backfill from another table": Planted(
        "backfill-in-migration", step("UPDATE users SET n = t.n FROM totals AS t WHERE users.id = t.id")
    ),
    "a backfill in a loop of one transaction": Planted(
        "backfill-in-migration",
        do(
            "LOOP UPDATE users SET points = 0 WHERE id IN (SELECT id FROM users WHERE points IS NULL LIMIT 1000);"
            "EXIT WHEN NOT FOUND; END LOOP;"
        ),
    ),
    "a copy of a whole table": Planted(
        "backfill-in-migration", step(NEW_TABLE, FORCED, "INSERT INTO notes (id, org_id) SELECT id, org FROM old_notes")
    ),
    "a merge": Planted(
        "backfill-in-migration",
        step("MERGE INTO users AS u USING news AS n ON u.id = n.id WHEN MATCHED THEN UPDATE SET name = n.name"),
    ),
    "a truncate": Planted("truncates", step("TRUNCATE answers")),
    "rows from a file": Planted("copies-files", f"{TIMEOUTS} COPY users FROM '/tmp/users.csv';"),
    "a file in a query": Planted("copies-files", step("SELECT pg_read_file('/etc/passwd') FROM users")),
    "a table made from a query": Planted("create-table-as", step("CREATE TABLE t AS SELECT * FROM users")),
    "a select into a table": Planted("create-table-as", step("SELECT * INTO t FROM users")),
    "triggers turned off": Planted("triggers-off", step("ALTER TABLE users DISABLE TRIGGER USER")),
    "triggers turned off for a session": Planted("triggers-off", step("SET session_replication_role = replica")),
    # Rights.
    "a definer without a path": Planted("definer-search-path", step(DEFINER.format(""), CLOSED)),
    "a definer with the path of nobody knows whom": Planted(
        "definer-search-path", step(DEFINER.format("SET search_path FROM CURRENT"), CLOSED)
    ),
    "a function made a definer later": Planted("definer-search-path", step("ALTER FUNCTION f() SECURITY DEFINER")),
    "a function that loses its path": Planted("definer-search-path", step("ALTER FUNCTION f() RESET search_path")),
    "a definer that looks where everyone may create": Planted(
        "definer-search-path", step(FIXED.replace("pg_catalog", "public"), CLOSED)
    ),
    "a definer whose temporary tables come first": Planted(
        "search-path-order", step(DEFINER.format("SET search_path = pg_catalog"), CLOSED)
    ),
    "a script whose temporary tables come first": Planted("search-path-order", "SET search_path = espalier;"),
    "a script that takes the server's path": Planted("search-path-order", "SET search_path TO DEFAULT;"),
    "a definer that keeps such a path": Planted(
        "search-path-order",
        step("SET search_path = espalier", DEFINER.format("SET search_path FROM CURRENT"), CLOSED),
    ),
    "a definer for everyone": Planted("definer-open-to-public", step(FIXED)),
    "a definer, and another one revoked": Planted(
        "definer-open-to-public", step(FIXED, "REVOKE ALL ON FUNCTION g() FROM PUBLIC")
    ),
    "row security that the owner passes by": Planted(
        "rls-without-force", step("ALTER TABLE notes ENABLE ROW LEVEL SECURITY")
    ),
    "row security taken away": Planted("rls-weakened", step("ALTER TABLE notes DISABLE ROW LEVEL SECURITY")),
    "a policy taken away": Planted("rls-weakened", step("DROP POLICY notes_tenant ON notes")),
    "row security the owner may pass by from now on": Planted(
        "rls-weakened", step("ALTER TABLE notes NO FORCE ROW LEVEL SECURITY")
    ),
    "a policy that nobody asks": Planted(
        "policy-without-rls", step(f"CREATE POLICY p ON notes USING (org_id = {ORG}) WITH CHECK (org_id = {ORG})")
    ),
    "a policy that does not say what may be written": Planted(
        "policy-without-check", step(FORCED, f"CREATE POLICY p ON notes FOR ALL USING (org_id = {ORG})")
    ),
    "a policy for updates that does not say so either": Planted(
        "policy-without-check", step(FORCED, f"CREATE POLICY p ON notes FOR UPDATE USING (org_id = {ORG})")
    ),
    "a policy that lets all pass": Planted(
        "policy-lets-all", step(FORCED, "CREATE POLICY p ON notes USING (true) WITH CHECK (false)")
    ),
    "a policy changed to let all pass": Planted("policy-lets-all", step("ALTER POLICY p ON notes USING (true)")),
    "a policy that an unset setting breaks": Planted(
        "policy-setting",
        step(FORCED, "CREATE POLICY p ON notes FOR SELECT USING (org_id = current_setting('app.org')::bigint)"),
    ),
    "a policy that an emptied setting breaks": Planted(
        "policy-setting",
        step(FORCED, "CREATE POLICY p ON notes FOR SELECT USING (org_id = current_setting('app.org', true)::bigint)"),
    ),
    "a tenant's table without row security": Planted("tenant-table-without-rls", step(NEW_TABLE)),
    "a tenant's table without force": Planted(
        "tenant-table-without-rls", step(NEW_TABLE, "ALTER TABLE notes ENABLE ROW LEVEL SECURITY")
    ),
    "a partition without row security": Planted(
        "partition-without-rls",
        step(FORCED) + step("CREATE TABLE notes_1 PARTITION OF notes FOR VALUES FROM (0) TO (10)"),
    ),
    "a view with its owner's rights": Planted("view-not-invoker", step("CREATE VIEW v AS SELECT id FROM notes")),
    "a view whose invoker is switched off": Planted(
        "view-not-invoker", step("CREATE VIEW v WITH (security_invoker = false) AS SELECT id FROM notes")
    ),
    "a view that becomes its owner's": Planted("view-not-invoker", step("ALTER VIEW v SET (security_invoker = off)")),
    "a view that forgets whose rights it reads with": Planted(
        "view-not-invoker", step("ALTER VIEW v RESET (security_invoker)")
    ),
    "a grant of everything": Planted("grant-all", step("GRANT ALL ON users TO app")),
    "a grant of everything to come": Planted(
        "grant-all", step("ALTER DEFAULT PRIVILEGES GRANT ALL PRIVILEGES ON TABLES TO app")
    ),
    "a grant of truncate": Planted("grant-truncate", step("GRANT SELECT, TRUNCATE ON users TO app")),
    "a grant to everyone": Planted("grant-to-public", step("GRANT SELECT ON users TO PUBLIC")),
    "a grant that may be passed on": Planted("grant-option", step("GRANT SELECT ON users TO app WITH GRANT OPTION")),
    "a grant on a materialized view": Planted(
        "grant-on-materialized-view",
        step("CREATE MATERIALIZED VIEW m AS SELECT id FROM notes WITH NO DATA", "GRANT SELECT ON m TO app"),
    ),
    "an untrusted language": Planted(
        "untrusted-language", step("CREATE FUNCTION f() RETURNS void LANGUAGE plpython3u AS $$ pass $$")
    ),
    "a role's settings": Planted("beyond-the-domain", step("ALTER ROLE app SET search_path = espalier, pg_temp")),
    "the server's settings": Planted("beyond-the-domain", f"{TIMEOUTS} ALTER SYSTEM SET work_mem = '1GB';"),
    "another role's rights": Planted("beyond-the-domain", step("SET LOCAL ROLE admin")),
    "another owner": Planted("owner-changed", step("ALTER TABLE users OWNER TO app")),
    "another owner of a function": Planted("owner-changed", step("ALTER FUNCTION f() OWNER TO app")),
    "another owner of all there is": Planted("owner-changed", step("REASSIGN OWNED BY migrator TO app")),
    "a publication": Planted("beyond-the-domain", step("CREATE PUBLICATION p FOR ALL TABLES")),
    # Names and text.
    "SQL put together in a DO block": Planted("dynamic-sql", do("EXECUTE format('DROP TABLE %I', 'users');")),
    "SQL put together in a function": Planted(
        "dynamic-sql",
        step("CREATE FUNCTION f(t text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ANALYZE ' || t; END $$"),
    ),
    "SQL sent to another server": Planted("dynamic-sql", step("SELECT dblink_exec('s', 'DROP TABLE users')")),
    "a loop over SQL put together": Planted(
        "dynamic-sql", step("DO $$ DECLARE r record; BEGIN FOR r IN EXECUTE 'SELECT 1' LOOP NULL; END LOOP; END $$")
    ),
    "an error that nobody hears of": Planted(
        "swallowed-error",
        do("CREATE TYPE mood AS ENUM ('good'); EXCEPTION WHEN duplicate_object THEN NULL;"),
    ),
    "a cascade": Planted("drop-cascade", step("DROP TABLE notes CASCADE")),
    "a column dropped with what hangs on it": Planted(
        "drop-cascade", step("ALTER TABLE users DROP COLUMN age CASCADE")
    ),
    "a table that may be another's": Planted("if-not-exists", step("CREATE TABLE IF NOT EXISTS t (id bigint)")),
    "a column that may be another's": Planted(
        "if-not-exists", step("ALTER TABLE users ADD COLUMN IF NOT EXISTS age bigint")
    ),
    "a schema named": Planted("schema-named", step("ALTER TABLE community.users ADD COLUMN age bigint")),
    "a schema named by a type": Planted("schema-named", step("ALTER TABLE users ADD COLUMN v extensions.vector(3)")),
    "a schema named in a function's body": Planted(
        "schema-named",
        step("CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM public.users $$"),
    ),
    "a schema made": Planted("schema-named", step("CREATE SCHEMA reports")),
    "an extension put into a schema": Planted("schema-named", step("CREATE EXTENSION vector SCHEMA public")),
    "a schema dropped": Planted("schema-named", step("DROP SCHEMA reports")),
    "a table put into a schema": Planted("schema-named", step("ALTER TABLE users SET SCHEMA old")),
    "a schema named in a text": Planted("schema-named", step("SELECT 'public.users'::regclass")),
    "a schema named in a grant": Planted("schema-named", step("GRANT SELECT ON ALL TABLES IN SCHEMA rag TO app")),
    "a schema named in a comment": Planted("schema-named", step("COMMENT ON COLUMN rag.users.id IS 'Key'")),
    "a name that is cut": Planted("name-too-long", step(f"ALTER TABLE users ADD COLUMN {'a' * 64} bigint")),
    "a name that is cut in the middle of a letter": Planted(
        "name-too-long", alone(f'CREATE INDEX CONCURRENTLY "{"ü" * 32}" ON users (name)')
    ),
    "an ivfflat index on nothing": Planted(
        "ivfflat",
        step(NEW_TABLE, FORCED, "CREATE INDEX i ON notes USING ivfflat (id)"),
    ),
    "money as a binary fraction": Planted("float-money", step("ALTER TABLE orders ADD COLUMN total_cost float8")),
    "money as the server's locale has it": Planted("float-money", step("ALTER TABLE orders ADD COLUMN total money")),
    "a not null that PostgreSQL 18 has brought": Planted(
        "newer-than-16", step("ALTER TABLE users ADD CONSTRAINT n NOT NULL email NOT VALID")
    ),
    "a virtual column": Planted(
        "newer-than-16", step("CREATE TABLE t (a bigint, b bigint GENERATED ALWAYS AS (a * 2) VIRTUAL)")
    ),
    "a comment that silences squawk": Planted(
        "silenced", step("-- squawk-ignore ban-drop-column\nALTER TABLE users DROP COLUMN age")
    ),
    "a table that a crash empties": Planted("unlogged-table", step("CREATE UNLOGGED TABLE t (id bigint)")),
    "a label for ever": Planted("irreversible-label", step("ALTER TYPE mood ADD VALUE 'bad' AFTER 'good'")),
    "a rule": Planted("rewrite-rule", step("CREATE RULE r AS ON DELETE TO users DO INSTEAD NOTHING")),
    "a function written over another's": Planted(
        "replaced", step("CREATE OR REPLACE FUNCTION f() RETURNS bigint LANGUAGE sql AS $$ SELECT 1 $$")
    ),
    "a constraint guarded in a way there is not": Planted(
        "syntax-error", step("ALTER TABLE users ADD CONSTRAINT IF NOT EXISTS c CHECK (age > 0)")
    ),
    "a function whose body is not PL/pgSQL": Planted(
        "syntax-error", step("CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RETURN END $$")
    ),
    # Rules of squawk.
    "a table renamed under its writers": Planted("renaming-table", step("ALTER TABLE points RENAME TO points_old")),
    "a column renamed under its readers": Planted("renaming-column", step("ALTER TABLE users RENAME name TO title")),
    "a column dropped under its readers": Planted("ban-drop-column", step("ALTER TABLE users DROP COLUMN name")),
    "a table dropped on the way up": Planted("ban-drop-table", step("DROP TABLE users")),
    "a table dropped in a DO block": Planted("ban-drop-table", do("DROP TABLE users;")),
    "a transaction without an end": Planted(
        "ban-uncommitted-transaction", f"{TIMEOUTS} BEGIN; CREATE TYPE m AS ENUM ('a');"
    ),
    "text of fixed length": Planted("ban-char-field", step("CREATE TABLE t (code char(3))")),
    "a serial key": Planted("prefer-identity", step("CREATE TABLE t (id bigserial)")),
    "a type dropped under its columns": Planted("ban-drop-type", step("DROP TYPE mood")),
    "a transaction in a transaction": Planted("transaction-nesting", step("BEGIN", "CREATE TYPE m AS ENUM ('a')")),
}
