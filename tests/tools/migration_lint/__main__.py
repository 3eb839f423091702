"""Prints what is unsafe in the revisions and not excused; 1 when there is something."""

import sys

from tests.tools.migration_lint.lint import RULES, lint
from tests.tools.migration_lint.revisions import every_script, exceptions, excused


def main() -> int:
    """Lint every revision of every domain, up and down."""
    scripts, excuses = list(every_script()), exceptions()
    found = excused(lint(scripts), excuses)
    for finding in found:
        print(finding)
    print(f"migrations: {len(scripts)} scripts, {len(RULES)} rules beside squawk's, {len(excuses)} excused")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
