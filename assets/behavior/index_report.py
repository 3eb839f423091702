"""Whether the eleven indexes of the plan are there and used (seed 001, 4): a report, it writes no table.

It looks at catalogs and statistics, and at plans of queries that it does not run: what the indexes gain and cost is
measured by `benchmarks/behavior_indexes.py`, never on a site's tables.
"""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, LiteralString, cast

import dagster as dg
from psycopg.sql import SQL

import sql
from assets.behavior.planned_indexes import PLANNED, TABLES, PlannedIndex
from assets.table_asset import OWNER, RETRY, preview, schema_key, untyped_result, verdict
from orchestration.resources import Postgres, Transaction

QUERIES = sql.load("behavior", "index_report")
KEY = dg.AssetKey(["behavior", "index_report"])
THERE_AND_VALID = dg.AssetCheckSpec(
    "indexes_are_there_and_valid", asset=KEY, description="Each of the eleven indexes stands, and none is INVALID."
)
USED = dg.AssetCheckSpec(
    "indexes_are_used", asset=KEY, description="Each has been scanned since the server began to count."
)
NEEDED = dg.AssetCheckSpec(
    "indexes_are_needed", asset=KEY, description="No other index serves all that one of the eleven serves."
)
CHECKS = (THERE_AND_VALID, USED, NEEDED)
Row = dict[str, Any]
_SHOWN = (
    *("planned", "found", "definition", "valid", "bytes", "scans", "last_scan", "in_plan"),
    *("needless_by", "serves_too"),
)


@dg.asset(
    key=KEY,
    deps=[schema_key("behavior"), *(dg.AssetKey(["behavior", table]) for table in TABLES)],
    group_name="behavior",
    owners=[OWNER],
    kinds={"postgres", "sql"},
    tags={"espalier/domain": "behavior"},
    code_version=QUERIES.version,
    check_specs=CHECKS,
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36)),
    retry_policy=RETRY,
)
@untyped_result
def index_report(postgres: dg.ResourceParam[Postgres]) -> dg.MaterializeResult[Any]:
    """Report each of the plan's eleven indexes: definition, size, scans, validity, and whether its query would use it.

    Read from the catalogs; nothing is run on the application's tables. Queries are planned for any person (a generic
    plan), so no row of anybody is looked at. A small table is read whole, whatever indexes it has.
    """
    with postgres.session("behavior", needs="behavior_0010", tables=TABLES) as session, session.transaction() as tx:
        rows = list(describe(tx))
        since = tx.one(QUERIES["find_beginning"])["counted_since"]
    return dg.MaterializeResult(metadata=_figures(rows, since), check_results=list(_verdicts(rows)))


def describe(tx: Transaction) -> Iterator[Row]:
    """Describe each index as it stands now, with the plan of its query."""
    planned = {index.name: index for index in PLANNED}
    wanted = json.dumps([{"name": i.name, "table": i.table, "columns": i.columns} for i in PLANNED])
    for row in tx.all(QUERIES["describe_indexes"], {"wanted": wanted}):
        yield {**row, "in_plan": row["found"] in planned_with(tx, planned[row["planned"]])}


def planned_with(tx: Transaction, index: PlannedIndex) -> set[str]:
    """Name the indexes in the plan of an index's query, for any person and with the present statistics."""
    row = tx.connection.execute(SQL("EXPLAIN (GENERIC_PLAN, FORMAT JSON) ") + _generic(QUERIES[index.query])).fetchone()
    return set(index_names(row["QUERY PLAN"])) if row else set()


def _generic(query: sql.Query) -> SQL:
    """Write the parameters of a query as the server's own, which stand for any value."""
    names = dict.fromkeys(re.findall(r"%\((\w+)\)s", query.literal))
    # The text is a file of the program with its placeholders numbered.
    return SQL(cast("LiteralString", query.literal % {name: f"${n}" for n, name in enumerate(names, 1)}))


def index_names(plan: Any) -> Iterator[str]:
    """Find the names of indexes anywhere in a plan."""
    if isinstance(plan, list):
        for part in cast("list[Any]", plan):
            yield from index_names(part)
    elif isinstance(plan, dict):
        node = cast("dict[str, Any]", plan)
        yield from (node["Index Name"],) if "Index Name" in node else ()
        yield from index_names(list(node.values()))


def _figures(rows: list[Row], since: Any) -> dict[str, Any]:
    return {
        "indexes": sum(row["found"] is not None for row in rows),
        "in_plan": sum(row["in_plan"] for row in rows),
        "bytes": sum(row["bytes"] or 0 for row in rows),
        "scans": sum(row["scans"] or 0 for row in rows),
        "counted_since": since.isoformat() if since else "the server's first start",
        "report": preview([{name.replace("_", " "): row[name] for name in _SHOWN} for row in rows]),
    }


def _verdicts(rows: list[Row]) -> Iterator[dg.AssetCheckResult]:
    missing = [row["planned"] for row in rows if row["found"] is None]
    invalid = [row["found"] for row in rows if row["valid"] is False]
    unused = [row["found"] for row in rows if row["found"] and not row["scans"]]
    needless = [f"{row['found']} (by {row['needless_by']})" for row in rows if row["needless_by"]]
    yield verdict(THERE_AND_VALID, not (missing or invalid), missing=missing, invalid=invalid)
    yield verdict(USED, not unused, dg.AssetCheckSeverity.WARN, unused=unused)
    yield verdict(NEEDED, not needless, dg.AssetCheckSeverity.WARN, needless=needless)
