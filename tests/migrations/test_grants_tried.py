"""What each role can and cannot do, by trying it; what people who analyse can see, by looking for what was hidden."""

import subprocess
from collections.abc import Generator
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg.sql import SQL, Identifier, Literal

from migrations.grants.matrix import matrix
from migrations.grants.site import bring
from migrations.grants.views import SCHEMA
from migrations.metadata import METADATA
from orchestration.database_roles import document
from orchestration.servers.binaries import wheel_programs
from orchestration.settings import DOMAINS, Role
from tests import factories, lms_rows
from tests.conftest import Connection, Server, Site, site_settings

pytestmark = pytest.mark.usefixtures("views_for_analytics")

HIDDEN = "geheim"
_VALUES: dict[str, LiteralString] = {
    "text": "'geheim'",
    "character varying": "'geheim'",
    "jsonb": """'{"geheim": "geheim"}'""",
    "ARRAY": "ARRAY['geheim']",
    "boolean": "true",
    "uuid": "'00000000-0000-0000-0000-000000000001'",
}
# Tables whose checks take no such word: what they hold are figures, and names of periods.
_CHECKED = {"leaderboard_entries"}


@pytest.fixture(scope="module")
def peopled(
    server: Server, template: str, views_for_analytics: None, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Site]:
    """Give the tests of this file one site with every domain, in each table a row that is full of secrets."""
    name = "tried"
    server.create_database(name, template, "espalier_migrator")
    site = Site(server, name, site_settings(server, name, tmp_path_factory.mktemp(name), domains=DOMAINS))
    for domain in DOMAINS:
        bring(site.settings, domain)
    with site.connect(None, "bootstrap") as connection:
        connection.execute("SET session_replication_role = replica")
        for domain in DOMAINS:
            for table in METADATA[domain].tables:
                fill(connection, domain, table)
    yield site
    server.drop_database(name)


def fill(connection: Connection, schema: str, table: str) -> None:
    """Insert a row whose words are secret; keys are `1`, so that rows of one person belong together."""
    columns = connection.execute(
        "SELECT column_name::text AS name, data_type AS kind, format_type(a.atttypid, a.atttypmod) AS type,"
        " (SELECT min(enumlabel::text) FROM pg_enum WHERE enumtypid = a.atttypid) AS label"
        " FROM information_schema.columns JOIN pg_attribute AS a"
        " ON a.attrelid = format('%%I.%%I', table_schema, table_name)::regclass AND a.attname = column_name"
        " WHERE table_schema = %s AND table_name = %s AND is_generated = 'NEVER'",
        [schema, table],
    ).fetchall()
    if columns and table not in _CHECKED:
        names = SQL(", ").join(Identifier(c["name"]) for c in columns)
        values = SQL(", ").join(_value(c) for c in columns)
        connection.execute(SQL("INSERT INTO {} ({}) VALUES ({})").format(Identifier(schema, table), names, values))


def _value(column: dict[str, Any]) -> Any:
    name, kind = column["name"], column["kind"]
    if column["label"]:
        return Literal(column["label"])
    if kind == "text" and (name == "id" or name.endswith(("Id", "_id"))):
        return SQL("'1'")
    if kind.startswith("timestamp") or kind == "date":
        return SQL("'2026-01-01'")
    if kind == "USER-DEFINED":
        return SQL("array_fill(1, ARRAY[{}])::extensions.vector").format(int(column["type"].split("(")[1][:-1]))
    return SQL(_VALUES[kind]) if kind in _VALUES else SQL("0")


def refused(site: Site, role: Role, statement: LiteralString) -> bool:
    with site.connect("community", role) as connection, connection.transaction(force_rollback=True):
        try:
            connection.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            return True
    return False


CAN: list[tuple[Role, LiteralString]] = [
    ("app", "UPDATE users SET bio = 'x'"),
    ("app", "DELETE FROM doubts"),
    ("app", 'SELECT access_token FROM "Account"'),
    ("app", "INSERT INTO xp_ledger SELECT * FROM xp_ledger WHERE false"),
    ("app", "SELECT * FROM trust_scores"),
    ("app", "SELECT espalier.current_organization()"),
    ("jobs", "UPDATE xp_ledger SET reason = 'x'"),
    ("jobs", 'UPDATE users SET "totalXP" = 1'),
    ("jobs", "SELECT email FROM users"),
    ("jobs", "DELETE FROM espalier.graph_outbox"),
    ("analytics", "SELECT * FROM espalier_analytics.community_users"),
    ("backup", 'SELECT * FROM "Account", espalier.tenant_keys, lms.users'),
]
CANNOT: list[tuple[Role, LiteralString]] = [
    ("app", "TRUNCATE doubts"),
    ("app", "UPDATE trust_scores SET score = 1"),
    ("app", "UPDATE xp_ledger SET reason = 'x'"),
    ("app", "DELETE FROM moderation_logs"),
    ("app", "SELECT * FROM espalier.tenant_keys"),
    ("app", "SELECT * FROM espalier.domains"),
    ("app", "SELECT espalier.new_tenant_key()"),
    ("app", "SELECT espalier.sign_organization('a', 60)"),
    ("app", "CREATE TABLE community.t ()"),
    ("app", "CREATE TEMPORARY TABLE t ()"),
    ("app", "ALTER TABLE users DISABLE TRIGGER USER"),
    ("app", "SET ROLE espalier_owner"),
    ("jobs", 'SELECT * FROM "Account"'),
    ("jobs", 'SELECT * FROM "VerificationToken"'),
    ("jobs", "SELECT * FROM behavior.calendar_integrations"),
    ("jobs", "SELECT password_hash FROM lms.users"),
    ("jobs", "SELECT * FROM espalier.tenant_keys"),
    ("jobs", "UPDATE users SET email = 'x'"),
    ("jobs", "SELECT * FROM espalier_analytics.community_users"),
    ("analytics", "SELECT * FROM community.users"),
    ("analytics", "SELECT id FROM community.users"),
    ("analytics", "SELECT * FROM espalier.domains"),
    ("analytics", "SET ROLE espalier_owner"),
    ("analytics", "DELETE FROM espalier_analytics.community_users"),
    ("backup", "DELETE FROM users"),
    ("backup", "SELECT nextval('espalier.graph_version')"),
]


@pytest.mark.parametrize(("role", "statement"), CAN)
def test_a_role_can(peopled: Site, role: Role, statement: LiteralString):
    assert not refused(peopled, role, statement)


@pytest.mark.parametrize(("role", "statement"), CANNOT)
def test_a_role_cannot(peopled: Site, role: Role, statement: LiteralString):
    with peopled.connect(None, "bootstrap") as connection:
        connection.execute("ALTER ROLE espalier_analytics SET default_transaction_read_only = off")
        connection.execute("ALTER ROLE espalier_backup SET default_transaction_read_only = off")
    try:
        assert refused(peopled, role, statement)
    finally:
        with peopled.connect(None, "bootstrap") as connection:
            connection.execute("ALTER ROLE espalier_analytics SET default_transaction_read_only = on")
            connection.execute("ALTER ROLE espalier_backup SET default_transaction_read_only = on")


def test_analytics_sees_a_row_of_each_table_and_no_word_but_those_that_are_listed(peopled: Site):
    leaked, seen = set[str](), set[str]()
    with peopled.connect(None, "analytics") as connection:
        views = connection.execute(
            "SELECT relname::text AS name FROM pg_class WHERE relnamespace = %s::regnamespace", [SCHEMA]
        ).fetchall()
        for name in sorted(view["name"] for view in views):
            for row in connection.execute(SQL("SELECT * FROM {}").format(Identifier(SCHEMA, name))).fetchall():
                seen.add(name)
                leaked |= {f"{name}.{column}" for column, value in row.items() if HIDDEN in str(value)}
    shown = {f"{domain}_{name}" for domain in DOMAINS for name in document()["views"][domain].get("shown", [])} - {
        f"community_{table}.{column}" for table in _CHECKED for column in ("metric", "period", "scope")
    }
    assert leaked == shown
    expected = {
        f"{domain}_{table}"
        for domain in DOMAINS
        for table in METADATA[domain].tables
        if matrix(domain).class_of(table) != "secret" and table not in _CHECKED
    }
    assert seen == expected - {"community_points_ledger_retired"}


@pytest.mark.parametrize("column", ["name", "email", "image", "bio", "password_hash", "profile_image_url", "skills"])
def test_no_view_of_people_has_a_column_that_names_them(peopled: Site, column: str):
    with peopled.connect(None, "analytics") as connection:
        for domain in DOMAINS:
            query = SQL("SELECT {} FROM {}").format(Identifier(column), Identifier(SCHEMA, f"{domain}_users"))
            with pytest.raises(psycopg.errors.UndefinedColumn):
                connection.execute(query)


def test_who_is_not_to_be_in_analytics_is_not(peopled: Site):
    with peopled.connect("behavior", "bootstrap") as connection:
        connection.execute('UPDATE users SET "includeInAnalytics" = false')
    try:
        with peopled.connect(None, "analytics") as connection:
            for table in ("users", "behavioral_events", "missions", "struggle_predictions", "experiment_assignments"):
                view = Identifier(SCHEMA, f"behavior_{table}")
                assert connection.execute(SQL("SELECT FROM {}").format(view)).rowcount == 0, table
            assert connection.execute("SELECT FROM espalier_analytics.behavior_learning_objectives").rowcount == 1
    finally:
        with peopled.connect("behavior", "bootstrap") as connection:
            connection.execute('UPDATE users SET "includeInAnalytics" = true')


def test_a_function_of_the_reader_does_not_see_the_rows_that_consent_leaves_out(peopled: Site):
    with peopled.connect("behavior", "bootstrap") as connection:
        options = connection.execute(
            "SELECT DISTINCT reloptions FROM pg_class WHERE relnamespace = %s::regnamespace", [SCHEMA]
        ).fetchall()
    assert [row["reloptions"] for row in options] == [["security_barrier=true"]]


def test_backup_dumps_the_whole_database_row_security_included(new_site: Any, template: str):
    site = new_site(template)
    with site.connect("lms") as connection:
        lms_rows.organization(connection, "acme")
        connection.execute("ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    with site.connect("community") as connection:
        factories.users(connection, "ann")
    program = wheel_programs(18 if site.server.major == 18 else 16) / "pg_dump"
    dumped = subprocess.run(
        [program, "--restrict-key=x", "-f", "/dev/stdout", site.server.url("backup", site.database)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "COPY espalier.tenant_keys" in dumped
    assert "acme-" in dumped
    for role in ("app", "jobs", "analytics"):
        denied = subprocess.run([program, "-f", "/dev/null", site.server.url(role, site.database)], capture_output=True)
        assert denied.returncode != 0


def test_every_table_of_the_metadata_stands_in_the_list_and_no_other():
    for domain in ("espalier", *DOMAINS):
        listed = {name for name in matrix(domain).tables if "*" not in name}
        later = {"points_ledger_retired"}
        assert {table for table in METADATA[domain].tables if matrix(domain).class_of(table) is None} == set(), domain
        assert listed - set(METADATA[domain].tables) - later == set(), domain


def test_every_word_that_is_shown_is_there(site: Site):
    for domain in DOMAINS:
        rules = document()["views"][domain]
        columns = {f"{t.name}.{c.name}" for t in METADATA[domain].tables.values() for c in t.columns}
        assert {*rules.get("shown", ()), *rules.get("hidden", ())} - columns == set()


def test_nobody_may_anything_with_a_table_that_is_not_listed(site: Site):
    with site.connect("community") as connection:
        connection.execute("CREATE TABLE forgotten (id text)")
        acl = connection.execute("SELECT relacl FROM pg_class WHERE oid = 'forgotten'::regclass").fetchone()
    assert acl == {"relacl": None}
