"""Rules that hold for every revision, present and to come."""

import ast
import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

from migrations import revisions, runner
from migrations.connection import Target, connect, look_into
from migrations.locks import TIMEOUTS
from migrations.metadata import BASELINES
from migrations.revisions import configuration, domains, history
from orchestration.errors import EspalierError
from orchestration.settings import DOMAINS
from tests.conftest import Site

FILES = sorted(Path(revisions.__file__).parent.glob("versions/*/[0-9]*.py"))

_LOCKED = sa.text(
    "SELECT c.relname FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation"
    " WHERE l.pid = pg_backend_pid() AND c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace"
    " AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')"
)


def source(path: Path) -> str:
    return path.read_text()


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_revision_is_numbered_documented_and_reversible(path: Path):
    tree = ast.parse(source(path))
    assert re.fullmatch(r"\d{4}_[a-z_]+\.py", path.name)
    assert f'revision = "{path.parent.name}_{path.name[:4]}"' in source(path)
    assert ast.get_docstring(tree)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert {"upgrade", "downgrade"} <= functions.keys()
    for name in ("upgrade", "downgrade"):
        assert ast.get_docstring(functions[name])
        assert len(functions[name].body) > 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_revision_names_no_schema_and_never_uses_if_not_exists_or_cascade(path: Path):
    statements = re.sub(r'""".*?"""', "", source(path), count=1, flags=re.DOTALL).upper()
    assert "IF NOT EXISTS" not in statements
    assert "CASCADE" not in re.sub(r"ON (DELETE|UPDATE) CASCADE", "", statements).replace('="CASCADE"', "")
    assert not any(f"{domain.upper()}." in statements for domain in DOMAINS)


@pytest.mark.parametrize("domain", domains())
def test_a_history_is_one_line_in_the_order_of_its_numbers(domain: str):
    found = history(domain)
    assert [revision.id for revision in found] == [f"{domain}_{number:04d}" for number in range(len(found))]
    assert [revision.previous for revision in found] == [None, *(revision.id for revision in found[:-1])]
    assert all(len(revision.id) <= 32 for revision in found)


def test_a_step_locks_one_table_of_the_application_at_most_or_both_ends_of_a_key(empty_site: Site):
    for domain in DOMAINS:
        script = ScriptDirectory.from_config(configuration(domain))
        for revision in history(domain)[1:]:
            runner.migrate(empty_site.settings, domain, revision.previous or "base")
            module = script.get_revision(revision.id).module
            if {"unhurried", "validate_constraint"} & {*dir(module)} or "CONCURRENTLY" in source(
                Path(str(module.__file__))
            ).upper():
                continue
            with connect(empty_site.settings.url("migrator")) as database:
                look_into(database, Target(domain, domain, "extensions"))
                with (
                    database.alchemy.begin() as transaction,
                    Operations.context(MigrationContext.configure(database.alchemy)),
                ):
                    module.upgrade()
                    locked = set(database.alchemy.scalars(_LOCKED)) & BASELINES[domain].tables.keys()
                    transaction.rollback()
            ends = 2 if "FOREIGN KEY" in source(Path(str(module.__file__))) else 1
            assert len(locked) <= ends, (revision.id, locked)


def test_time_outs_are_short_enough_for_clients_behind_a_waiting_step():
    assert "SET lock_timeout = '300ms'" in TIMEOUTS


@pytest.mark.parametrize("target", ["nothing", "community_9999", "-4", "+99", "", "0", "head:base"])
def test_a_target_that_does_not_exist_is_refused_with_the_known_ones(target: str):
    with pytest.raises(EspalierError, match=r"no revision .*known are base, community_0000, community_0001, .*head"):
        revisions.plan("community", "community_0002", target)


@pytest.mark.parametrize(
    ("current", "to", "direction", "steps"),
    [
        (None, "+1", "up", ["community_0000"]),
        ("community_0002", "-2", "down", ["community_0002", "community_0001"]),
        ("community_0001", "0003", "up", ["community_0002", "community_0003"]),
        ("community_0001", "community_0001", "up", []),
        ("community_0001", "base", "down", ["community_0001", "community_0000"]),
        (None, "base", "up", []),
    ],
)
def test_the_way_to_a_target(current: str | None, to: str, direction: str, steps: list[str]):
    way = revisions.plan("community", current, to)
    assert (way.direction, [revision.id for revision in way.revisions]) == (direction, steps)


def test_an_adopted_site_is_never_taken_below_its_baseline():
    way = revisions.plan("community", "community_0002", "base", adopted=True)
    assert [revision.id for revision in way.revisions] == ["community_0002", "community_0001"]
    assert way.target == "community_0000"


def test_a_revision_of_a_newer_version_is_named():
    with pytest.raises(EspalierError, match="at revision community_0777, which this version of Espalier does not know"):
        revisions.plan("community", "community_0777", "head")
