"""Migrations that a running site does not feel, each close to one that it would. A table; no test stands here."""

from tests.migrations.planted_unsafe import CLOSED, NEW_TABLE, TIMEOUTS, UNHURRIED, alone, do, step
from tests.migrations.planted_unsafe_rows import FIXED, FORCED, ORG

POLICY = f"CREATE POLICY notes_tenant ON notes FOR ALL USING (org_id = {ORG}) WITH CHECK (org_id = {ORG})"
TENANT = step(NEW_TABLE, FORCED, POLICY)
PROVED = step("ALTER TABLE users ADD CONSTRAINT users_email CHECK (email IS NOT NULL) NOT VALID") + alone(
    "ALTER TABLE users VALIDATE CONSTRAINT users_email"
)

SAFE: dict[str, str] = {
    # Locks and time.
    "a column, nullable": step("ALTER TABLE users ADD COLUMN age bigint"),
    "a column with a constant default": step("ALTER TABLE users ADD COLUMN age bigint NOT NULL DEFAULT 0"),
    "a column with the time of the step": step(
        "ALTER TABLE users ADD COLUMN seen_at timestamptz NOT NULL DEFAULT now(), ADD COLUMN tags text[] DEFAULT '{}'"
    ),
    "a shorter time-out for one transaction": f"{TIMEOUTS} BEGIN; SET LOCAL lock_timeout = '100ms';"
    "ALTER TABLE users ADD COLUMN age bigint; COMMIT;",
    "a time-out set by a function": "SET statement_timeout = 30000; BEGIN;"
    "SELECT set_config('lock_timeout', '200ms', true); ALTER TABLE users ADD COLUMN age bigint; COMMIT;",
    "an index built concurrently": alone("CREATE INDEX CONCURRENTLY users_name_idx ON users (name)"),
    "an index built concurrently between steps": step("ALTER TABLE users ADD COLUMN age bigint")
    + alone("CREATE UNIQUE INDEX CONCURRENTLY users_age_key ON users (age) WHERE age IS NOT NULL")
    + step("COMMENT ON COLUMN users.age IS 'In years'"),
    "an index dropped concurrently": alone("DROP INDEX CONCURRENTLY IF EXISTS users_name_idx"),
    "an index of a new table": step(NEW_TABLE.replace("org_id", "topic"), "CREATE INDEX notes_topic ON notes (topic)"),
    "a reindex done concurrently": alone("REINDEX INDEX CONCURRENTLY users_pkey"),
    "a refresh that readers do not notice": step("REFRESH MATERIALIZED VIEW CONCURRENTLY totals"),
    "a partition detached concurrently": alone("ALTER TABLE events DETACH PARTITION events_1 CONCURRENTLY"),
    "two tables altered in two transactions": step("ALTER TABLE users ADD COLUMN a bigint")
    + step("ALTER TABLE answers ADD COLUMN a bigint"),
    "two changes of one table": step("ALTER TABLE users ADD COLUMN a bigint", "ALTER TABLE users ADD COLUMN b bigint"),
    "a key between two tables": step(
        "ALTER TABLE answers ADD CONSTRAINT answers_user FOREIGN KEY (u) REFERENCES users (id) NOT VALID"
    ),
    "a new table with two keys to one": step(
        "CREATE TABLE t (a bigint, b bigint, CONSTRAINT t_a FOREIGN KEY (a) REFERENCES users (id), "
        "CONSTRAINT t_b FOREIGN KEY (b) REFERENCES users (id))"
    ),
    "a new table beside a table of ours": step(
        "ALTER TABLE users ADD COLUMN a bigint",
        "INSERT INTO espalier.graph_outbox (kind, key1) VALUES ('kind', 'concept')",
    ),
    "a vacuum": f"{TIMEOUTS} VACUUM (ANALYZE) users;",
    "an advisory lock that is tried": step("SELECT pg_try_advisory_xact_lock(7)", "CREATE TYPE m AS ENUM ()"),
    "an advisory lock that is given back": step("CREATE TYPE m AS ENUM ()", "SELECT pg_advisory_unlock(7)"),
    # Constraints and columns.
    "a check without a look at the rows": step("ALTER TABLE users ADD CONSTRAINT users_age CHECK (age > 0) NOT VALID"),
    "a check validated later": step("ALTER TABLE users ADD CONSTRAINT users_age CHECK (age > 0) NOT VALID")
    + alone("ALTER TABLE users VALIDATE CONSTRAINT users_age"),
    "a constraint over an index that stands": alone("CREATE UNIQUE INDEX CONCURRENTLY users_email ON users (email)")
    + step("ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE USING INDEX users_email"),
    "not null after a validated check": PROVED + step("ALTER TABLE users ALTER COLUMN email SET NOT NULL"),
    "every kind of constraint on a new table": step(
        "CREATE TABLE t (id bigint CONSTRAINT t_pkey PRIMARY KEY, n bigint NOT NULL CONSTRAINT t_n CHECK (n > 0), "
        "u bigint, CONSTRAINT t_u FOREIGN KEY (u) REFERENCES users (id), CONSTRAINT t_n_key UNIQUE (n))",
        "ALTER TABLE t ALTER COLUMN u SET NOT NULL",
    ),
    "numbers that a new table gives out": step(
        "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY, k uuid DEFAULT gen_random_uuid(), "
        "CONSTRAINT t_pkey PRIMARY KEY (id))"
    ),
    "a default for new rows only": step("ALTER TABLE users ALTER COLUMN key SET DEFAULT gen_random_uuid()"),
    "a partition attached with a proof": step(
        "ALTER TABLE events_1 ADD CONSTRAINT events_1_range CHECK (id >= 0 AND id < 10) NOT VALID"
    )
    + alone("ALTER TABLE events_1 VALIDATE CONSTRAINT events_1_range")
    + f"{TIMEOUTS} ALTER TABLE events ATTACH PARTITION events_1 FOR VALUES FROM (0) TO (10);",
    # Rows.
    "an update of the rows of one key": step("UPDATE espalier.checkpoints SET rows_done = 0 WHERE job = 'a'"),
    "an update of some keys": step("UPDATE users SET points = 0 WHERE id IN ('a', 'b') AND points > 0"),
    "a batch": step("DELETE FROM answers WHERE id IN (SELECT id FROM answers WHERE old LIMIT 1000)"),
    "rows of a new table": step(
        "CREATE TABLE t (id bigint, n bigint)", "INSERT INTO t (id) VALUES (1), (2)", "UPDATE t SET n = id"
    ),
    "a batch of row addresses": step("DELETE FROM answers WHERE ctid = ANY (ARRAY(SELECT ctid FROM answers LIMIT 9))"),
    "one user's rows": step("""DELETE FROM answers WHERE "userId" = 'u1'"""),
    "a row computed": step("INSERT INTO settings (key, value) SELECT 'epoch', gen_random_uuid()::text"),
    "a trigger that writes one row": step(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN UPDATE totals SET n = n + 1 WHERE id = NEW.id; RETURN NULL; END $$",
        "CREATE TRIGGER totals AFTER INSERT ON answers FOR EACH ROW EXECUTE FUNCTION f()",
    ),
    "a trigger turned on": step("ALTER TABLE users ENABLE TRIGGER totals"),
    # Rights.
    "a definer with a fixed path, for nobody": step(FIXED, CLOSED),
    "a definer with an empty path": step(FIXED.replace("pg_catalog, pg_temp", "''"), CLOSED),
    "a definer that keeps a path with temporary tables last": step(
        "SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)",
        FIXED.replace("= pg_catalog, pg_temp", "FROM CURRENT"),
        CLOSED,
    ),
    "a function with its caller's rights": step(
        "CREATE FUNCTION f(n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT n + 1 $$"
    ),
    "a tenant's table": TENANT,
    "a tenant's table protected in one statement": step(
        NEW_TABLE, "ALTER TABLE notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", POLICY
    ),
    "a policy for readers": step(FORCED, f"CREATE POLICY p ON notes FOR SELECT USING (org_id = {ORG})"),
    "a restrictive policy beside it": TENANT
    + step("CREATE POLICY p ON notes AS RESTRICTIVE FOR ALL USING (id > 0) WITH CHECK (true)"),
    "a copy of a tenant's table": TENANT
    + step(
        "CREATE TABLE notes_1 (LIKE notes INCLUDING ALL)",
        "ALTER TABLE notes_1 ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    ),
    "a partition of a tenant's table": TENANT
    + step(
        "CREATE TABLE notes_2 PARTITION OF notes FOR VALUES FROM (0) TO (10)",
        "ALTER TABLE notes_2 ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE notes_2 FORCE ROW LEVEL SECURITY",
    ),
    "a view with its reader's rights": step("CREATE VIEW v WITH (security_invoker = true) AS SELECT id FROM notes"),
    "a view whose option has no value": step("CREATE VIEW v WITH (security_invoker) AS SELECT id FROM notes"),
    "a grant of what is needed": step("GRANT SELECT, INSERT, UPDATE (name) ON users TO app"),
    "a right taken from everyone": step("REVOKE ALL ON users FROM PUBLIC"),
    "a materialized view for its owner": step("CREATE MATERIALIZED VIEW m AS SELECT id FROM notes WITH NO DATA"),
    # Names and text.
    "a guard before a change": do(
        "IF EXISTS (SELECT FROM points_ledger AS p WHERE NOT EXISTS (SELECT FROM xp_ledger AS x WHERE x.id = p.id)) "
        "THEN RAISE EXCEPTION 'points_ledger is not copied yet; run the backfill'; END IF;"
    ),
    "an error told in better words": do(
        "PERFORM 1 FROM users LIMIT 1; EXCEPTION WHEN undefined_table THEN RAISE EXCEPTION 'no users here';"
    ),
    "a type with its comment": step("CREATE TYPE mood AS ENUM ('good')", "COMMENT ON TYPE mood IS 'Mood'"),
    "an extension that may be there": step("CREATE EXTENSION IF NOT EXISTS vector"),
    "names in a text": step("SELECT 'pg_catalog.pg_class'::regclass, 'users'::regclass", "CREATE TYPE m AS ENUM ()"),
    "schemas that every site has": step(
        "INSERT INTO espalier.mastery_dirty DEFAULT VALUES", "SELECT count(*) FROM pg_catalog.pg_class"
    ),
    "a name of 63 bytes": step(f"ALTER TABLE users ADD COLUMN {'a' * 63} bigint"),
    "an hnsw index": alone("CREATE INDEX CONCURRENTLY v ON notes USING hnsw (embedding vector_cosine_ops)"),
    "money in decimals": step("ALTER TABLE orders ADD COLUMN total_cost numeric(12, 2)"),
    "a float that is no money": step("ALTER TABLE users ADD COLUMN trust double precision NOT NULL DEFAULT 0.5"),
    "a column that looks like a fee": step("ALTER TABLE users ADD COLUMN coffee double precision"),
    "a comment for people": step("-- squawks are no reason\nALTER TABLE users ADD COLUMN age bigint"),
    "a function of ours written anew": step(FIXED, CLOSED)
    + step(FIXED.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")),
    "a statement in words that hide nothing": step("COMMENT ON TABLE users IS 'UPDATE users; TRUNCATE x CASCADE'"),
    "statements without time-outs that take none": f"{UNHURRIED} ALTER TABLE users VALIDATE CONSTRAINT users_age;",
}

# What a way down may do; the runner asks its records and the rows before it.
SAFE_DOWN: dict[str, str] = {
    "a table dropped": step("DROP TABLE notes"),
    "a column dropped": step("ALTER TABLE users DROP COLUMN age"),
    "a key made again, not validated": step(
        "ALTER TABLE answers DROP CONSTRAINT answers_user, "
        "ADD CONSTRAINT answers_user FOREIGN KEY (u) REFERENCES users (id) NOT VALID"
    ),
    "a trigger dropped with its function": step("DROP TRIGGER totals ON answers", "DROP FUNCTION f()"),
    "a type dropped": step("DROP TYPE mood"),
    "row security taken back": step("ALTER TABLE notes DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY"),
}
