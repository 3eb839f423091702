"""Reads the SQL of every revision, up and down, for what would hurt a running site; connects to nothing.

squawk's rules and ours, made with the parser of Postgres (pglast). Both are installed for development only, so this
stands beside the tests and not in `migrations`. `python -m tests.tools.migration_lint` prints what was found.
"""
