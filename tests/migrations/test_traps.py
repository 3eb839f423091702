"""The traps of the existing applications that no other file tries.

Phase-3 SQL run by hand, text in the place of an enum, orphans below a key to come: `test_adoption.py`. Names that
Prisma and Postgres shorten to 63 bytes in different ways: `test_behavior_schema.py`. Statements that Postgres does not
know, such as ADD CONSTRAINT IF NOT EXISTS: `test_migration_lint.py`; here is what they have left behind.
"""

from typing import Any, LiteralString

import psycopg
import pytest

from migrations import runner
from migrations.baseline import baseline
from migrations.rollback import rollback
from orchestration.settings import Domain
from tests.conftest import Connection, Site
from tests.lineages import behavior, rag
from tests.migrations.adopting import Build, adopted_and_taken_back, brown_field, inspected

pytestmark = pytest.mark.parametrize("server", [18], indirect=True, ids=["pg18"], scope="session")

KEY_0008: LiteralString = (
    "ALTER TABLE ai_dialogue_log ADD CONSTRAINT IF NOT EXISTS fk_ai_dialogue_user"
    " FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE"
)


def with_statements(build: Build, *statements: LiteralString) -> Build:
    def built(connection: Connection) -> None:
        build(connection)
        for statement in statements:
            connection.execute(statement)

    return built


INDEX_FOR_CONSTRAINT = with_statements(
    rag.hand_written,
    "ALTER TABLE plugin_registry DROP CONSTRAINT plugin_registry_name_key",
    "CREATE UNIQUE INDEX plugin_registry_name_key ON plugin_registry (name)",
    "ALTER TABLE plugin_registry DROP CONSTRAINT plugin_registry_source_key",
    "CREATE UNIQUE INDEX one_plugin_a_source ON plugin_registry (source)",
    "ALTER TABLE users DROP CONSTRAINT users_clerk_id_unique",
    "CREATE UNIQUE INDEX users_clerk_id_key ON users (clerk_id)",
)
CONSTRAINT_FOR_INDEX = with_statements(
    behavior.LINEAGES["prisma_push"],
    'DROP INDEX "experiment_assignments_experimentId_userId_key"',
    'ALTER TABLE experiment_assignments ADD CONSTRAINT "one_variant" UNIQUE ("experimentId", "userId")',
    "DROP INDEX users_email_key",
    "ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE (email)",
)


@pytest.mark.parametrize(
    ("domain", "build", "stamped"),
    [("rag", INDEX_FOR_CONSTRAINT, "rag_0006"), ("behavior", CONSTRAINT_FOR_INDEX, "behavior_0000")],
)
def test_a_unique_index_and_a_unique_constraint_serve_alike(new_site: Any, domain: Domain, build: Build, stamped: str):
    site = brown_field(new_site, domain, "public", build)
    report = inspected(site, domain)
    assert [str(d) for d in report.differences if "UNIQUE" in d.wanted or d.required] == []
    adopted_and_taken_back(site, domain, "public", stamped)


def test_a_unique_index_over_other_columns_or_some_rows_does_not_serve(new_site: Any):
    build = with_statements(
        rag.hand_written,
        "ALTER TABLE plugin_registry DROP CONSTRAINT plugin_registry_source_key",
        "CREATE UNIQUE INDEX one_plugin_a_source ON plugin_registry (source) WHERE enabled",
    )
    site = brown_field(new_site, "rag", "public", build)
    (first,) = (step for step in inspected(site, "rag").steps if step.revision == "rag_0001")
    assert first.action == "complete"  # the constraint is still to be made
    adopted_and_taken_back(site, "rag", "public", "rag_0000")


def test_keys_that_the_original_could_not_add_are_ours_to_add_and_to_take_away(new_site: Any):
    build = with_statements(
        rag.hand_written,
        "ALTER TABLE ai_dialogue_log DROP CONSTRAINT fk_ai_dialogue_user",
        "ALTER TABLE provenance DROP CONSTRAINT fk_provenance_acquired_by",
    )
    site = brown_field(new_site, "rag", "public", build)
    with site.connect("rag") as connection, pytest.raises(psycopg.errors.SyntaxError):
        connection.execute(KEY_0008)
    adopted_and_taken_back(site, "rag", "public", "rag_0002")


def plugins(site: Site) -> set[tuple[str, str]]:
    with site.connect("rag") as connection:
        return {(row["name"], row["source"]) for row in connection.execute("SELECT * FROM plugin_registry").fetchall()}


def test_a_plugin_of_the_same_source_under_another_name_stops_nothing_and_is_left_alone(new_site: Any):
    """The original asks ON CONFLICT (name) only, and fails at the other unique column."""
    theirs = with_statements(
        rag.generated_by_orm,
        "DROP INDEX idx_rag_metrics_compliance",
        "INSERT INTO plugin_registry (name, source, capabilities, version) VALUES ('Note', 'note', '{}', '0.1')",
    )
    site = brown_field(new_site, "rag", "public", theirs)
    held = plugins(site)
    with site.connect("rag") as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(
            "INSERT INTO plugin_registry (name, source, capabilities, version)"
            " VALUES ('Note.com Integration', 'note', '{}', '1.0.0') ON CONFLICT (name) DO NOTHING"
        )
    baseline(site.settings, "rag")
    assert runner.migrate(site.settings, "rag").ok
    assert plugins(site) == held == {("Ours", "ours"), ("Note", "note")}
    assert rollback(site.settings, "rag", "base").ok
    assert plugins(site) == held
