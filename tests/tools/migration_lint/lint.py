"""All rules over all scripts: ours, then squawk's."""

from collections.abc import Sequence

from tests.tools.migration_lint import constraints, data, locks, registry, security, squawk, words_and_text
from tests.tools.migration_lint.reading import Script
from tests.tools.migration_lint.registry import RULES, Finding

__all__ = ["RULES", "RULE_MODULES", "lint", "ours"]

RULE_MODULES = (locks, constraints, data, security, words_and_text)


def ours(script: Script) -> list[Finding]:
    """Apply our own rules to one script."""
    return sorted(registry.findings(script))


def lint(scripts: Sequence[Script]) -> list[Finding]:
    """Apply our rules and squawk's."""
    found = {finding for script in scripts for finding in ours(script)} | set(squawk.findings(scripts))
    return sorted(found)
