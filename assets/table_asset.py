"""What every asset that writes a table declares, in one place: key, owner, kinds, table name, code version, pool.

The computation is the decorated function's; sources that the application owns are in `assets/sources.py`.
"""

import warnings
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import dagster as dg
import pandas as pd

from migrations.metadata import METADATA
from orchestration.resources import Postgres, Session
from orchestration.settings import Domain, load_settings
from sql import Queries

OWNER = "team:data-platform"
# A connection that broke or a server that restarts is worth two more tries; a refusal is a Failure without retries.
RETRY = dg.RetryPolicy(max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


def schema_key(domain: Domain) -> dg.AssetKey:
    """Name the asset that verifies a domain's schema: nothing derives from a schema that is not as it should be."""
    return dg.AssetKey(["platform", f"{domain}_schema"])


@dataclass(frozen=True)
class TableAsset:
    """The declaration of an asset that writes a table of a domain.

    Attributes:
        domain: whose schema holds the table.
        table: the table's name, which is also the asset's.
        needs: the revision that must have been applied.
        queries: the asset's SQL; its hash is the code version.
        reads: the tables that are read, in the same domain: what the lineage shows.
        writes: the table that is written where it is not the asset's namesake (columns of an application's table).
    """

    domain: Domain
    table: str
    needs: str
    queries: Queries
    reads: Sequence[str]
    writes: str | None = None

    @property
    def key(self) -> dg.AssetKey:
        """The asset's key: `<domain>/<table>`."""
        return dg.AssetKey([self.domain, self.table])

    @property
    def lock_name(self) -> str:
        """The name of the lock that a writer of the whole table holds."""
        return self.key.to_user_string()

    def session(self, postgres: Postgres, *, without: Collection[str] = ()) -> AbstractContextManager[Session]:
        """Open a session that has been verified to hold all that this asset reads and writes, but for some tables."""
        tables = {*self.reads, self.writes or self.table} - set(without)
        return postgres.session(self.domain, needs=self.needs, tables=sorted(tables))

    def check(self, name: str, description: str, *, blocking: bool = False) -> dg.AssetCheckSpec:
        """Declare a check of this asset; a blocking one keeps wrong data from spreading downstream."""
        return dg.AssetCheckSpec(name, asset=self.key, description=description, blocking=blocking)

    def asset(
        self,
        *,
        pool: str,
        checks: Sequence[dg.AssetCheckSpec] = (),
        partitions: dg.PartitionsDefinition[str] | None = None,
        fresh_within: timedelta = timedelta(hours=36),
    ) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
        """Turn a function into the asset. Partitioned assets backfill any range as a single run."""
        options = dict[str, Any](
            key=self.key,
            deps=[schema_key(self.domain), *(dg.AssetKey([self.domain, name]) for name in self.reads)],
            group_name=self.domain,
            owners=[OWNER],
            kinds={"postgres", "sql"},
            tags={"espalier/domain": self.domain},
            metadata=table_metadata(self.domain, self.writes or self.table),
            code_version=self.queries.version,
            pool=pool,
            check_specs=list(checks),
            partitions_def=partitions,
            backfill_policy=dg.BackfillPolicy.single_run() if partitions else None,
            freshness_policy=dg.FreshnessPolicy.time_window(fail_window=fresh_within),
            retry_policy=RETRY,
        )

        def declare(function: Callable[..., Any]) -> dg.AssetsDefinition:
            with without_beta_notice():
                return dg.asset(**options)(untyped_result(function))

        return declare


def table_metadata(domain: Domain, table: str) -> dict[str, Any]:
    """Describe a table to the catalog: its name with the site's schema, and its columns."""
    columns = [
        dg.TableColumn(
            column.name, str(column.type), constraints=dg.TableColumnConstraints(nullable=bool(column.nullable))
        )
        for column in METADATA[domain].tables[table].columns
    ]
    return {
        "dagster/table_name": f"{load_settings().schema_of(domain)}.{table}",
        "dagster/column_schema": dg.TableSchema(columns=columns),
    }


@contextmanager
def without_beta_notice() -> Generator[None]:
    """Declare without Dagster's notice of beta interfaces (single-run backfills, observations): used on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        yield


def untyped_result(function: Callable[..., Any]) -> Callable[..., Any]:
    """Hide the return annotation: where checks are outputs too, Dagster reads a generic one as a wrong tuple."""
    function.__annotations__.pop("return", None)
    return function


def preview(rows: Sequence[dict[str, Any]]) -> dg.MarkdownMetadataValue:
    """Render aggregates as a Markdown table. Never rows of persons: the event log cannot be erased."""
    return dg.MetadataValue.md(pd.DataFrame(rows).to_markdown(index=False) if rows else "(no rows)")


def verdict(
    check: dg.AssetCheckSpec,
    passed: bool,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
    **figures: Any,
) -> dg.AssetCheckResult:
    """Give the result of a declared check with the figures that it rests on."""
    return dg.AssetCheckResult(check_name=check.name, passed=passed, severity=severity, metadata=figures)
