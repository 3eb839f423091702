"""The nightly jobs: which assets run together. Their days are their assets', their times are in `schedules.py`."""

from collections.abc import Sequence

import dagster as dg
from dagster import define_asset_job
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition as AssetJob

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
