"""No attack on the tenant isolation of lms reaches a row of another organization; without its protection each one does.

Attacks are in `tests/tenant_attacks.py`. They connect as the application's role, straight and through PgBouncer.
"""

import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

from tests.conftest import Connection, Server
from tests.lms_rows import TABLES
from tests.pooler import Pooler, pooler_before
from tests.tenant_attacks import ATTACKS, REFERENCES, Attack, World, isolated_world, reached, read, remove

every_table = pytest.mark.parametrize("table", TABLES)
every_attack = pytest.mark.parametrize("name", ATTACKS)


@pytest.fixture(scope="module")
def world(server: Server, template: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    """Two isolated organizations."""
    with isolated_world(server, template, tmp_path_factory.mktemp("tenants"), "tenant_attacks") as world:
        yield world


@pytest.fixture(scope="module")
def superuser(world: World) -> Generator[Connection]:
    """A connection that takes a protection away."""
    with world.site.server.admin(world.site.database) as connection:
        yield connection


@pytest.fixture(scope="module")
def attackers(world: World) -> Generator[dict[str, Connection]]:
    """Connections of the roles that attack."""
    with world.site.connect("lms", "app") as app, world.site.connect("lms") as owner:
        yield {"app": app, "migrator": owner}


@pytest.fixture(scope="module")
def pooled(world: World) -> Generator[dict[str, Connection]]:
    """The same through a PgBouncer in transaction mode."""
    folder = Path(tempfile.mkdtemp(prefix="espalier-pooler-"))
    with (
        pooler_before(world.site.server, folder) as pooler,
        through(pooler, world, "app") as app,
        through(pooler, world, "migrator") as owner,
    ):
        yield {"app": app, "migrator": owner}
    shutil.rmtree(folder)


def through(pooler: Pooler, world: World, role: Any) -> Connection:
    url = pooler.url(role, world.site.database)
    return Connection.connect(url, autocommit=True, prepare_threshold=None, row_factory=dict_row)


@every_table
@every_attack
def test_an_attack_reaches_no_row_and_would_without_its_protection(
    world: World, attackers: dict[str, Connection], superuser: Connection, name: str, table: str
) -> None:
    attack = ATTACKS[name]
    assert reached(world, attack, attackers[attack.role], table) == 0
    assert reached(world, attack, superuser, table, control=True) > 0


@every_attack
def test_an_attack_through_pgbouncer_reaches_no_row(world: World, pooled: dict[str, Connection], name: str) -> None:
    attack = ATTACKS[name]
    assert {table: reached(world, attack, pooled[attack.role], table) for table in TABLES} == dict.fromkeys(TABLES, 0)


def test_a_partition_that_is_addressed_directly_needs_policies_of_its_own(
    world: World, attackers: dict[str, Connection], superuser: Connection
) -> None:
    """Those of its parent are not asked then; `lms/tenant_isolation` names a partition without."""
    own = "organization_id = (SELECT espalier.current_organization())"
    protected = (
        f"CREATE POLICY espalier_tenants ON TABLE_ USING ({own}) WITH CHECK ({own});"
        " ALTER TABLE TABLE_ ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;"
        " GRANT SELECT ON TABLE_ TO espalier_app"
    )
    superuser.execute(
        """
        CREATE TABLE lms.visits (id text, organization_id text NOT NULL) PARTITION BY LIST (organization_id);
        CREATE TABLE lms.visits_south PARTITION OF lms.visits FOR VALUES IN ('south');
        INSERT INTO lms.visits VALUES ('south-visit', 'south');
        GRANT SELECT ON lms.visits_south TO espalier_app
        """
    )
    try:
        superuser.execute(protected.replace("TABLE_", "lms.visits").encode())
        found = [reached(world, Attack(read), attackers["app"], table) for table in ("visits", "visits_south")]
        superuser.execute(protected.replace("TABLE_", "lms.visits_south").encode())
        then = [reached(world, Attack(read), attackers["app"], table) for table in ("visits", "visits_south")]
    finally:
        superuser.execute("DROP TABLE lms.visits")
    assert (found, then) == ([0, 1], [0, 0])


@every_table
def test_an_organization_sees_its_own_rows(world: World, attackers: dict[str, Connection], table: str) -> None:
    with attackers["app"].transaction():
        attackers["app"].execute("SELECT espalier.enter_organization(%s)", [world.tokens["south"]])
        rows = attackers["app"].execute(SQL("SELECT id FROM {}").format(Identifier(table))).fetchall()
    assert {row["id"].split("-")[0] for row in rows if "system" not in row["id"] and row["id"] != "theme"}
    assert [row["id"] for row in rows if "north" in row["id"]] == []


@pytest.mark.parametrize(("table", "column"), REFERENCES)
def test_a_row_may_neither_be_moved_to_nor_refer_to_another_organization(
    world: World, attackers: dict[str, Connection], superuser: Connection, table: str, column: str
) -> None:
    """A foreign key alone takes the reference: it is checked past all policies."""

    def refer(connection: Connection, _table: str, rows: Any) -> int:
        update = SQL("UPDATE {} SET {} = %s WHERE id = %s").format(Identifier(table), Identifier(column))
        remove(connection, table, rows)
        return connection.execute(update, [REFERENCES[table, column], rows[f"north {table}"]["id"]]).rowcount

    attack = Attack(refer)
    assert reached(world, attack, attackers["app"], table) == 0
    assert reached(world, attack, superuser, table, control=True) == 1
