"""Alembic's entry: runs one step on the runner's connection, or prints a script of many.

The search path, the guards and the records are the runner's and the step's. Each step is one transaction; a step that
builds an index concurrently leaves it for that statement alone.
"""

from alembic import context

from migrations.comparison import comparison
from migrations.connection import Database, Target
from migrations.contracts import retired
from migrations.locks import TIMEOUTS
from migrations.revisions import version_table
from migrations.step import Step


def run_step(target: Target, database: Database, step: Step | None) -> None:
    """Run what was asked for on the runner's connection, with the step's guards around it."""
    with database.driver.transaction():
        names = retired(database.driver, target.domain)
    context.configure(
        connection=database.alchemy,
        version_table=version_table(target.domain),
        version_table_schema="espalier",
        **comparison(target.domain, names),
    )
    with context.begin_transaction():
        if step:
            step.begin(database.driver)
        context.run_migrations()
        if step:
            step.end(database.driver)


def print_script(target: Target) -> None:
    """Print the statements of all steps, a transaction each."""
    context.configure(
        dialect_name="postgresql",
        as_sql=True,
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
        version_table=version_table(target.domain),
        version_table_schema="espalier",
        transaction_per_migration=True,
    )
    for statement in TIMEOUTS:
        context.execute(statement)
    context.run_migrations()


asked = context.config.attributes
if context.is_offline_mode():
    print_script(asked["target"])
else:
    run_step(asked["target"], asked["database"], asked.get("step"))
