"""The scripts of every revision, up and down, and what is excused beside them.

An exception stands in `migrations/versions/<domain>/lint_exceptions.toml`: the revision and direction, the rule, the
reason. One that excuses nothing is a finding itself.
"""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path

from alembic import command

from migrations import revisions
from migrations.connection import Target
from tests.tools.migration_lint.reading import Direction, Script, Statement, read
from tests.tools.migration_lint.registry import Finding

VERSIONS = Path(revisions.__file__).parent / "versions"
Exceptions = dict[tuple[str, str], str]


def every_script() -> Iterator[Script]:
    """Read every revision of every domain, up and down, in order."""
    for domain in revisions.domains():
        yield from scripts_of(domain)


def scripts_of(domain: str) -> Iterator[Script]:
    """Read every revision of a domain; each script is read after the way up that leads to it.

    A contract line stands on the revisions of its domain.
    """
    past: tuple[Statement, ...] = ()
    if domain.endswith("_contract"):
        past = tuple(s for script in scripts_of(domain.removesuffix("_contract")) for s in script.statements)
    for revision in revisions.history(domain):
        up = read(f"{revision.id} up", "up", offline_text(domain, revision, "up"), past)
        past = (*past, *up.statements)
        yield up
        yield read(f"{revision.id} down", "down", offline_text(domain, revision, "down"), past)


def offline_text(domain: str, revision: revisions.Revision, direction: Direction) -> str:
    """Print one revision as `espalier migrate --sql` does."""
    target = Target(domain, domain, "extensions")
    output = StringIO()
    config = revisions.configuration(domain, output)
    config.attributes.update(target=target)
    before = revision.previous or "base"
    if direction == "up":
        command.upgrade(config, f"{before}:{revision.id}", sql=True)
    else:
        command.downgrade(config, f"{revision.id}:{before}", sql=True)
    return f"SET search_path = {target.search_path};\n{output.getvalue()}"


def exceptions() -> Exceptions:
    """Read what is excused, by script and rule, with the reason."""
    return {
        (script, rule): reason
        for path in sorted(VERSIONS.glob("*/lint_exceptions.toml"))
        for script, rules in tomllib.loads(path.read_text()).items()
        for rule, reason in rules.items()
    }


def excused(found: Sequence[Finding], excuses: Exceptions) -> list[Finding]:
    """Leave what is not excused, and add what excuses nothing or gives no reason."""
    seen = {(finding.script, finding.rule) for finding in found}
    left = [finding for finding in found if not excuses.get((finding.script, finding.rule), "").strip()]
    idle = Finding("", 0, "idle-exception", "excuses nothing; take it out of lint_exceptions.toml")
    return left + [
        replace(idle, script=script, message=f"{rule} {idle.message}") for script, rule in excuses.keys() - seen
    ]
