"""Whatever somebody changes about who may do what is found by name; on real servers, one site, each change undone."""

from collections.abc import Generator
from typing import Any, LiteralString, NamedTuple

import pytest
from psycopg.sql import SQL, Identifier

from migrations import runner
from migrations.grants.check import GrantReport, check
from migrations.grants.site import bring, script
from orchestration.settings import DOMAINS
from tests.conftest import Server, Site, site_settings

pytestmark = pytest.mark.usefixtures("views_for_analytics")


class Tampering(NamedTuple):
    """What somebody does, how it is undone, in which list it is found, and the line."""

    do: LiteralString
    undo: LiteralString
    found: str
    line: str
    mended: bool = True


def surplus(right: LiteralString, place: LiteralString, role: LiteralString, line: str | None = None) -> Tampering:
    """A right too many."""
    name = place.removeprefix("FUNCTION ").removeprefix("SEQUENCE ").removeprefix("SCHEMA ").replace('"', "")
    who = role.partition(" ")[0]
    undo = f"REVOKE {right} ON {place} FROM {who} CASCADE"
    return Tampering(f"GRANT {right} ON {place} TO {role}", undo, "surplus", line or f"{who}: {right} on {name}")


def missing(right: LiteralString, place: LiteralString, role: LiteralString, line: str | None = None) -> Tampering:
    """A right too few."""
    name = place.removeprefix("FUNCTION ").removeprefix("SEQUENCE ").removeprefix("SCHEMA ")
    give = f"GRANT {right} ON {place} TO {role}"
    return Tampering(f"REVOKE {right} ON {place} FROM {role}", give, "missing", line or f"{role}: {right} on {name}")


def power(do: LiteralString, undo: LiteralString, line: str, found: str = "powers") -> Tampering:
    """A role that can do more than the list says, or is set otherwise."""
    return Tampering(do, undo, found, line, mended=False)


TAMPERINGS = {
    "truncate": surplus("TRUNCATE", "community.users", "espalier_app"),
    "references": surplus("REFERENCES", "lms.nuggets", "espalier_app"),
    "trigger": surplus("TRIGGER", "behavior.users", "espalier_app"),
    "a table open to all": surplus("SELECT", "community.users", "PUBLIC"),
    "a column open to all": surplus("SELECT (email)", "rag.users", "PUBLIC", "PUBLIC: SELECT on rag.users.email"),
    "the option to grant": Tampering(
        "GRANT INSERT ON lms.users TO espalier_app WITH GRANT OPTION",
        "REVOKE GRANT OPTION FOR INSERT ON lms.users FROM espalier_app",
        "surplus",
        "espalier_app: INSERT on lms.users with grant option",
    ),
    "a secret for jobs": surplus("SELECT", 'community."Account"', "espalier_jobs"),
    "tokens for jobs": surplus("SELECT", "behavior.calendar_integrations", "espalier_jobs"),
    "a hash for jobs": surplus(
        "SELECT (password_hash)", "lms.users", "espalier_jobs", "espalier_jobs: SELECT on lms.users.password_hash"
    ),
    "the whole table where columns are listed": Tampering(
        "GRANT SELECT ON lms.users TO espalier_jobs",
        "REVOKE SELECT ON lms.users FROM espalier_jobs;"  # takes those of the columns along
        " GRANT SELECT (id, email, name, role, organization_id, created_at, updated_at) ON lms.users TO espalier_jobs",
        "surplus",
        "espalier_jobs: SELECT on lms.users",
    ),
    "an e-mail for analytics": surplus(
        "SELECT (email)", "community.users", "espalier_analytics", "espalier_analytics: SELECT on community.users.email"
    ),
    "an e-mail for the views": surplus(
        "SELECT (email)", "community.users", "espalier_owner", "espalier_owner: SELECT on community.users.email"
    ),
    "a derived table that the application writes": surplus("UPDATE", "community.trust_scores", "espalier_app"),
    "a ledger that the application changes": surplus("UPDATE", "community.xp_ledger", "espalier_app"),
    "keys": surplus("SELECT", "espalier.tenant_keys", "espalier_app"),
    "a schema to build in": surplus("CREATE", "SCHEMA community", "espalier_app"),
    "a schema open to all": surplus("USAGE", "SCHEMA rag", "PUBLIC"),
    "a function open to all": surplus("EXECUTE", "FUNCTION community.xp_ledger_sync()", "PUBLIC"),
    "a function that signs": surplus("EXECUTE", "FUNCTION espalier.new_tenant_key()", "espalier_app"),
    "a new function, which Postgres gives to all": Tampering(
        "CREATE FUNCTION espalier.extra() RETURNS integer LANGUAGE sql RETURN 1",
        "DROP FUNCTION espalier.extra()",
        "surplus",
        "PUBLIC: EXECUTE on espalier.extra()",
        mended=False,
    ),
    "a sequence set back": surplus("UPDATE", "SEQUENCE espalier.graph_version", "espalier_jobs"),
    "a view that is written": surplus("INSERT", "espalier_analytics.rag_users", "espalier_analytics"),
    "a view for others": surplus("SELECT", "espalier_analytics.rag_users", "espalier_app"),
    "a materialized view": Tampering(
        "CREATE MATERIALIZED VIEW community.m AS SELECT 1 AS one; GRANT SELECT ON community.m TO espalier_app;"
        " ALTER MATERIALIZED VIEW community.m OWNER TO espalier_migrator",
        "DROP MATERIALIZED VIEW community.m",
        "surplus",
        "espalier_app: SELECT on community.m",
    ),
    "tables to come": Tampering(
        "ALTER DEFAULT PRIVILEGES FOR ROLE espalier_migrator IN SCHEMA rag GRANT SELECT ON TABLES TO espalier_app",
        "ALTER DEFAULT PRIVILEGES FOR ROLE espalier_migrator IN SCHEMA rag REVOKE SELECT ON TABLES FROM espalier_app",
        "surplus",
        "espalier_app: SELECT on rag.espalier_migrator.r",
        mended=False,
    ),
    "no barrier": Tampering(
        "ALTER VIEW espalier_analytics.behavior_missions RESET (security_barrier)",
        "ALTER VIEW espalier_analytics.behavior_missions SET (security_barrier = true)",
        "surplus",
        "view behavior_missions is not as it was made",
    ),
    "another owner": Tampering(
        "ALTER VIEW espalier_analytics.rag_users OWNER TO espalier_migrator",
        "ALTER VIEW espalier_analytics.rag_users OWNER TO espalier_owner",
        "surplus",
        "view rag_users is not as it was made",
    ),
    "a right less": missing("SELECT", "community.answers", "espalier_app"),
    "a column less": missing(
        'UPDATE ("totalXP")', "community.users", "espalier_jobs", "espalier_jobs: UPDATE on community.users.totalXP"
    ),
    "a schema less": missing("USAGE", "SCHEMA lms", "espalier_jobs"),
    "a sequence less": missing("USAGE", "SEQUENCE espalier.graph_version", "espalier_jobs"),
    "a view unread": missing("SELECT", "espalier_analytics.rag_users", "espalier_analytics"),
    "a column less for the views": missing(
        "SELECT (tier)", "community.users", "espalier_owner", "espalier_owner: SELECT on community.users.tier"
    ),
    "a superuser": power(
        "ALTER ROLE espalier_app SUPERUSER", "ALTER ROLE espalier_app NOSUPERUSER", "espalier_app is a superuser"
    ),
    "past the policies": power(
        "ALTER ROLE espalier_jobs BYPASSRLS",
        "ALTER ROLE espalier_jobs NOBYPASSRLS",
        "espalier_jobs bypasses row security",
    ),
    "a maker of roles": power(
        "ALTER ROLE espalier_analytics CREATEROLE",
        "ALTER ROLE espalier_analytics NOCREATEROLE",
        "espalier_analytics may create roles",
    ),
    "the owner logs in": power(
        "ALTER ROLE espalier_owner LOGIN", "ALTER ROLE espalier_owner NOLOGIN", "espalier_owner may log in"
    ),
    "a membership": power(
        "GRANT pg_read_all_data TO espalier_analytics",
        "REVOKE pg_read_all_data FROM espalier_analytics",
        "espalier_analytics is a member of pg_read_all_data",
    ),
    "a limit": power(
        "ALTER ROLE espalier_app CONNECTION LIMIT -1",
        "ALTER ROLE espalier_app CONNECTION LIMIT 60",
        "espalier_app has the connection limit -1, the list says 60",
        "beside",
    ),
    "a time-out": power(
        "ALTER ROLE espalier_app RESET statement_timeout",
        "ALTER ROLE espalier_app SET statement_timeout = '30s'",
        "espalier_app has statement_timeout not set, the list says 30s",
        "beside",
    ),
    "a backup that sees less": power(
        "ALTER ROLE espalier_backup NOBYPASSRLS",
        "ALTER ROLE espalier_backup BYPASSRLS",
        "espalier_backup does not bypass row security: a dump of isolated tables fails",
        "beside",
    ),
    "somebody else": power(
        "GRANT SELECT ON community.users TO pg_monitor",
        "REVOKE SELECT ON community.users FROM pg_monitor",
        "pg_monitor: SELECT on community.users",
        "beside",
    ),
    "a neighbour's table": power(
        "CREATE TABLE community.theirs (); GRANT SELECT ON community.theirs TO espalier_jobs",
        "DROP TABLE community.theirs",
        "espalier_jobs: SELECT on community.theirs",
        "beside",
    ),
}


@pytest.fixture(scope="module")
def shared(
    server: Server, template: str, views_for_analytics: None, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Site]:
    """Give all tests of this file one site with every domain: each leaves it as it was."""
    name = "tampered"
    server.create_database(name, template, "espalier_migrator")
    site = Site(server, name, site_settings(server, name, tmp_path_factory.mktemp(name), domains=DOMAINS))
    for domain in DOMAINS:
        bring(site.settings, domain)
    yield site
    server.drop_database(name)


def run(site: Site, statement: str) -> None:
    with site.connect(None, "bootstrap") as connection:
        connection.execute(statement.encode())


def found(report: GrantReport) -> dict[str, list[str]]:
    """Give the lists that are not empty."""
    return {name: lines for name, lines in report.as_dict().items() if isinstance(lines, list) and lines}


def test_a_migrated_site_is_as_the_list_says_and_a_second_run_changes_nothing(shared: Site):
    report = check(shared.settings)
    assert (found(report), report.ok) == ({}, True)
    assert report.compared > 800
    for domain in DOMAINS:
        assert runner.migrate(shared.settings, domain).grants == []
        assert bring(shared.settings, domain) == []
        assert script(shared.settings, domain) == []


@pytest.mark.parametrize("name", TAMPERINGS)
def test_what_somebody_changes_is_found_by_name(shared: Site, name: str):
    change = TAMPERINGS[name]
    run(shared, change.do)
    try:
        report = check(shared.settings)
    finally:
        run(shared, change.undo)
    assert found(report) == {change.found: [change.line]}
    assert report.ok == (change.found == "beside")


def test_what_somebody_changes_is_put_right_but_what_is_another_s(new_site: Any, template: str):
    site = new_site(template, domains=DOMAINS)
    for domain in DOMAINS:
        bring(site.settings, domain)
    mended = [change for change in TAMPERINGS.values() if change.mended]
    for change in mended:
        run(site, change.do)
    with site.connect(None, "bootstrap") as connection:
        connection.execute("GRANT SELECT, TRUNCATE ON community.users TO pg_monitor")
        connection.execute("CREATE MATERIALIZED VIEW community.theirs AS SELECT 1 AS one")
        connection.execute("GRANT SELECT ON community.theirs TO espalier_app")
        connection.execute("CREATE FUNCTION espalier.theirs() RETURNS integer LANGUAGE sql RETURN 1")
    assert not check(site.settings).ok
    for domain in DOMAINS:
        assert script(site.settings, domain)
        assert bring(site.settings, domain)
    report = check(site.settings)
    assert found(report) == {
        "surplus": ["espalier_app: SELECT on community.theirs", "PUBLIC: EXECUTE on espalier.theirs()"],
        "beside": ["pg_monitor: SELECT on community.users", "pg_monitor: TRUNCATE on community.users"],
    }


_TEMPORARY = ("GRANT TEMPORARY ON DATABASE {} TO espalier_app", "REVOKE TEMPORARY ON DATABASE {} FROM espalier_app")
_CONNECT = (
    "REVOKE CONNECT ON DATABASE {} FROM espalier_backup",
    "GRANT CONNECT ON DATABASE {} TO espalier_backup",
)
_PUBLIC = ("GRANT CONNECT ON DATABASE {} TO PUBLIC", "REVOKE CONNECT ON DATABASE {} FROM PUBLIC")


@pytest.mark.parametrize(
    ("change", "where"), [(_TEMPORARY, "surplus"), (_CONNECT, "missing"), (_PUBLIC, "beside")], ids=["1", "2", "3"]
)
def test_rights_on_the_database_are_compared_too(shared: Site, change: tuple[LiteralString, LiteralString], where: str):
    database = Identifier(shared.database)
    with shared.connect(None, "bootstrap") as connection:
        connection.execute(SQL(change[0]).format(database))
        report = check(shared.settings)
        connection.execute(SQL(change[1]).format(database))
    assert {name: len(lines) for name, lines in found(report).items()} == {where: 1}


def test_a_view_without_its_consent_is_found(shared: Site):
    with shared.connect(None, "bootstrap") as connection:
        row = connection.execute("SELECT pg_get_viewdef('espalier_analytics.behavior_missions'::regclass)").fetchone()
        whole = str(row and row["pg_get_viewdef"])
        replace = "CREATE OR REPLACE VIEW espalier_analytics.behavior_missions WITH (security_barrier = true) AS "
        connection.execute((replace + whole.partition("WHERE")[0]).encode())
        report = check(shared.settings)
        connection.execute((replace + whole).encode())
    assert found(report) == {"surplus": ["view behavior_missions is not as it was made"]}
    assert check(shared.settings).ok
