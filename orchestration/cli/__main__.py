"""`python -m orchestration.cli` is `espalier`, for our own processes that start one."""

from orchestration.cli import main

main()
