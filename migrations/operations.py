"""Operations that revisions share: indexes built and dropped, constraints validated, without blocking anyone.

A concurrent build waits for every transaction that is older than it, so it has no lock or statement time-out, and it
runs outside a transaction. What an interrupted one left INVALID is dropped before the next try: `IF NOT EXISTS` would
keep it, and it would stay invalid.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

from migrations import records
from migrations.catalog import Thing
from migrations.connection import Driver, driver_of
from migrations.locks import NO_TIMEOUTS, TIMEOUTS
from migrations.step import Step
from orchestration.errors import EspalierError

_STATE = """
    SELECT x.indisvalid AND x.indisready FROM pg_catalog.pg_index AS x
    JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = i.relnamespace
    WHERE n.nspname = %s AND i.relname = %s
"""


@contextmanager
def unhurried() -> Generator[None]:
    """Run statements outside a transaction and without time-outs."""
    with op.get_context().autocommit_block():
        for statement in NO_TIMEOUTS:
            op.execute(statement)
        yield
        for statement in TIMEOUTS:
            op.execute(statement)


def create_index_concurrently(
    name: str,
    table: str,
    columns: Sequence[str | sa.TextClause],
    *,
    unique: bool = False,
    nulls_not_distinct: bool = False,
    using: str = "btree",
    where: sa.TextClause | None = None,
) -> None:
    """Build an index while the table is read and written."""
    if op.get_context().as_sql or _clear_the_way(table, name):
        with unhurried():
            op.create_index(
                name,
                table,
                list(columns),
                unique=unique,
                postgresql_nulls_not_distinct=nulls_not_distinct or None,
                postgresql_using=using,
                postgresql_where=where,
                postgresql_concurrently=True,
            )


def validate_constraint(table: str, name: str) -> None:
    """Prove a constraint for the rows that were there before it, while the table is read and written.

    It is noted beforehand: the proof stands although the step dies before it is on record, and the next try finds
    nothing changed.
    """
    context = op.get_context()
    if not context.as_sql:
        step = Step.of(context)
        noted = {Thing("constraint", f"{table}.{name}"): records.BEING_BUILT}
        records.write(driver_of(op.get_bind()), step.target.domain, step.revision.id, noted)
    quote = context.dialect.identifier_preparer.quote
    with unhurried():
        op.execute(f"ALTER TABLE {quote(table)} VALIDATE CONSTRAINT {quote(name)}")


def drop_index_concurrently(name: str) -> None:
    """Drop an index while the table is read and written; one that is gone already is no error."""
    with unhurried():
        op.drop_index(name, postgresql_concurrently=True, if_exists=True)


def _clear_the_way(table: str, name: str) -> bool:
    """Note that the index is being built, drop what an earlier try left; false if that try had finished."""
    step = Step.of(op.get_context())
    driver = driver_of(op.get_bind())
    index = Thing("index", f"{table}.{name}")
    valid = _is_valid(driver, step.target.schema, name)
    if valid is not None and index not in records.made_by(driver, step.target.domain, step.revision.id):
        raise EspalierError(
            f"{step.revision.id}: {step.target.schema} has an index {name} that Espalier did not create; rename it"
        )
    records.write(driver, step.target.domain, step.revision.id, {index: records.BEING_BUILT})
    if valid is False:
        drop_index_concurrently(name)
    return not valid


def _is_valid(driver: Driver, schema: str, name: str) -> bool | None:
    row = driver.execute(_STATE, [schema, name]).fetchone()
    return None if row is None else bool(row[0])
