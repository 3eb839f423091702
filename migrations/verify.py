"""Whether a domain's schema is as its revisions left it; reads the catalogs with the jobs role's rights.

What is required is what our revisions have on record, and the metadata at their head: on an adopted site the
application's own tables have no record.
"""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any, LiteralString

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Constraint, MetaData, Table

from migrations import catalog, comments, contracts, records, state, tenancy
from migrations.catalog import Snapshot, Thing
from migrations.comparison import comparison
from migrations.connection import OURS, Database, Target, connect, look_into
from migrations.metadata import BASELINES, METADATA
from migrations.preflight import enum_labels, find_target, look_at_record
from migrations.revisions import head, tenants_of
from orchestration.errors import EspalierError
from orchestration.settings import Domain, Settings

__all__ = [
    "REQUIRED",
    "extra_objects",
    "head",
    "inspect_domain",
    "invalid_indexes",
    "missing_or_different",
    "opened",
    "pending",
    "verify_domain",
]

# What must hold; the other checks tell what is worth knowing.
REQUIRED = ("required_objects_present_and_equal", "required_indexes_valid", "constraints_are_proved")

_UNPROVED = """
    SELECT 'constraint', t.relname || '.' || k.conname FROM pg_catalog.pg_constraint AS k
    JOIN pg_catalog.pg_class AS t ON t.oid = k.conrelid
    WHERE k.connamespace = to_regnamespace(quote_ident(%s)) AND NOT k.convalidated ORDER BY 2
"""
_UNUSED = """
    SELECT 'index', s.relname || '.' || s.indexrelname FROM pg_catalog.pg_stat_all_indexes AS s
    JOIN pg_catalog.pg_index AS x USING (indexrelid)
    WHERE s.schemaname = %s AND s.idx_scan = 0 AND NOT x.indisunique ORDER BY 2
"""


def inspect_domain(settings: Settings, domain: Domain) -> dict[str, list[str]]:
    """Verify a domain's schema; gives what was found by the name of the check, and the revision.

    Raises:
        EspalierError: the domain is not in this database, or not where the settings say.
    """
    with opened(settings, domain) as (database, target):
        return {
            "revision": [state.current(database.driver, domain) or "base"],
            "required_objects_present_and_equal": missing_or_different(database, target),
            "required_indexes_valid": invalid_indexes(database, target),
            "no_pending_revisions": pending(database, target),
            "no_extra_objects": extra_objects(database, target),
        }


def verify_domain(settings: Settings, domain: Domain) -> dict[str, list[str]]:
    """Verify a domain's schema, and look at what a run cannot prove at its end.

    Raises:
        EspalierError: the domain is not in this database, or not where the settings say.
    """
    found = inspect_domain(settings, domain)
    with opened(settings, domain) as (database, target), database.driver.transaction():
        known = _known(database, target)
        asked: dict[str, LiteralString] = {"constraints_are_proved": _UNPROVED, "indexes_are_used": _UNUSED}
        for check, query in asked.items():
            rows = database.driver.execute(query, [target.schema]).fetchall()
            found[check] = [f"{kind} {name}" for kind, name in rows if Thing(kind, name) in known]
        found["comments_are_there"] = [] if found["no_pending_revisions"] else comments.absent(database.driver, target)
    return found


@contextmanager
def opened(settings: Settings, domain: Domain) -> Generator[tuple[Database, Target]]:
    """Connect as the jobs role and look into a domain's schema.

    Raises:
        EspalierError: the domain is not in this database, or not where the settings say.
    """
    with connect(settings.url("jobs")) as database:
        with database.driver.transaction():
            schema = settings.schema_of(domain)
            if look_at_record(database.driver, domain, schema) is None:
                raise EspalierError(f"{domain}: not set up in this database; run `espalier migrate --domain {domain}`")
            target = find_target(database.driver, domain, schema)
        look_into(database, target)
        yield database, target


def missing_or_different(database: Database, target: Target) -> list[str]:
    """Name what is required and not there, or not as it should be.

    While revisions are pending, the metadata at their head is ahead of the site; then its baseline is what counts.
    """
    at_head = not pending(database, target)
    with database.driver.transaction():
        adopted = records.floor(database.driver, target.domain) is not None
    if adopted:
        return sorted([*_unlike_adopted(database, target), *(_unlike_in_words(database, target) if at_head else ())])
    tables = METADATA[target.domain] if at_head else BASELINES.get(target.domain, MetaData())
    with database.driver.transaction():
        found = contracts.seen(database.driver, target.domain, target.schema)
        problems = {*_unlike_record(database, target, found), *_unlike_metadata(target, tables, found)}
    if at_head and not problems:
        problems = {_describe(difference) for difference in _differences(database, target)}
    return sorted(problems)


def invalid_indexes(database: Database, target: Target) -> list[str]:
    """Name the required indexes that a cancelled concurrent build left INVALID."""
    known = _known(database, target)
    return [n for n in catalog.invalid_indexes(database.driver, target.schema) if Thing("index", n) in known]


def pending(database: Database, target: Target) -> list[str]:
    """List the revisions that have not been applied, those of a tenant isolation too where it was begun."""
    with database.driver.transaction():
        apart = tenants_of(target.domain) if tenancy.is_on(database.driver, target.domain) else None
        histories = [target.domain, apart] if apart else [target.domain]
        return [revision for history in histories for revision in state.pending(database.driver, history)]


def extra_objects(database: Database, target: Target) -> list[str]:
    """Name what stands in the schema and is neither on record nor in the metadata; of a table only the table."""
    known = _known(database, target)
    with database.driver.transaction():
        found = contracts.seen(database.driver, target.domain, target.schema)
    tables = {thing.name for thing in known if thing.kind == "table"}
    return sorted(str(thing) for thing in found if thing not in known and thing.table in (None, *tables))


def _unlike_adopted(database: Database, target: Target) -> list[str]:
    """Compare an adopted site with what was found then and made since: it may differ from an empty one's head."""
    with database.driver.transaction():
        found = contracts.seen(database.driver, target.domain, target.schema)
        problems = [*_unlike_record(database, target, found)]
        adopted = records.adopted(database.driver, target.domain)
        made = records.of_domain(database.driver, target.domain)
    for thing, definition in adopted.items():
        if thing not in made and found.get(thing) != definition:
            problems.append(f"{thing} {'is no longer as it was adopted' if thing in found else 'is missing'}")
    return sorted(problems)


def _unlike_in_words(database: Database, target: Target) -> list[str]:
    """Compare the comments on our own tables: the record does not have them, and Alembic is not asked here."""
    with database.driver.transaction():
        return list(comments.unlike(database.driver, target))


def _unlike_record(database: Database, target: Target, found: Snapshot) -> Iterable[str]:
    expected = tenancy.on_record(database.driver, target.domain)
    for thing, definition in records.objects(expected).items():
        if found.get(thing) != definition:
            yield f"{thing} {'differs from its record' if thing in found else 'is missing'}"
    yield from contracts.unlike_record(database.driver, target.domain, target.schema)


def _unlike_metadata(target: Target, tables: MetaData, found: Snapshot) -> Iterable[str]:
    """Compare what Alembic does not: in which schema a table stands, and the labels of enums."""
    yield from (f"table {name} is missing" for name in tables.tables if Thing("table", name) not in found)
    for name, labels in enum_labels(target.domain).items():
        wanted = ", ".join(f"'{label}'" for label in labels)
        if found.get(Thing("enum", name), wanted) != wanted:
            yield f"enum {name} has the labels {found[Thing('enum', name)]} instead of {wanted}"


def _differences(database: Database, target: Target) -> list[Any]:
    with database.driver.transaction():
        options = comparison(target.domain, contracts.retired(database.driver, target.domain))
    metadata = options.pop("target_metadata")
    context = MigrationContext.configure(database.alchemy, opts=options)
    differences: list[Any] = compare_metadata(context, metadata)
    database.alchemy.rollback()
    flat = [d for group in differences for d in (group if isinstance(group, list) else [group])]
    return [d for d in flat if not str(d[0]).startswith("remove_")]


def _describe(difference: Any) -> str:
    """Say one of Alembic's differences in words: `(verb, ..., object)`, or `(verb, schema, table, column, ...)`."""
    verb, *rest = difference
    if str(verb).startswith("modify_") and len(rest) >= 6:
        _schema, table, column, _existing, found, wanted = rest[:6]
        return f"column {table}.{column}: {str(verb)[7:]} is {found}, should be {wanted}"
    thing = rest[-1]
    name = f"{thing.table.name}.{thing.name}" if isinstance(thing, Column) else getattr(thing, "name", thing)
    return f"{str(verb).removeprefix('add_')} {name} is missing or differs"


def _known(database: Database, target: Target) -> set[Thing]:
    with database.driver.transaction():
        on_record = tenancy.on_record(database.driver, target.domain)
        on_record |= records.adopted(database.driver, target.domain)
    metadata = METADATA[target.domain]
    enums = (Thing("enum", name) for name in enum_labels(target.domain))
    return {*on_record, *enums, *(t for table in metadata.tables.values() for t in _things(table))}


def _things(table: Table) -> Iterable[Thing]:
    yield Thing("table", table.name)
    yield from (Thing("column", f"{table.name}.{column.name}") for column in table.columns)
    yield from (Thing("index", f"{table.name}.{index.name}") for index in table.indexes)
    constraints: Iterable[Constraint] = table.constraints
    yield from (Thing("constraint", f"{table.name}.{constraint.name}") for constraint in constraints if constraint.name)
    if table.metadata is METADATA[OURS]:
        yield from (Thing("table", f"alembic_version_{domain}") for domain in METADATA)
