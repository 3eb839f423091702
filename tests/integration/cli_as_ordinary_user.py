"""A program, not a test: runs commands in homes as an ordinary OS user and prints what each answered, as JSON.

Started by root it loads everything, then becomes the named user for good. Started by an ordinary user (name "-") it
stays itself.
"""

import json
import os
import pwd
import shlex
import sys
from dataclasses import asdict

from orchestration.cli.lazy import load_every_command
from tests.command_line import call
from tests.integration.as_ordinary_user import load_lazy_modules


def main() -> None:
    """Become the user, then run what is asked."""
    name, homes, *commands = sys.argv[1:]
    load_every_command()
    load_lazy_modules()
    if name != "-":
        entry = pwd.getpwnam(name)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    json.dump({home: [answer(home, command) for command in commands] for home in homes.split(":")}, sys.stdout)


def answer(home: str, command: str) -> dict[str, object]:
    """Run a command in a home."""
    os.environ["ESPALIER_HOME"] = home
    return asdict(call(*shlex.split(command)))


if __name__ == "__main__":
    main()
