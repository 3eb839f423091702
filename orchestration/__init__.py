"""The Dagster code location, the command line and the embedded servers. Imports nothing on purpose."""
