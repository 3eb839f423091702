"""The asset that proves the tenant isolation of lms, the signed organization that it rests on, and what must go on."""

import hashlib
import hmac
import time
from collections.abc import Generator
from typing import Any

import dagster as dg
import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from assets.lms.tenant_isolation import CHECKS, TABLES, tenant_isolation
from migrations.metadata import METADATA
from orchestration.cli.runs import QUIET
from orchestration.definitions import build_definitions
from orchestration.errors import EspalierError
from orchestration.resources import sees_through_policies
from tests import lms_rows
from tests.conftest import Connection, Server, Site
from tests.tenant_attacks import World, isolated_world, sign
from tests.tenant_weaknesses import WEAKNESSES


@pytest.fixture(scope="module")
def world(server: Server, template: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    """Two isolated organizations, without the views that leak on purpose."""
    with isolated_world(server, template, tmp_path_factory.mktemp("tenants"), "tenant_isolation") as world:
        with world.site.connect("lms") as connection:
            connection.execute("DROP SCHEMA side CASCADE")
        yield world


@pytest.fixture
def app(world: World) -> Generator[Connection]:
    """A connection of the application."""
    with world.site.connect("lms", "app") as connection:
        yield connection


@pytest.fixture
def owner(world: World) -> Generator[Connection]:
    """A connection of the tables' owner."""
    with world.site.connect("lms") as connection:
        yield connection


def found(site: Site) -> dict[str, tuple[bool, str]]:
    """Run the asset; give for each check whether it passed, and what it found."""
    resources = {"postgres": dg.ResourceDefinition.hardcoded_resource(site.postgres)}
    done = dg.materialize([tenant_isolation], resources=resources, run_config=QUIET)
    checks = done.get_asset_check_evaluations()
    return {
        check.check_name: (check.passed, str(check.metadata["found"].value) if check.metadata else "")
        for check in checks
    }


def nuggets(connection: Connection) -> list[str]:
    return [row["id"] for row in connection.execute("SELECT id FROM nuggets ORDER BY id").fetchall()]


def refusal(connection: Connection, token: str, statement: str) -> str:
    """Give what Postgres says to a statement that it refuses to an organization."""

    def attempt() -> None:
        with connection.transaction():
            enter(connection, token)
            connection.execute(statement.encode())

    with pytest.raises(psycopg.Error) as refused:
        attempt()
    return str(refused.value)


def enter(connection: Connection, token: str) -> None:
    connection.execute("SELECT espalier.enter_organization(%s)", [token])


def test_the_asset_proves_an_isolated_site(world: World) -> None:
    checks = found(world.site)
    assert checks.keys() == {check.name for check in CHECKS}
    assert {name: text for name, (passed, text) in checks.items() if not passed} == {}


@pytest.mark.parametrize("name", WEAKNESSES)
def test_the_asset_finds_what_makes_a_site_leak(world: World, name: str) -> None:
    make, mend, (check, words) = WEAKNESSES[name]
    with world.site.server.admin(world.site.database) as superuser:
        policy = superuser.execute(
            "SELECT pg_get_expr(polqual, polrelid) AS shown FROM pg_policy"
            " WHERE polname = 'espalier_tenants' AND polrelid = 'lms.messages'::regclass"
        ).fetchall()[0]["shown"]
        superuser.execute(make.encode())
        try:
            passed, text = found(world.site)[check]
        finally:
            back = f"CREATE POLICY espalier_tenants ON lms.messages USING ({policy}) WITH CHECK ({policy})"
            superuser.execute((mend or f"SET search_path = lms; {back}; RESET search_path").encode())
    assert not passed
    assert words in text


def test_the_asset_says_that_isolation_is_off(site: Site) -> None:
    checks = found(site)
    assert {name for name, (passed, _) in checks.items() if not passed} == {"isolation_is_on"}
    assert "ESPALIER_LMS__TENANT_ISOLATION=true" in checks["isolation_is_on"][1]


def test_every_table_of_the_domain_is_isolated_and_a_new_one_has_to_be(world: World) -> None:
    """What fails when a table comes without a revision of its own in `migrations/versions/lms_tenants`."""
    query = """
        SELECT c.relname AS name FROM pg_class AS c
        WHERE c.relnamespace = 'lms'::regnamespace AND c.relkind IN ('r', 'p')
          AND c.relrowsecurity AND c.relforcerowsecurity
    """
    with world.site.connect("lms") as connection:
        isolated = {row["name"] for row in connection.execute(query).fetchall()}
    assert isolated == set(METADATA["lms"].tables)
    assert set(lms_rows.TABLES) == isolated == set(TABLES)


def test_a_token_can_be_signed_where_no_database_is(world: World, app: Connection, owner: Connection) -> None:
    key, secret = owner.execute("SELECT id, secret FROM espalier.tenant_keys").fetchall()[0].values()
    expires = int(time.time()) + 60
    signature = hmac.new(secret, f"token.{key}.{expires}.süd.1".encode(), hashlib.sha256).hexdigest()
    with app.transaction():
        enter(app, f"{key}.{expires}.{signature}.süd.1")
        assert app.execute("SELECT espalier.current_organization() AS o").fetchall()[0]["o"] == "süd.1"
        assert nuggets(app) == []


def test_what_is_entered_ends_with_the_transaction(world: World, app: Connection) -> None:
    with app.transaction():
        enter(app, world.tokens["north"])
        assert nuggets(app) == ["north-nugget"]
    assert nuggets(app) == []
    with app.transaction():
        enter(app, world.tokens["north"])
        enter(app, world.tokens["south"])
        assert nuggets(app) == ["south-nugget"]


def test_a_binding_is_worth_nothing_in_another_transaction(world: World, app: Connection) -> None:
    """Neither in the same session, as the next client of a pooler has it, nor in another one."""
    with app.transaction():
        enter(app, world.tokens["south"])
        (row,) = app.execute("SELECT current_setting('espalier.organization') AS binding").fetchall()
        app.execute("SELECT set_config('espalier.organization', %s, true)", [row["binding"]])
        assert nuggets(app) == ["south-nugget"]
    with app.transaction():
        app.execute("SELECT set_config('espalier.organization', %s, true)", [row["binding"]])
        assert nuggets(app) == []
    with world.site.connect("lms", "app") as other, other.transaction():
        other.execute("SELECT set_config('espalier.organization', %s, true)", [row["binding"]])
        assert nuggets(other) == []


def test_a_token_is_refused_that_is_forged_late_or_too_long(world: World, app: Connection, owner: Connection) -> None:
    key, expires, signature, _ = world.tokens["north"].split(".", 3)
    (row,) = owner.execute("SELECT now() AS at").fetchall()
    with app.transaction():
        enter(app, world.tokens["north"])
        (bound,) = app.execute("SELECT current_setting('espalier.organization') AS token").fetchall()
    forged = (
        f"{key}.{expires}.{signature}.south",
        f"{key}.{int(expires) + 1}.{signature}.north",
        f"{int(key) + 1}.{expires}.{signature}.north",
        f"{key}.{expires}.{'0' * 64}.north",
        bound["token"],
        sign(owner, "north", -1),
        sign(owner, "north", 4000),
        "north",
        "",
        "' OR true --",
    )
    for token in forged:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="not signed by a valid key"), app.transaction():
            enter(app, token)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), app.transaction():
        app.execute("SELECT espalier.enter_organization(NULL)")
    assert row["at"]


def test_a_key_is_replaced_while_its_tokens_are_still_taken(world: World, app: Connection, owner: Connection) -> None:
    old = sign(owner, "north")
    owner.execute("SELECT espalier.new_tenant_key()")
    new = sign(owner, "north")
    assert old.split(".")[0] != new.split(".")[0]
    for token in (old, new):
        with app.transaction():
            enter(app, token)
            assert nuggets(app) == ["north-nugget"]
    owner.execute("UPDATE espalier.tenant_keys SET valid_until = now() WHERE valid_until IS NOT NULL")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), app.transaction():
        enter(app, old)
    with app.transaction():
        enter(app, new)
    world.tokens.update({name: sign(owner, name) for name in world.tokens})


@pytest.mark.parametrize(
    "statement",
    [
        "TABLE espalier.tenant_keys",
        "SELECT espalier.sign_organization('south', 60)",
        "SELECT espalier.tenant_mac(1, 'token.1.9999999999.south')",
        "SELECT espalier.new_tenant_key()",
        "SELECT espalier.enter_every_organization()",
        "SET ROLE espalier_migrator",
        "SET ROLE espalier_jobs",
        "SET SESSION AUTHORIZATION espalier_migrator",
        "ALTER TABLE nuggets DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY mine ON nuggets USING (true)",
        "DROP POLICY espalier_tenants ON nuggets",
        "TRUNCATE nuggets",
        "CREATE FUNCTION lms.mine() RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$",
    ],
)
def test_the_application_may_not(app: Connection, statement: str) -> None:
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidParameterValue)):
        app.execute(statement.encode())


def test_a_failing_expression_tells_nothing_of_other_rows(world: World, app: Connection) -> None:
    """Postgres asks the policy before it evaluates what could tell of a row by its error."""
    said = refusal(app, world.tokens["north"], "SELECT id FROM nuggets WHERE content::int > 0")
    assert "A set of north" in said
    with app.transaction():
        enter(app, world.tokens["north"])
        assert app.execute("SELECT id FROM nuggets WHERE content::int > 0 AND id LIKE 'south%'").fetchall() == []


def test_a_foreign_key_does_not_tell_whether_another_organizations_row_exists(world: World, app: Connection) -> None:
    insert = "INSERT INTO narrative_nodes (id, nugget_id, organization_id) VALUES ('x', 'NUGGET', 'north')"
    nuggets = ("south-nugget", "no-nugget")
    said = {refusal(app, world.tokens["north"], insert.replace("NUGGET", nugget)) for nugget in nuggets}
    assert len(said) == 1
    assert "violates row-level security policy" in said.pop()


def test_parallel_workers_see_the_same_rows(world: World, app: Connection) -> None:
    with app.transaction():
        app.execute("SET LOCAL debug_parallel_query = on")
        enter(app, world.tokens["north"])
        assert nuggets(app) == ["north-nugget"]
        assert app.execute("SELECT count(*) AS n FROM messages").fetchall()[0]["n"] == 1


def test_the_policy_uses_the_index_and_verifies_the_signature_once(world: World, app: Connection) -> None:
    with app.transaction():
        app.execute("SET LOCAL enable_seqscan = off")
        enter(app, world.tokens["north"])
        rows = app.execute("EXPLAIN (ANALYZE, COSTS off) SELECT * FROM ingestion_jobs").fetchall()
    plan = "\n".join(row["QUERY PLAN"] for row in rows)
    assert "ingestion_jobs_organization_id_idx" in plan
    assert "InitPlan" in plan


def mentioning(connection: Connection, name: str) -> set[str]:
    counted = SQL("SELECT FROM {} AS t WHERE t::text LIKE '%%' || %s || '%%'")
    return {table for table in TABLES if connection.execute(counted.format(Identifier(table)), [name]).rowcount}


@pytest.mark.parametrize("who", ["app", "owner", "superuser"])
def test_an_organization_goes_with_everything_whoever_deletes_it(world: World, who: str) -> None:
    site = world.site
    with site.server.admin(site.database) as superuser, site.connect("lms", "app" if who == "app" else "migrator") as c:
        superuser.execute("SET search_path = lms, extensions")
        connection = superuser if who == "superuser" else c
        before = mentioning(superuser, "north")
        lms_rows.organization(superuser, "west")
        assert mentioning(superuser, "west") == set(TABLES)
        with connection.transaction():
            if who == "app":
                enter(connection, sign(superuser, "west"))
            elif who == "owner":
                connection.execute("SELECT espalier.enter_every_organization()")
            assert connection.execute("DELETE FROM organizations WHERE id = 'west'").rowcount == 1
        assert mentioning(superuser, "west") == set()
        assert mentioning(superuser, "north") == before


def test_settings_go_with_a_learner_whom_the_application_deletes(world: World, app: Connection) -> None:
    with world.site.server.admin(world.site.database) as superuser:
        superuser.execute("SET search_path = lms, extensions")
        lms_rows.organization(superuser, "west")
        with app.transaction():
            enter(app, sign(superuser, "west"))
            assert app.execute("DELETE FROM learners").rowcount == 1
            left = app.execute("SELECT espalier.in_every_organization() AS every").fetchall()[0]["every"]
        query = "SELECT id FROM voice_configs WHERE scope = 'learner' AND scope_id LIKE 'west%'"
        assert superuser.execute(query).fetchall() == []
        superuser.execute("DELETE FROM organizations WHERE id = 'west'")
    assert left is False


def test_the_owner_sees_every_row_when_it_says_so_and_no_false_proof_before(owner: Connection) -> None:
    assert nuggets(owner) == []
    owner.execute("SET row_security = off")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        nuggets(owner)
    owner.execute("RESET row_security")
    with owner.transaction():
        owner.execute("SELECT espalier.enter_every_organization()")
        assert nuggets(owner) == ["north-nugget", "south-nugget"]


def test_the_applications_tables_are_observed_with_all_their_rows(world: World) -> None:
    settings = world.site.settings.model_copy(update={"domains": ("lms",)})
    job = build_definitions(settings, world.site.postgres).resolve_job_def("observe_sources")
    done = job.execute_in_process(run_config=QUIET)
    seen = [event.asset_observation_data.asset_observation for event in done.get_asset_observation_events()]
    assert {observed.asset_key.path[-1] for observed in seen} == set(TABLES)
    assert {observed.asset_key.path[-1] for observed in seen if "newest_row" in observed.metadata} >= {
        "nuggets",
        "messages",
    }


def test_jobs_see_every_row_and_refuse_when_a_policy_would_hide_one(world: World, owner: Connection) -> None:
    asked: dict[str, Any] = {"needs": "lms_0012", "tables": ["nuggets"]}
    with world.site.postgres.session("lms", **asked) as session, session.transaction() as tx:
        assert nuggets(tx.connection) == ["north-nugget", "south-nugget"]
    owner.execute("DROP POLICY espalier_jobs ON nuggets")
    try:
        with (
            world.site.connect("lms", "jobs") as jobs,
            pytest.raises(EspalierError, match="row security hides rows of nuggets from role espalier_jobs"),
        ):
            sees_through_policies(jobs, "lms", ["nuggets", "messages"])
    finally:
        owner.execute("CREATE POLICY espalier_jobs ON nuggets TO espalier_jobs USING (true) WITH CHECK (true)")
