"""Writes `migrations/reference/<domain>.json` from a real run of the revisions on a server of its own.

    .venv/bin/python -m tests.tools.reference [domain …]

Run it after a revision was added; `tests/migrations/test_reference.py` tells when.
"""

import json
import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from psycopg.sql import SQL, Identifier, Literal
from pydantic import SecretStr

from migrations import catalog, records, runner
from migrations.catalog import Snapshot, Thing
from migrations.connection import Driver, connect
from migrations.metadata import BASELINES
from migrations.reference import EXTENSIONS, SCHEMA, path_of
from migrations.revisions import history
from orchestration.servers.postgres import EmbeddedPostgres
from orchestration.settings import DOMAINS, PROJECT, Domain, LmsPolicy, Settings


def recorded(driver: Driver, domain: str) -> dict[str, Snapshot]:
    """Read what every revision of a domain has on record, objects only."""
    return {
        revision.id: dict(sorted(records.objects(records.made_by(driver, domain, revision.id)).items()))
        for revision in history(domain)
    }


def needed(domain: str) -> list[str]:
    """List the application's columns that a query of the domain or of the graph, or a revision of ours, may name.

    A file that names a table is taken to mean every column of it whose name it has: rather one too many.
    """
    words = [set(re.findall(r"\w+", path.read_text())) for path in _files(domain)]
    found = set[str]()
    for table in BASELINES[domain].tables.values():
        near = set[str]().union(*(file for file in words if table.name in file))
        if near:
            keys = {column.name for column in table.primary_key}
            found |= {f"{table.name}.{c.name}" for c in table.columns if c.name in near or c.name in keys}
    return sorted(found)


def first_rows(driver: Driver, revisions: dict[str, Snapshot]) -> dict[str, list[str]]:
    """Write the rows that revisions have put into their tables, without what the server fills in anew each time."""
    tables = [thing.name for things in revisions.values() for thing in things if thing.kind == "table"]
    found = {table: _rows(driver, table, _fixed(table, revisions)) for table in tables}
    return {table: rows for table, rows in found.items() if rows}


def _fixed(table: str, revisions: dict[str, Snapshot]) -> list[str]:
    columns = {t: x for things in revisions.values() for t, x in things.items() if t.kind == "column"}
    return [t.name.split(".")[1] for t, x in columns.items() if t.table == table and not x.endswith("()")]


def _rows(driver: Driver, table: str, columns: list[str]) -> list[str]:
    names = SQL(", ").join(map(Identifier, columns))
    row = SQL("SELECT to_jsonb(r)::text FROM (SELECT {} FROM {}) AS r ORDER BY 1").format(names, Identifier(table))
    insert = SQL("INSERT INTO {table} ({names}) SELECT {names} FROM jsonb_populate_record(NULL::{table}, {row})")
    place = Identifier(table)
    return [insert.format(table=place, names=names, row=Literal(r)).as_string() for (r,) in driver.execute(row)]


def content(domain: str, revisions: dict[str, Snapshot], rows: dict[str, list[str]]) -> dict[str, object]:
    """Give what the file of a domain holds."""
    written = {name: {str(thing): text for thing, text in things.items()} for name, things in revisions.items()}
    return {"needed": needed(domain), "rows": rows, "revisions": written}


def _files(domain: str) -> Iterable[Path]:
    yield from (PROJECT / "sql" / domain).glob("*.sql")
    if domain == "community":
        yield from (PROJECT / "sql" / "graph").glob("*.sql")
    versions = PROJECT / "migrations" / "versions" / domain
    yield from (path for path in versions.glob("*.py") if not path.name.startswith("0000"))


def _build(domain: Domain, folder: Path, url: str) -> dict[str, object]:
    address, apart = SecretStr(url), LmsPolicy(tenant_isolation=False)
    settings = Settings(home=folder, direct_database_url=address, database_url=address, lms=apart)
    runner.migrate(settings.model_copy(update={f"{domain}_schema": SCHEMA, "jobs_role": "espalier_jobs"}), domain)
    with connect(url) as database, database.driver.transaction():
        driver = database.driver
        found, order = recorded(driver, domain), catalog.snapshot(driver, SCHEMA)
        driver.execute("SELECT set_config('search_path', %s, true)", [SCHEMA])
        rows = first_rows(driver, found)
    places = {thing: place for place, thing in enumerate(order)}
    return content(domain, {name: _written(things, places) for name, things in found.items()}, rows)


def _written(things: Snapshot, places: dict[Thing, int]) -> Snapshot:
    """Keep columns in the order of their table; write the schema of the extensions as a mark."""
    in_order = sorted(things, key=lambda t: (t.kind, t.table or t.name, places[t] if t.kind == "column" else 0, t.name))
    return {thing: things[thing].replace("extensions.", f"{EXTENSIONS}.") for thing in in_order}


def write(domain: Domain) -> None:
    """Write the file of a domain."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder))
        server.start()
        try:
            url = json.loads(server.connections_file.read_text())["migrator"]
            built = _build(domain, Path(folder), url)
        finally:
            server.remove()
    path_of(domain).write_text(json.dumps(built, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    for name in DOMAINS:
        if not sys.argv[1:] or name in sys.argv[1:]:
            write(name)
