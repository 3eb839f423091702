"""Migrations that would hurt a running site, each with the rule that must catch it. A table; no test stands here."""

from typing import NamedTuple

TIMEOUTS = "SET lock_timeout = '300ms';\nSET statement_timeout = '60s';\n"
UNHURRIED = "SET lock_timeout = 0;\nSET statement_timeout = 0;\n"
DEFINER = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {} AS $$ BEGIN RETURN NULL; END $$;"
CLOSED = "REVOKE ALL ON FUNCTION f() FROM PUBLIC;"


class Planted(NamedTuple):
    """A script and the rule that must catch it."""

    rule: str
    sql: str


def step(*statements: str) -> str:
    """Write statements as one step: a transaction under the usual time-outs."""
    return f"{TIMEOUTS}BEGIN;\n{';'.join(statements).rstrip(';')};\nCOMMIT;\n"


def alone(*statements: str) -> str:
    """Write statements that stand outside transactions, without time-outs."""
    return UNHURRIED + ";\n".join(statements) + ";\n"


def do(body: str) -> str:
    """Write a body as a DO block."""
    return step(f"DO $$ BEGIN {body} END $$")


NEW_TABLE = "CREATE TABLE notes (id bigint NOT NULL, org_id bigint NOT NULL, CONSTRAINT notes_pkey PRIMARY KEY (id))"

UNSAFE: dict[str, Planted] = {
    # Locks and time.
    "an alter without a lock time-out": Planted(
        "lock-timeout", "SET statement_timeout = '60s'; ALTER TABLE users ADD COLUMN age bigint;"
    ),
    "an alter after the lock time-out is 0": Planted(
        "lock-timeout", f"{TIMEOUTS} SET lock_timeout = 0; ALTER TABLE users ADD COLUMN age bigint;"
    ),
    "a lock time-out of five minutes": Planted(
        "lock-timeout",
        "SET lock_timeout = '5min'; SET statement_timeout = '60s'; ALTER TABLE users ADD COLUMN age bigint;",
    ),
    "a time-out that ended with its transaction": Planted(
        "lock-timeout",
        "SET statement_timeout = '60s'; BEGIN; SET LOCAL lock_timeout = '300ms'; COMMIT;"
        "ALTER TABLE users ADD COLUMN age bigint;",
    ),
    "a time-out taken away by a function": Planted(
        "lock-timeout", step("SELECT set_config('lock_timeout', '0', true)", "ALTER TABLE users ADD COLUMN age bigint")
    ),
    "a time-out taken away by reset all": Planted(
        "statement-timeout", f"{TIMEOUTS} RESET ALL; ALTER TABLE users ADD COLUMN age bigint;"
    ),
    "an alter without a statement time-out": Planted(
        "statement-timeout", "SET lock_timeout = '300ms'; ALTER TABLE users ADD COLUMN age bigint;"
    ),
    "a concurrent build under a statement time-out": Planted(
        "hurried-build", f"{TIMEOUTS} CREATE INDEX CONCURRENTLY i ON users (name);"
    ),
    "a validation under a lock time-out": Planted(
        "hurried-build", f"{UNHURRIED} SET lock_timeout = '300ms'; ALTER TABLE users VALIDATE CONSTRAINT c;"
    ),
    "a concurrent build inside a transaction": Planted(
        "concurrently-in-transaction", f"{UNHURRIED} BEGIN; CREATE INDEX CONCURRENTLY i ON users (name); COMMIT;"
    ),
    "an index drop inside a transaction": Planted(
        "concurrently-in-transaction", f"{UNHURRIED} BEGIN; DROP INDEX CONCURRENTLY i; COMMIT;"
    ),
    "an index on a table in use": Planted("blocking-index", step("CREATE INDEX i ON users (name)")),
    "an index on a table that an earlier transaction made": Planted(
        "blocking-index", step(NEW_TABLE) + step("CREATE INDEX i ON notes (id)")
    ),
    "an index built in a DO block": Planted("blocking-index", do("CREATE UNIQUE INDEX i ON users (name);")),
    "an index dropped under the feet of readers": Planted("blocking-index-drop", step("DROP INDEX i")),
    "a reindex": Planted("blocking-reindex", step("REINDEX TABLE users")),
    "a refresh that locks readers out": Planted("blocking-refresh", step("REFRESH MATERIALIZED VIEW totals")),
    "a detach that locks everyone out": Planted(
        "blocking-detach", step("ALTER TABLE events DETACH PARTITION events_1")
    ),
    "a concurrent build that keeps an invalid index": Planted(
        "concurrently-if-not-exists", alone("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON users (name)")
    ),
    "two tables altered in one transaction": Planted(
        "several-tables-locked",
        step("ALTER TABLE users ADD COLUMN a bigint", "ALTER TABLE answers ADD COLUMN a bigint"),
    ),
    "a new table with keys to two others": Planted(
        "several-tables-locked",
        step(
            "CREATE TABLE t (u bigint, c bigint, CONSTRAINT t_u FOREIGN KEY (u) REFERENCES users (id), "
            "CONSTRAINT t_c FOREIGN KEY (c) REFERENCES concepts (id))"
        ),
    ),
    "triggers on two tables from a DO block": Planted(
        "several-tables-locked",
        do(
            "CREATE TRIGGER g AFTER INSERT ON users EXECUTE FUNCTION f();"
            "CREATE TRIGGER g AFTER INSERT ON answers EXECUTE FUNCTION f();"
        ),
    ),
    "a table locked by hand": Planted("lock-table", step("LOCK TABLE users IN SHARE MODE")),
    "a full vacuum": Planted("vacuum-full", f"{TIMEOUTS} VACUUM (FULL, ANALYZE) users;"),
    "a cluster": Planted("cluster", f"{TIMEOUTS} CLUSTER users USING users_pkey;"),
    "a wait for an advisory lock": Planted("blocking-advisory-lock", step("SELECT pg_advisory_xact_lock(7)")),
    "a transaction that outlives everyone": Planted(
        "prepared-transaction", f"{TIMEOUTS} BEGIN; ALTER TABLE users ADD COLUMN a bigint; PREPARE TRANSACTION 'a';"
    ),
    "a sleep": Planted("sleeps", do("PERFORM pg_sleep(5);")),
    # Constraints and columns.
    "a key that reads every row": Planted(
        "foreign-key-scans",
        step("ALTER TABLE answers ADD CONSTRAINT answers_fk FOREIGN KEY (user_id) REFERENCES users (id)"),
    ),
    "a new column with a key": Planted(
        "foreign-key-scans",
        step("ALTER TABLE answers ADD COLUMN u bigint CONSTRAINT answers_fk REFERENCES users (id)"),
    ),
    "a check that reads every row": Planted(
        "check-scans", step("ALTER TABLE users ADD CONSTRAINT users_age CHECK (age > 0)")
    ),
    "a check validated where it is added": Planted(
        "validated-under-lock",
        step(
            "ALTER TABLE users ADD CONSTRAINT users_age CHECK (age > 0) NOT VALID",
            "ALTER TABLE users VALIDATE CONSTRAINT users_age",
        ),
    ),
    "a check validated while a column is added": Planted(
        "validated-under-lock", step("ALTER TABLE users VALIDATE CONSTRAINT users_age, ADD COLUMN age bigint")
    ),
    "a unique constraint that builds its index": Planted(
        "unique-builds-index", step("ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE (email)")
    ),
    "an exclusion constraint": Planted(
        "unique-builds-index", step("ALTER TABLE rooms ADD CONSTRAINT rooms_once EXCLUDE USING gist (during WITH &&)")
    ),
    "not null without a proof": Planted("not-null-scans", step("ALTER TABLE users ALTER COLUMN email SET NOT NULL")),
    "not null with a proof of another column": Planted(
        "not-null-scans",
        step("ALTER TABLE users ADD CONSTRAINT p CHECK (name IS NOT NULL) NOT VALID")
        + alone("ALTER TABLE users VALIDATE CONSTRAINT p")
        + step("ALTER TABLE users ALTER COLUMN email SET NOT NULL"),
    ),
    "not null with a check that was never validated": Planted(
        "not-null-scans",
        step("ALTER TABLE users ADD CONSTRAINT p CHECK (email IS NOT NULL) NOT VALID")
        + step("ALTER TABLE users ALTER COLUMN email SET NOT NULL"),
    ),
    "a column that every row lacks": Planted(
        "required-column", step("ALTER TABLE users ADD COLUMN email text NOT NULL")
    ),
    "a default that differs from row to row": Planted(
        "volatile-default", step("ALTER TABLE users ADD COLUMN key uuid NOT NULL DEFAULT gen_random_uuid()")
    ),
    "a volatile default inside a stable one": Planted(
        "volatile-default", step("ALTER TABLE users ADD COLUMN key text DEFAULT upper(random()::text)")
    ),
    "a new serial column": Planted("volatile-default", step("ALTER TABLE users ADD COLUMN n bigserial")),
    "a stored column computed for each row": Planted(
        "volatile-default", step("ALTER TABLE users ADD COLUMN l text GENERATED ALWAYS AS (lower(name)) STORED")
    ),
    "another type": Planted("type-change-rewrites", step("ALTER TABLE users ALTER COLUMN age TYPE bigint")),
    "a table made durable": Planted("table-rewrites", step("ALTER TABLE scratch SET LOGGED")),
    "a partition attached without a proof": Planted(
        "attach-scans", step("ALTER TABLE events ATTACH PARTITION events_1 FOR VALUES FROM (0) TO (10)")
    ),
    "a constraint that Postgres names": Planted(
        "unnamed-constraint", step("ALTER TABLE users ADD CHECK (age > 0) NOT VALID")
    ),
    "a primary key that Postgres names": Planted("unnamed-constraint", step("CREATE TABLE t (id bigint PRIMARY KEY)")),
    "an index that Postgres names": Planted("unnamed-index", alone("CREATE INDEX CONCURRENTLY ON users (name)")),
}
