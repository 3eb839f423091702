"""The list of our rules. A rule is a function that gives the unsafe statements of a script; its name is the rule's."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.tools.migration_lint.reading import Script, Statement

Found = Iterator[tuple[Statement, str]]
Rule = Callable[[Script], Found]

RULES: dict[str, Rule] = {}


@dataclass(frozen=True, order=True)
class Finding:
    """A statement that a rule holds unsafe."""

    script: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.script}:{self.line}: {self.rule}: {self.message}"


def rule(check: Rule) -> Rule:
    """Put a rule on the list, under the name of its function."""
    RULES[check.__name__.replace("_", "-")] = check
    return check


def findings(script: Script) -> Iterator[Finding]:
    """Apply every rule to a script; what the parser cannot read is a finding of its own."""
    for line, problem in script.unreadable:
        yield Finding(script.name, line, "syntax-error", problem)
    for name, check in RULES.items():
        for statement, message in check(script):
            yield Finding(script.name, statement.line, name, message)
