"""The safety lint catches what is unsafe and passes what is safe; in our revisions it finds nothing unexcused."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from migrations import revisions
from orchestration.settings import PROJECT
from tests.migrations.mutants import KINDS
from tests.migrations.planted_safe import SAFE, SAFE_DOWN
from tests.migrations.planted_unsafe import UNSAFE, Planted, step
from tests.migrations.planted_unsafe_rows import UNSAFE_ROWS
from tests.tools.migration_lint import __main__ as program
from tests.tools.migration_lint import revisions as scripts
from tests.tools.migration_lint.guards import decisions
from tests.tools.migration_lint.lint import RULES, lint, ours
from tests.tools.migration_lint.reading import Direction, Script, read
from tests.tools.migration_lint.registry import Finding

PLANTED: Mapping[str, Planted] = {**UNSAFE, **UNSAFE_ROWS}
HARMLESS: Mapping[str, tuple[Direction, str]] = {
    **{name: ("up", sql) for name, sql in SAFE.items()},
    **{name: ("down", sql) for name, sql in SAFE_DOWN.items()},
}
# Nothing in our own revisions has these yet: their mutants come from planted migrations.
NOT_IN_REVISIONS = {
    "ENABLE ROW LEVEL SECURITY stripped",
    "FORCE stripped",
    "WITH CHECK stripped",
    "security_invoker stripped",
}


def by_script(found: list[Finding]) -> dict[str, list[Finding]]:
    grouped: dict[str, list[Finding]] = {}
    for finding in found:
        grouped.setdefault(finding.script, []).append(finding)
    return grouped


@pytest.fixture(scope="module")
def in_unsafe() -> dict[str, list[Finding]]:
    """What is found in the planted unsafe migrations, by their names; one run of squawk for all."""
    return by_script(lint([read(name, "up", planted.sql) for name, planted in PLANTED.items()]))


@pytest.fixture(scope="module")
def harmless() -> list[Script]:
    """The planted safe migrations."""
    return [read(name, direction, sql) for name, (direction, sql) in HARMLESS.items()]


@pytest.fixture(scope="module")
def in_safe(harmless: list[Script]) -> dict[str, list[Finding]]:
    """What is found in them."""
    return by_script(lint(harmless))


@pytest.fixture(scope="module")
def of_revisions() -> list[Script]:
    """The scripts of every revision, up and down."""
    return list(scripts.every_script())


@pytest.mark.parametrize("name", PLANTED)
def test_an_unsafe_migration_is_caught_by_its_rule(name: str, in_unsafe: dict[str, list[Finding]]) -> None:
    assert PLANTED[name].rule in {finding.rule for finding in in_unsafe.get(name, [])}


@pytest.mark.parametrize("name", [name for name, planted in PLANTED.items() if planted.rule != "syntax-error"])
def test_an_unsafe_migration_is_caught_for_what_it_does_and_not_for_how_it_is_written(
    name: str, in_unsafe: dict[str, list[Finding]]
) -> None:
    assert [str(finding) for finding in in_unsafe[name] if finding.rule == "syntax-error"] == []


@pytest.mark.parametrize("name", HARMLESS)
def test_a_safe_migration_passes(name: str, in_safe: dict[str, list[Finding]]) -> None:
    assert [str(finding) for finding in in_safe.get(name, [])] == []


def test_enough_is_planted_and_every_rule_of_ours_is_tried() -> None:
    tried = {planted.rule for planted in PLANTED.values()}
    assert set(RULES) <= tried
    assert len(PLANTED) >= 150
    assert len(tried) >= 75
    assert len(HARMLESS) >= 60


def test_every_revision_is_safe_or_excused(of_revisions: list[Script]) -> None:
    assert len(of_revisions) == 2 * sum(len(revisions.history(domain)) for domain in revisions.domains())
    left = scripts.excused(lint(of_revisions), scripts.exceptions())
    assert [str(finding) for finding in left] == []


def test_revisions_are_read_to_their_ends(of_revisions: list[Script]) -> None:
    for script in of_revisions:
        last = [s.text for s in script.statements if s.place == "script"][-2:]
        assert "alembic_version_" in last[0], script.name
        assert last[1].strip() == "COMMIT", script.name


@pytest.mark.parametrize("name", KINDS)
def test_every_mutant_is_caught(name: str, harmless: list[Script], of_revisions: list[Script]) -> None:
    kind = KINDS[name]
    from_revisions = [(script, text) for script in of_revisions for text in kind.mutants_of(script)]
    from_planted = [(script, text) for script in harmless for text in kind.mutants_of(script)]
    alive = [
        f"{script.name}:\n{text}"
        for script, text in from_revisions + from_planted
        if not kind.caught_by & {f.rule for f in ours(read(script.name, script.direction, text, script.past))}
    ]
    assert alive == []
    assert all(text != script.text for script, text in from_revisions + from_planted)
    assert from_planted
    assert from_revisions or name in NOT_IN_REVISIONS


def test_enough_mutants_are_made(harmless: list[Script], of_revisions: list[Script]) -> None:
    everything = harmless + of_revisions
    assert sum(1 for kind in KINDS.values() for script in everything for _ in kind.mutants_of(script)) >= 1000


def test_a_statement_in_a_body_is_found_at_its_line() -> None:
    body = "DO $$\nDECLARE\n    n bigint;\nBEGIN\n    n := 1;\n    DELETE FROM answers;\nEND\n$$"
    found = ours(read("x", "up", step(body)))
    assert [(finding.rule, finding.line) for finding in found] == [("full-table-delete", 9)]


def test_what_an_earlier_revision_proved_counts_in_a_later_one() -> None:
    proof = read(
        "1",
        "up",
        step("ALTER TABLE users ADD CONSTRAINT p CHECK (email IS NOT NULL) NOT VALID")
        + "SET lock_timeout = 0; SET statement_timeout = 0; ALTER TABLE users VALIDATE CONSTRAINT p;",
    )
    change = step("ALTER TABLE users ALTER COLUMN email SET NOT NULL")
    assert ours(read("2", "up", change, proof.statements)) == []
    assert [finding.rule for finding in ours(read("2", "up", change))] == ["not-null-scans"]


def test_an_exception_covers_one_rule_of_one_script_and_says_why() -> None:
    found = [Finding("a up", 1, "cluster", "CLUSTER a"), Finding("b up", 1, "cluster", "CLUSTER b")]
    assert scripts.excused(found, {("a up", "cluster"): "it is empty"}) == found[1:]
    assert scripts.excused(found, {("a up", "cluster"): " "}) == found


def test_an_exception_that_excuses_nothing_is_found() -> None:
    left = scripts.excused([], {("a up", "cluster"): "it was empty"})
    assert [(finding.script, finding.rule) for finding in left] == [("a up", "idle-exception")]


def test_the_program_says_what_is_unsafe_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "every_script", lambda: [read("a up", "up", step("TRUNCATE answers"))])
    monkeypatch.setattr(program, "exceptions", dict[tuple[str, str], str])
    assert program.main() == 1
    assert "a up:4: truncates: TRUNCATE answers\n" in capsys.readouterr().out


def test_the_document_tells_of_every_rule() -> None:
    text = (PROJECT / "docs" / "migration-safety.md").read_text()
    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE)) == {*RULES, "syntax-error"}


REVISIONS = sorted(scripts.VERSIONS.glob("*/*.py"))


@pytest.mark.parametrize("path", REVISIONS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_revision_leaves_its_guards_to_sql(path: Path) -> None:
    assert list(decisions(path.read_text())) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            "if op.get_bind().scalar(text('SELECT 1')):\n        op.drop_table('a')",
            ["2: If", "2: get_bind", "2: scalar"],
        ),
        ("assert op.get_context().as_sql", ["2: Assert", "2: as_sql", "2: get_context"]),
        ("raise ValueError('not yet')", ["2: Raise"]),
        ("op.drop_table('a' if READY else 'b')", ["2: IfExp"]),
        ("for t in [t for t in TABLES if t != 'a']:\n        op.drop_table(t)", ["2: a filter"]),
        ("op.execute(\"DO $$ BEGIN RAISE EXCEPTION 'not yet'; END $$\")", []),
    ],
)
def test_a_guard_in_python_is_noticed(body: str, said: list[str]) -> None:
    assert sorted(decisions(f"def upgrade():\n    {body}\n")) == said
