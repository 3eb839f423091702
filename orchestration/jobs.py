"""The nightly jobs: which assets run together; and the drain of the graph, for the day when nobody follows.

Their days are their assets', their times are in `schedules.py`.
"""

from collections.abc import Sequence
from dataclasses import asdict

import dagster as dg
from dagster import define_asset_job
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition as AssetJob

from assets.graph.drain import drain
from assets.graph.elements import GROUP, refusing
from orchestration.graph import Graph
from orchestration.resources import Postgres
from orchestration.settings import Domain


def nightly(domain: Domain) -> AssetJob:
    """Make a domain's nightly job: its schema is verified first, then everything it derives is refreshed."""
    schema = dg.AssetSelection.assets(dg.AssetKey(["platform", f"{domain}_schema"]))
    return define_asset_job(
        f"nightly_{domain}",
        selection=schema | dg.AssetSelection.groups(domain),
        description=f"Verify the schema of {domain}, then refresh everything that is derived from its tables.",
        tags={"espalier/domain": domain},
    )


def nightly_platform(checks: Sequence[dg.AssetCheckKey]) -> AssetJob:
    """Make the job that verifies the schema of each domain, and what a nightly run that never happened would miss."""
    return define_asset_job(
        "nightly_platform",
        selection=dg.AssetSelection.groups("platform") | dg.AssetSelection.checks(*checks),
        description="Verify that each domain's schema is as its revisions left it, and that no day is missing.",
    )


def observe_sources(keys: list[dg.AssetKey]) -> AssetJob:
    """Make the job that observes the application's tables."""
    return define_asset_job(
        "observe_sources",
        selection=dg.AssetSelection.assets(*keys),
        description="Record estimated rows and the newest row of each table that the application writes.",
    )


def nightly_graph() -> AssetJob:
    """Make the job that proves the graph and exports it. It stands alone: without a Neo4j all else goes on."""
    return define_asset_job(
        "nightly_graph",
        selection=dg.AssetSelection.groups(GROUP),
        description="Compare Neo4j with Postgres, repair what differs, prove that nothing is left, export the graph.",
        tags={"espalier/domain": "community"},
    )


@dg.op(pool="graph", description="Make the graph equal to Postgres for all keys that are marked.")
def drain_outbox(
    context: dg.OpExecutionContext, postgres: dg.ResourceParam[Postgres], graph: dg.ResourceParam[Graph]
) -> None:
    """Drain the outbox once, and record what was done."""
    with refusing():
        done = drain(postgres, graph, holder=f"run {context.run.run_id[:8]}", wait=60)
    context.log.info(f"drained: {asdict(done)}")


@dg.job(description="Drain the outbox of the graph once; the lag sensor starts it when nobody follows.")
def graph_drain() -> None:
    """Drain once."""
    drain_outbox()
