"""Tables that the application owns, as external assets: so that the lineage shows source and result.

They are observed, never written: estimated rows, size and newest row, by one observation a domain.
"""

from collections.abc import Generator, Sequence
from typing import Any

import dagster as dg
from psycopg.sql import Identifier

import sql
from assets.table_asset import OWNER, table_metadata, without_beta_notice
from orchestration.resources import Postgres, Transaction
from orchestration.settings import Domain

QUERIES = sql.load("platform", "sources")
# Tables that a contract renames, and the names that they then have.
RETIRED = {"points_ledger": "points_ledger_retired"}


def source_specs(domain: Domain, assets: Sequence[dg.AssetsDefinition]) -> list[dg.AssetSpec]:
    """Describe every table that the given assets read and none of them writes."""
    written = {key for asset in assets for key in asset.keys}
    read = {key for asset in assets for deps in asset.asset_deps.values() for key in deps}
    return [_spec(domain, key) for key in sorted(read - written) if key.path[0] == domain]


def _spec(domain: Domain, key: dg.AssetKey) -> dg.AssetSpec:
    table = key.path[-1]
    return dg.AssetSpec(
        key,
        description=f"Table `{table}`, written by the application.",
        group_name=f"{domain}_application",
        owners=[OWNER],
        kinds={"postgres", "table"},
        metadata=table_metadata(domain, table),
    )


def observed_sources(domain: Domain, needs: str, assets: Sequence[dg.AssetsDefinition]) -> dg.AssetsDefinition:
    """Make the application's tables of a domain observable."""
    specs = source_specs(domain, assets)

    def observe(postgres: dg.ResourceParam[Postgres]) -> Generator[dg.ObserveResult]:
        """Record estimated rows, size and the newest row of each table that the application writes."""
        tables = [spec.key.path[-1] for spec in specs]
        with postgres.session(domain, needs=needs, tables=[t for t in tables if t not in RETIRED]) as session:
            for spec in specs:
                with session.transaction() as tx:
                    yield dg.ObserveResult(asset_key=spec.key, metadata=_facts(tx, _now(tx, spec.key.path[-1])))

    with without_beta_notice():
        return dg.multi_observable_source_asset(name=f"observe_{domain}", specs=specs)(observe)


def _now(tx: Transaction, table: str) -> str:
    """Name a table as it is called now, which a contract may have changed."""
    if table not in RETIRED:
        return table
    found = tx.all(QUERIES["find_present"], {"names": [table, RETIRED[table]]})
    if not found:
        raise dg.Failure(f"no table {table}, nor {RETIRED[table]}; restore it", allow_retries=False)
    return found[0]["name"]


def _facts(tx: Transaction, table: str) -> dict[str, Any]:
    facts = tx.one(QUERIES["describe_table"], {"table": Identifier(table).as_string(tx.connection)})
    metadata: dict[str, Any] = {"estimated_rows": facts["estimated_rows"], "bytes": facts["bytes"]}
    return metadata | _newest(tx, table, facts["time_column"])


def _newest(tx: Transaction, table: str, column: str | None) -> dict[str, Any]:
    if column is None:
        return {}
    newest = QUERIES["find_newest"].text.format(column=Identifier(column), table=Identifier(table))
    row = tx.connection.execute(newest).fetchone()
    return {"newest_row": row["newest"].isoformat()} if row and row["newest"] else {}
