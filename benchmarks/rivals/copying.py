"""COPY between Postgres and polars, as CSV."""

from io import BytesIO
from typing import Any

import polars as pl
import psycopg
from psycopg.sql import SQL, Composable, Identifier

Connection = psycopg.Connection[Any]


def copy_out(connection: Connection, query: Composable, schema: pl.Schema, **parameters: object) -> pl.DataFrame:
    """Read the rows of a query into a frame with these columns."""
    buffer = BytesIO()
    statement = SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(query)
    with connection.cursor() as cursor, cursor.copy(statement, parameters) as copy:
        for part in copy:
            buffer.write(part)
    if not buffer.tell():
        return schema.to_frame()
    buffer.seek(0)
    return pl.read_csv(buffer, has_header=False, schema=schema)


def copy_in(connection: Connection, table: Identifier, frame: pl.DataFrame) -> None:
    """Write a frame into the columns of a table that are named as its own."""
    buffer = BytesIO()
    frame.write_csv(buffer, include_header=False)
    columns = SQL(", ").join(Identifier(name) for name in frame.columns)
    statement = SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(table, columns)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(buffer.getbuffer())
