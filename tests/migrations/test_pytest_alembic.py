"""The tests that come with pytest-alembic, over each of our histories, by the steps that `espalier migrate` takes.

The contract of the community is left out: its second step waits for days to pass, test_contract.py walks it.
"""

from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from psycopg.sql import SQL, Identifier
from pytest_alembic import tests as stock
from pytest_alembic.config import Config
from pytest_alembic.executor import CommandExecutor, ConnectionExecutor, MigrationFn
from pytest_alembic.plugin.error import AlembicTestFailure
from pytest_alembic.runner import MigrationContext
from pytest_alembic.tests.experimental import downgrade_leaves_no_trace

from migrations import preflight, runner
from migrations.connection import Database, Target, connect, look_into
from migrations.locks import PATIENCE_SECONDS
from migrations.revisions import configuration, plan
from migrations.state import current
from orchestration.settings import DOMAINS, Domain
from tests.conftest import Site
from tests.lockstep import Lockstep

APART: dict[str, Domain] = {"lms_tenants": "lms"}
HISTORIES = (*DOMAINS, *APART)

pytestmark = pytest.mark.parametrize("server", [18], ids=["pg18"], indirect=True, scope="session")


@dataclass
class Steps(CommandExecutor):
    """Goes up and down by our steps, guards and records included, where pytest-alembic would call Alembic."""

    eyes: Lockstep
    target: Target

    def upgrade(self, revision: str) -> None:
        """Go up to a revision."""
        self._go("head" if revision == "heads" else revision)

    def downgrade(self, revision: str) -> None:
        """Go down to a revision, or to the base."""
        self._go(revision)

    def _go(self, to: str) -> None:
        with self.connected() as database:
            with database.driver.transaction():
                way = plan(self.target.domain, current(database.driver, self.target.domain), to)
            run = runner.Run(self.eyes.site.settings, "lms", database, True, runner.nobody, PATIENCE_SECONDS)
            for step in way.revisions:
                run.take(self.target, step, way.direction)

    def run_command(self, command: str, *args: Any, **kwargs: Any) -> list[str]:
        """Run a command of Alembic's."""
        with self.connected():
            return super().run_command(command, *args, **kwargs)

    def execute_fn(self, fn: MigrationFn) -> None:
        """Run our environment with a function in place of the steps."""
        with self.connected():
            super().execute_fn(fn)

    @contextmanager
    def connected(self) -> Generator[Database]:
        """Give our environment the connection that it asks for."""
        with connect(self.eyes.site.settings.url("migrator")) as database:
            look_into(database, self.target)
            self.configure(target=self.target, database=database)
            yield database


def at_its_base(site: Site, history: str) -> Site:
    """Take a site to where a history begins: nothing of a domain, or the whole domain that one apart goes on from."""
    if history in DOMAINS:
        runner.migrate(site.settings, history, "base")
        with site.connect(None) as connection:
            connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(history)))
        return site
    with connect(site.settings.url("migrator")) as database, database.driver.transaction():
        preflight.make_version_table(database.driver, history)
    return site


@pytest.fixture(params=HISTORIES)
def walk(request: pytest.FixtureRequest, new_site: Any, template: str) -> Generator[MigrationContext]:
    """Give pytest-alembic's runner of one history, with two sites at its base."""
    history = request.param
    schema = str(APART.get(history, history))
    config = Config(alembic_config=configuration(history))
    made = config.make_alembic_config(StringIO())
    sites = [at_its_base(new_site(template), history) for _ in range(2)]
    with closing(Lockstep(sites, schema)) as eyes:
        steps = Steps(
            made, StringIO(), 0, ScriptDirectory.from_config(made), eyes, Target(history, schema, "extensions")
        )
        yield MigrationContext.from_config(config, steps, ConnectionExecutor(eyes))


def test_every_step_goes_up_and_down_and_the_head_is_what_the_metadata_says(walk: MigrationContext) -> None:
    stock.test_single_head_revision(walk)
    stock.test_upgrade(walk)
    stock.test_model_definitions_match_ddl(walk)
    stock.test_up_down_consistency(walk)


def test_a_step_down_leaves_no_trace(walk: MigrationContext) -> None:
    downgrade_leaves_no_trace.test_downgrade_leaves_no_trace(walk)


@pytest.mark.parametrize("walk", ["rag"], indirect=True)
def test_a_trace_would_be_seen(walk: MigrationContext, monkeypatch: pytest.MonkeyPatch) -> None:
    down = Steps.downgrade

    def forgetful(steps: Steps, revision: str) -> None:
        down(steps, revision)
        with steps.connected() as database, database.driver.transaction():
            database.driver.execute("CREATE TABLE trace (id int)")

    monkeypatch.setattr(Steps, "downgrade", forgetful)
    with pytest.raises(AlembicTestFailure, match="precisely undo") as failure:
        downgrade_leaves_no_trace.test_downgrade_leaves_no_trace(walk)
    _before, (_title, difference) = failure.value.context or []
    assert "op.drop_table('trace')" in difference
